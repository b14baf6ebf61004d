/** A-GEM and GEM by their conditions: what they leave alone, what they take away, and that nothing nearer is allowed. */
import { aGem, gem } from '@burgeon/continual'
import { OptionError } from '@burgeon/tensor'
import { openWasm } from '@burgeon/tensor/wasm'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { times } from '../how-long.ts'
import { dot, memoryOf, norm, projectedBy, type Vector } from './vectors.ts'

const size = 7
/** Of numbers between −1 and 1. */
const vector = fc.array(
  fc.integer({ min: -1000, max: 1000 }).map((x) => x / 1000),
  { minLength: size, maxLength: size },
)
const runs = { numRuns: times(60, 1000) }
const domainsOf = (vectors: readonly Vector[]): string[] => vectors.map((_, i) => String(i))

const byGem = (g: Vector, references: readonly Vector[], margin = 0): number[] =>
  projectedBy(gem({ memory: memoryOf(domainsOf(references)), margin }), g, (i) => references[Number(i)])
const byAGem = (g: Vector, references: readonly Vector[]): number[] =>
  projectedBy(aGem({ memory: memoryOf(domainsOf(references)) }), g, (i) => references[Number(i)])

const close = (a: Vector, b: Vector): void => {
  a.forEach((x, i) => expect(Math.abs(x - b[i])).toBeLessThan(1e-9 * (1 + norm(b))))
}

/** Solves a small system by elimination with pivots. */
function solved(a: number[][], b: number[]): number[] {
  const rows = a.map((row, i) => [...row, b[i]])
  rows.forEach((_, i) => {
    const pivot = rows
      .slice(i)
      .reduce((best, row, k) => (Math.abs(row[i]) > Math.abs(rows[best][i]) ? i + k : best), i)
    ;[rows[i], rows[pivot]] = [rows[pivot], rows[i]]
    rows.forEach((row, k) => {
      if (k === i) return
      const factor = row[i] / rows[i][i]
      for (let j = i; j < row.length; j++) row[j] -= factor * rows[i][j]
    })
  })
  return rows.map((row, i) => row[row.length - 1] / row[i])
}

describe('A-GEM', () => {
  test('takes away the part against the mean gradient of the memory, and nothing where they agree', () => {
    const r = [1, 0, 0, 0, 0, 0, 1]
    close(byAGem([-1, 2, 0, 0, 0, 0, 0.5], [r]), [-0.75, 2, 0, 0, 0, 0, 0.75])
    const agrees = [1, 2, 0, 0, 0, 0, -0.5]
    expect(byAGem(agrees, [r])).toEqual(agrees)
  })
  test('leaves a step that does not raise the loss of the memory, and changes it no more than it must', () => {
    fc.assert(
      fc.property(vector, fc.array(vector, { minLength: 1, maxLength: 4 }), (g, references) => {
        const r = g.map((_, i) => references.reduce((sum, own) => sum + own[i], 0) / references.length)
        const found = byAGem(g, references)
        expect(dot(found, r)).toBeGreaterThan(-1e-9)
        // The nearest vector of the half-space, by the formula of a projection.
        const share = dot(r, r) === 0 ? 0 : Math.min(0, dot(g, r)) / dot(r, r)
        if (dot(r, r) > 1e-12)
          close(
            found,
            g.map((x, i) => x - share * r[i]),
          )
      }),
      runs,
    )
  })
  test('lets gradients pass while nothing is remembered, and where the memory has no gradient', () => {
    const g = [1, 2, 3, 4, 5, 6, 7]
    expect(byAGem(g, [])).toEqual(g)
    expect(byAGem(g, [[0, 0, 0, 0, 0, 0, 0]])).toEqual(g)
  })
})

