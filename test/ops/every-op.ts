import { type Device, keyFromSeed, type OpName, opTable, RandomStream } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { checkOp, type OpCase, type OpCases, opCases } from '@burgeon/tensor/testing'
import { describe, expect, test } from 'vitest'

const reference = openReference()

/** Tests that a device answers every op of the table as the reference does. */
export function testEveryOp(device: Device, { draws }: { draws: number }): void {
  describe.each(Object.keys(opTable) as OpName[])('%s', (op) => {
    const cases = opCases[op] as OpCases<OpName>
    const tryOut = async ({ inputs, attrs }: OpCase<OpName>, from: string): Promise<void> => {
      await checkOp(device, reference, op, inputs, attrs, cases.tolerance).catch((error: unknown) => {
        throw new Error(`${from}: ${String(error)}`, { cause: error })
      })
    }

    test('answers as the reference does at the edges', async () => {
      const edges = cases.edges(new RandomStream(keyFromSeed(0)))
      expect(edges.length).toBeGreaterThan(0)
      for (const [i, edge] of edges.entries()) await tryOut(edge, `edge ${i}`)
    })
    test('answers as the reference does for shapes and numbers drawn at random', async () => {
      for (let seed = 1; seed <= draws; seed++) {
        await tryOut(cases.draw(new RandomStream(keyFromSeed(seed))), `seed ${seed}`)
      }
    })
  })
}
