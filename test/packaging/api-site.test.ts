/** The API site is built by `npm run docs` in CI, for it takes half a minute; here is what can be told without building it. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { documentedEntryPoints } from '../../scripts/write-api-site.ts'
import { entryPoints } from '../architecture/read-packages.ts'
import { root } from '../architecture/read-sources.ts'

const read = (path: string): string => readFileSync(join(root, path), 'utf8')

it('has every entry point of every package', () => {
  const documented = Object.entries(documentedEntryPoints()).map(([file, name]) => `${name}: ${file}`)
  const expected = [...entryPoints].map(([name, path]) => `${name}: ${join(root, path)}`)
  expect(documented.toSorted()).toEqual(expected.toSorted())
})

it('is built in CI, where a warning is an error', () => {
  expect(read('.ci/run')).toMatch(/^npm run docs$/m)
  expect(JSON.parse(read('scripts/api-site/typedoc.json'))).toMatchObject({ treatWarningsAsErrors: true })
})

it('is made by pinned tools, and is nothing that the repository keeps', () => {
  const { dependencies } = JSON.parse(read('scripts/api-site/package.json')) as {
    dependencies: Readonly<Record<string, string>>
  }
  expect(Object.values(dependencies).filter((version) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([])
  expect(read('scripts/api-site/package-lock.json')).not.toContain('"resolved"')
  const ignored = ['check-ignore', 'docs/api/index.html', 'scripts/api-site/node_modules/typedoc']
  expect(execFileSync('git', ignored, { cwd: root, encoding: 'utf8' }).trim().split('\n')).toHaveLength(2)
})
