/** A folder that can be taken in at a glance: whoever adds a thirteenth file splits the folder by meaning. */
import { posix } from 'node:path'
import { expect, it } from 'vitest'
import { readSources } from './read-sources.ts'

const maxFiles = 12

const sources = readSources('packages').filter(({ path }) => path.includes('/src/'))

it(`no folder of the packages has more than ${maxFiles} files`, () => {
  const files = new Map<string, number>()
  for (const { path } of sources) files.set(posix.dirname(path), (files.get(posix.dirname(path)) ?? 0) + 1)
  expect(files.size).toBeGreaterThan(80)
  expect([...files].filter(([, count]) => count > maxFiles)).toEqual([])
})
