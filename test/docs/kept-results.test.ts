/** What documents say of benchmarks is what the kept results say. */
import { globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { withSpread } from '../../bench/benchmark.ts'
import { docTables, quotedResults, unfoundedNumbers } from '../../scripts/doc-tables.ts'
import { keptBenchmarks, readResult } from '../../scripts/kept-results.ts'
import { markedIn } from '../../scripts/marked-text.ts'
import { root } from './programs.ts'

const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const names = globSync('bench/results/*.json', { cwd: root }).map((path) => basename(path, '.json'))

describe('tables are those of the results: npm run write:tables', () => {
  it.for(Object.entries(docTables))('%s', ([name, { document, write }]) => {
    expect(markedIn(read(document), name)).toBe(write())
  })
})

describe('numbers in prose are those of the results', () => {
  it.for(quotedResults)('of %s', (name) => {
    expect(
      unfoundedNumbers(markedIn(read('docs/benchmarks.md'), `numbers: ${name}`), readResult(name)),
    ).toEqual([])
  })
  it('a number that no row rounds to is found', () => {
    const result = readResult('where')
    const [{ value }] = result.rows
    expect(unfoundedNumbers(`${value.toFixed(3)} nats`, result)).toEqual([])
    expect(unfoundedNumbers(`${(value + 0.1).toFixed(3)} nats, 77 % less`, result)).toHaveLength(2)
  })
})

it('a result keeps every seed, and how far they lie apart', () => {
  const about = { case: 'a', metric: 'loss', unit: 'nats' }
  const [seeds, one] = withSpread([
    { ...about, value: 2, values: [1, 3, 2] },
    { ...about, value: 2 },
  ])
  expect(seeds).toEqual({ ...about, value: 2, values: [1, 3, 2], spread: 2 })
  expect(one).not.toHaveProperty('spread')
})

describe('every kept result', () => {
  it('can be made anew by one command', () => {
    const files = names.filter((name) => !name.startsWith('gpu-'))
    expect(files.toSorted()).toEqual(Object.keys(keptBenchmarks).toSorted())
  })
  it.for(names)('%s: a check that failed has its sentence, and no other', (name) => {
    const { checks } = readResult(name)
    const [, section = ''] = read('bench/results/README.md').split(`\n## ${name}\n`)
    const said = [...section.split('\n## ')[0].matchAll(/^- (.+)$/gm)].map(([, line]) => line)
    const failed = checks.filter(({ holds }) => !holds).map((check) => check.name)
    expect(failed.filter((check) => !said.some((line) => line.startsWith(`${check}: `)))).toEqual([])
    expect(said).toHaveLength(failed.length)
  })
})
