/** `test/README.md` says of every folder of tests what it shows, and of no other. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { root } from './programs.ts'

it('the table lists the folders that there are, in their order', () => {
  const text = readFileSync(join(root, 'test/README.md'), 'utf8')
  const rows = [...text.matchAll(/^\| `([\w-]+)` \| ([^|]+) \| ([^|]*)\|$/gm)]
  const folders = readdirSync(join(root, 'test'), { withFileTypes: true }).filter((entry) =>
    entry.isDirectory(),
  )
  expect(rows.map(([, name]) => name)).toEqual(folders.map(({ name }) => name).toSorted())
  for (const [, name, shows] of rows) expect(shows.trim().length, name).toBeGreaterThan(8)
})
