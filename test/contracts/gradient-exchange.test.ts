/** The contract of an exchange of gradients: ours keep it, and ones that are broken in one way each do not. */
import { memoryBlobs, memoryLog, sharedGradients } from '@burgeon/cluster'
import { type GradientExchange, gradientParts } from '@burgeon/continual'
import { checkGradientExchange } from '@burgeon/continual/testing'
import { OptionError } from '@burgeon/tensor'
import { expect, test } from 'vitest'

/** A group of three machines. */
function three(): GradientExchange[] {
  const [log, blobs, members] = [memoryLog(), memoryBlobs(), ['a', 'b', 'c']]
  return members.map((name) => sharedGradients({ log, blobs, name, members, parts: 2 }))
}

test.each([
  ['one machine', () => [gradientParts(4)]],
  ['three machines', three],
] as const)('%s keeps every statement', async (_, make) => {
  const results = await checkGradientExchange(make)
  expect(results.filter(({ holds }) => !holds)).toEqual([])
  expect(results).toHaveLength(3)
})

const wrapped =
  (change: (own: GradientExchange, machine: number) => GradientExchange['exchange']) =>
  (): GradientExchange[] =>
    three().map((own, machine) => ({ ...own, exchange: change(own, machine) }))

test.each([
  [
    'in their order',
    (own: GradientExchange) =>
      async (...args: Parameters<GradientExchange['exchange']>) =>
        (await own.exchange(...args)).toReversed(),
  ],
  [
    'as it was',
    (own: GradientExchange) =>
      async (...args: Parameters<GradientExchange['exchange']>) => {
        const taken = structuredClone(await own.exchange(...args))
        args[0][0].gradients.b.fill(0)
        return taken
      },
  ],
  [
    'the same mean',
    (own: GradientExchange, machine: number) =>
      async (...args: Parameters<GradientExchange['exchange']>) => {
        const taken = await own.exchange(...args)
        return machine === 1 ? taken.slice(0, 3) : taken
      },
  ],
])('one that breaks "%s" is told so', async (statement, change) => {
  const results = await checkGradientExchange(wrapped(change))
  expect(results.filter(({ holds }) => !holds).map((each) => each.statement)).toContainEqual(
    expect.stringContaining(statement),
  )
})

test('what is no exchange is refused', async () => {
  for (const wrong of [null, 3, [{}], [null]]) {
    await expect(checkGradientExchange(() => wrong as never)).rejects.toThrow(OptionError)
  }
})
