import { type Device, keyFromSeed, type OpName, opTable, RandomStream } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { checkOp, type OpCase, type OpCases, opCases } from '@burgeon/tensor/testing'
import { describe, expect, test } from 'vitest'

const reference = openReference()

export const allOps = Object.keys(opTable) as readonly OpName[]

/**
 * Ops that round their factors to half precision on a device of mixed precision: two roundings to 11 bits instead of 24, and to
 * two bits less for the smallest numbers that are drawn.
 */
export const halfOps: ReadonlySet<OpName> = new Set<OpName>([
  ...(['matmul', 'linear', 'attention', 'attentionGrad'] as const),
  ...(['linearCrossEntropy', 'linearCrossEntropyGrad'] as const),
])
const halfRoundoff = 2 ** 16

export interface SweepOptions {
  /** Cases drawn of each op, besides the edges. */
  readonly draws: number
  readonly precision?: 'single' | 'mixed'
  /** All of the table unless given. */
  readonly ops?: readonly OpName[]
}

/** Tests that a device computes every op of the table as the reference does. */
export function testEveryOp(
  device: Device,
  { draws, precision = 'single', ops = allOps }: SweepOptions,
): void {
  describe.each(ops)('%s', (op) => {
    const cases = opCases[op] as OpCases<OpName>
    const tolerance = cases.tolerance * (precision === 'mixed' && halfOps.has(op) ? halfRoundoff : 1)
    const tryOut = async ({ inputs, attrs }: OpCase<OpName>, from: string): Promise<void> => {
      await checkOp(device, reference, op, inputs, attrs, tolerance).catch((error: unknown) => {
        throw new Error(`${from}: ${String(error)}`, { cause: error })
      })
    }

    test('computes what the reference does at the edges', async () => {
      const edges = cases.edges(new RandomStream(keyFromSeed(0)))
      expect(edges.length).toBeGreaterThan(0)
      for (const [i, edge] of edges.entries()) await tryOut(edge, `edge ${i}`)
    })
    test('computes what the reference does for shapes and numbers drawn at random', async () => {
      for (let seed = 1; seed <= draws; seed++) {
        await tryOut(cases.draw(new RandomStream(keyFromSeed(seed))), `seed ${seed}`)
      }
    })
  })
}
