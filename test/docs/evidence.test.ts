/** What `docs/evidence.md` leans on exists: folders and files of tests, and benchmarks. Each capability has a state, and a command if there is any. */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { commandsIn } from '../../scripts/doc-commands.ts'
import { keptBenchmarks } from '../../scripts/kept-results.ts'
import { root } from './programs.ts'

const text = readFileSync(join(root, 'docs/evidence.md'), 'utf8')
const [table] = text.split('\n## ')
const rows = [...table.matchAll(/^\| (?!\*\*|capability|---)([^|]+) \| ([^|]+) \| ([^|]*)\|$/gm)]

it('every capability says how much of it is there, and what is not claimed to be missing has a command', () => {
  expect(rows.length).toBeGreaterThan(20)
  const unshown = rows.filter(([, , state, shown]) => shown.trim() === '' && !state.startsWith('not yet'))
  expect(unshown.map(([, what]) => what)).toEqual([])
  expect(rows.filter(([, , state]) => state.trim().startsWith('not yet')).length).toBeGreaterThan(0)
})

it('the tests that it names are there', () => {
  const named = [...table.matchAll(/\btest\/[\w/-]+/g)].map(([path]) => path)
  expect(named.length).toBeGreaterThan(30)
  expect(
    named.filter((path) => globSync([`${path}/*.ts`, `${path}.test.ts`], { cwd: root }).length === 0),
  ).toEqual([])
})

it('the benchmarks that it names keep their results', () => {
  const named = commandsIn('docs/evidence.md').flatMap(
    ({ command }) => /^npm run bench -- (\S+)/.exec(command)?.[1] ?? [],
  )
  expect(named.length).toBeGreaterThan(12)
  expect(named.filter((name) => !Object.hasOwn(keptBenchmarks, name))).toEqual([])
  expect(Object.keys(keptBenchmarks).filter((name) => !named.includes(name))).toEqual([])
})
