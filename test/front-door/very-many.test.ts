// Reaches inside: what is tested here is a part of its package, not an entry point.
/** There may be more notes in a folder than a function takes arguments. */
import { expect, test } from 'vitest'
import { lifeLength } from '../../packages/burgeon/src/report/report-charts.ts'
import { table } from '../../packages/burgeon/src/terminal/table.ts'
import { exampleLife } from './example-life.ts'

const many = 150_000

test('a table has room for very many rows', () => {
  const rows = Array.from({ length: many }, (_, i) => ['note', i])
  expect(table(['name', 'size'], rows).split('\n')).toHaveLength(many + 2)
})

test('a life may be as long as it has stretches', () => {
  const spans = Array.from({ length: many }, (_, i) => ({ domain: 'note', from: i * 10, to: i * 10 + 10 }))
  expect(lifeLength({ ...exampleLife(), prequential: [], spans })).toBe(many * 10)
})