describe('GEM', () => {
  test('keeps each of two domains, where A-GEM keeps their mean alone', () => {
    const g = [1, 1, 0, 0, 0, 0, 0]
    const references = [
      [1, -2, 0, 0, 0, 0, 0],
      [0, 3, 0, 0, 0, 0, 0],
    ]
    // The mean is (1/2, 1/2): it agrees with g, and the first domain alone does not.
    expect(byAGem(g, references)).toEqual(g)
    // v = 1/5 of the first: g + v·(1, −2).
    close(byGem(g, references), [1.2, 0.6, 0, 0, 0, 0, 0])
  })
  test('meets the conditions of Karush, Kuhn and Tucker', () => {
    let changed = 0
    fc.assert(
      fc.property(vector, fc.array(vector, { minLength: 1, maxLength: 5 }), (g, references) => {
        const found = byGem(g, references)
        const moved = found.map((x, i) => x - g[i])
        for (const r of references) expect(dot(found, r)).toBeGreaterThan(-1e-9)
        expect(Math.abs(dot(found, moved))).toBeLessThan(1e-9)
        // The change is a sum of the references with multipliers that are not negative, where these are apart.
        const products = references.map((a) => references.map((b) => dot(a, b)))
        const v = solved(
          products,
          references.map((r) => dot(r, moved)),
        )
        const least = Math.min(...references.map(norm))
        const isSure = v.every(Number.isFinite) && Math.max(...v.map(Math.abs)) < 1e3 && least > 1e-3
        if (!isSure) return
        changed += Number(norm(moved) > 1e-6)
        expect(Math.min(...v)).toBeGreaterThan(-1e-6)
        const rebuilt = moved.map((_, i) => references.reduce((sum, r, k) => sum + v[k] * r[i], 0))
        rebuilt.forEach((x, i) => expect(Math.abs(x - moved[i])).toBeLessThan(1e-6))
      }),
      runs,
    )
    expect(changed).toBeGreaterThan(runs.numRuns / 4)
  })
  test('bears domains that ask for the same, or for what several others ask for', () => {
    fc.assert(
      fc.property(vector, vector, vector, (g, a, b) => {
        const sum = a.map((x, i) => 2 * x + b[i])
        const [twice, once] = [byGem(g, [a, a, b, sum, a]), byGem(g, [a, b])]
        for (const r of [a, b, sum]) expect(dot(twice, r)).toBeGreaterThan(-1e-7)
        // Where a and b are much alike, rounding decides between them.
        const cosine = dot(a, b) / (norm(a) * norm(b))
        if (!(Math.abs(cosine) < 0.99) || norm(a) < 0.1 || norm(b) < 0.1) return
        twice.forEach((x, i) => expect(Math.abs(x - once[i])).toBeLessThan(1e-6))
      }),
      runs,
    )
  })
  test('with a margin leans towards the remembered domains', () => {
    const g = [-1, 0, 0, 0, 0, 0, 0]
    const r = [1, 0, 0, 0, 0, 0, 0]
    close(byGem(g, [r], 0.25), [0.25, 0, 0, 0, 0, 0, 0])
    // A gradient that hurts nobody is not touched.
    expect(byGem(r, [r], 0.25)).toEqual(r)
  })
  test('of a single domain is A-GEM', () => {
    fc.assert(
      fc.property(vector, vector, (g, r) => {
        if (norm(r) > 1e-3) close(byGem(g, [r]), byAGem(g, [r]))
      }),
      runs,
    )
  })
})

test.each([
  ['a-gem', aGem],
  ['gem', gem],
])('%s does the same in single precision', (_, make) => {
  const references = [
    [1, -2, 0.5, 0, 0, 0.1, 0],
    [0.2, 1, 0, -1, 0, 0, 0.3],
  ]
  const g = [-1, 1, 0.3, 1, -0.2, 0, 0.5]
  const run = (device?: ReturnType<typeof openWasm>): number[] =>
    projectedBy(make({ memory: memoryOf(['0', '1']) }), g, (i) => references[Number(i)], device)
  const [found, expected] = [run(openWasm()), run()]
  expected.forEach((x, i) => expect(Math.abs(found[i] - x)).toBeLessThan(1e-6))
  expect(norm(expected.map((x, i) => x - g[i]))).toBeGreaterThan(0.1)
})

test.each([
  ['no memory', {}],
  ['what is no memory', { memory: { name: 'half' } }],
  ['no rows', { memory: memoryOf([]), rows: 0 }],
])('cannot be made with %s', (_, options) => {
  for (const make of [aGem, gem]) expect(() => make(options as never)).toThrow(OptionError)
})
