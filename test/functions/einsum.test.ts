/** Einstein sums of specifications drawn at random are what loops over all indices add up. */
import { concatenate, einsum, flip, scope, split, type Tensor } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { times } from '../how-long.ts'

const device = openReference()

interface Drawn {
  readonly terms: readonly string[]
  readonly output: string
  readonly sizes: Readonly<Record<string, number>>
}

const letters = ['i', 'j', 'k', 'L']
const drawn: fc.Arbitrary<Drawn> = fc
  .record({
    terms: fc.array(fc.array(fc.constantFrom(...letters), { maxLength: 3 }), { minLength: 1, maxLength: 3 }),
    chosen: fc.shuffledSubarray(letters),
    numbers: fc.tuple(...letters.map(() => fc.integer({ min: 0, max: 3 }))),
  })
  .map(({ terms, chosen, numbers }) => ({
    terms: terms.map((term) => term.join('')),
    output: chosen.filter((letter) => terms.some((term) => term.includes(letter))).join(''),
    sizes: Object.fromEntries(letters.map((letter, i) => [letter, numbers[i]])),
  }))

/** All positions of axes of these sizes. */
function positions(sizes: readonly number[]): number[][] {
  return sizes.reduce<number[][]>(
    (before, n) => before.flatMap((at) => Array.from({ length: n }, (_, i) => [...at, i])),
    [[]],
  )
}

const offset = (at: readonly number[], sizes: readonly number[]): number =>
  at.reduce((sum, i, axis) => sum * sizes[axis] + i, 0)

/** The definition: for every value of every letter, the product of all operands at their letters. */
function looped({ terms, output, sizes }: Drawn, data: readonly (readonly number[])[]): number[] {
  const used = letters.filter((letter) => terms.some((term) => term.includes(letter)))
  const sizesOf = (term: string): number[] => term.split('').map((letter) => sizes[letter])
  const result = new Array<number>(sizesOf(output).reduce((a, b) => a * b, 1)).fill(0)
  for (const values of positions(used.map((letter) => sizes[letter]))) {
    const at = (term: string): number =>
      offset(
        term.split('').map((letter) => values[used.indexOf(letter)]),
        sizesOf(term),
      )
    result[at(output)] += terms.reduce((product, term, i) => product * data[i][at(term)], 1)
  }
  return result
}

test('any specification of up to three operands, with diagonals, equals its loops', () => {
  fc.assert(
    fc.property(drawn, (spec) => {
      scope(() => {
        const { terms, output, sizes } = spec
        const operands = terms.map((term, k): Tensor => {
          const shape = term.split('').map((letter) => sizes[letter])
          const size = shape.reduce((a, b) => a * b, 1)
          const numbers = Array.from({ length: size }, (_, i) => ((i * 7 + k * 3) % 11) - 5)
          return device.tensor(numbers, { shape, dtype: 'f32' })
        })
        const result = einsum(`${terms.join(',')}->${output}`, ...operands)
        expect(result.shape).toEqual(output.split('').map((letter) => sizes[letter]))
        // Whole numbers: the order of additions does not matter. The sign of zero does not, either.
        const expected = looped(
          spec,
          operands.map((x) => [...x.readSync()]),
        )
        expect([...result.readSync()].map((n) => n + 0)).toEqual(expected.map((n) => n + 0))
      })
    }),
    { numRuns: times(300, 2000) },
  )
})

test('parts of any sizes join to the tensor they were split from, and flipping twice changes nothing', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 4 }),
      fc.integer({ min: 0, max: 2 }),
      (sizes, axis) => {
        scope(() => {
          const total = sizes.reduce((a, b) => a + b, 0)
          const shape = [2, 1, 3].with(axis, total)
          const count = shape.reduce((a, b) => a * b, 1)
          const x = device.tensor([...new Array(count).keys()], { shape, dtype: 'i32' })
          const parts = split(x, sizes, axis)
          expect(parts.map((part) => part.shape[axis])).toEqual(sizes)
          expect([...concatenate(parts, axis).readSync()]).toEqual([...x.readSync()])
          expect([...flip(flip(x, [axis]), [axis]).readSync()]).toEqual([...x.readSync()])
        })
      },
    ),
  )
})
