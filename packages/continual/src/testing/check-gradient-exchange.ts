/** The contract of an exchange of gradients, as statements to be checked in any test runner. */
import { checkArgument, checks } from '@burgeon/tensor'
import { type CheckResult, complaintOf, isSame, statements } from '@burgeon/tensor/testing'
import {
  aGradientExchange,
  type ExchangeContext,
  type GradientExchange,
  meanGradients,
  type PartGradients,
} from '../exchange/gradient-exchange.ts'

const [steps, numbers] = [3, 50]

/** Gradients of a part of a step: the same in every run, and other ones for every step, machine and part. */
function partOf(step: number, machine: number, part: number): PartGradients {
  const drawn = (i: number): number =>
    (Math.imul(1 + i + 101 * step + 1009 * machine + 10_007 * part, 0x9e3779b1) | 0) / 2 ** 31
  const own = (from: number): Float32Array =>
    Float32Array.from({ length: numbers }, (_, i) => drawn(from + i))
  return {
    gradients: { 'a.weight': own(0), b: own(numbers) },
    counted: 1 + ((step + 3 * machine + part) % 5),
  }
}

const weightsOf: ExchangeContext['weights'] = () => Promise.resolve({ b: Float32Array.of(1, 2) })

/**
 * Checks an exchange.
 *
 * @param make Makes those of all machines of a new group, in order.
 * @throws OptionError if `make` does not return a list of them.
 * @example
 * ```ts
 * for (const { statement, holds, detail } of await checkGradientExchange(() => [gradientParts(4)])) {
 *   if (!holds) throw new Error(`${statement}: ${detail}`)
 * }
 * ```
 */
export async function checkGradientExchange(make: () => readonly GradientExchange[]): Promise<CheckResult[]> {
  checkArgument('checkGradientExchange', 'make', make, checks.callback('a function that makes exchanges'))
  const made = (): readonly GradientExchange[] => {
    const group = make()
    checkArgument(
      'checkGradientExchange',
      'from make',
      group,
      checks.list('a list of exchanges', aGradientExchange),
    )
    return group
  }
  const promises = {
    'gives every machine the parts of all, in their order': await complaintOf(() => givesOther(made())),
    'leaves what it is given as it was': await complaintOf(() => changes(made())),
    'has the same mean on every machine, in every step': await complaintOf(() => parts(made())),
  }
  return statements(
    made()[0]?.name ?? 'no exchange',
    Object.entries(promises).map(([promise, complaint]) => [promise, () => complaint] as const),
  )
}

const ownParts = ({ parts = 1 }: GradientExchange, step: number, machine: number): PartGradients[] =>
  Array.from({ length: parts }, (_, part) => partOf(step, machine, part))

const exchanged = (group: readonly GradientExchange[], step: number): Promise<(readonly PartGradients[])[]> =>
  Promise.all(
    group.map((own, machine) => own.exchange(ownParts(own, step, machine), { step, weights: weightsOf })),
  )

async function givesOther(group: readonly GradientExchange[]): Promise<string | null> {
  for (let step = 0; step < steps; step++) {
    const expected = group.flatMap((own, machine) => ownParts(own, step, machine))
    const taken = await exchanged(group, step)
    const wrong = taken.findIndex((all) => !isSame(all, expected))
    if (wrong >= 0) return `in step ${step} machine ${wrong} has others`
  }
  return null
}

async function changes(group: readonly GradientExchange[]): Promise<string | null> {
  const given = group.map((own, machine) => ownParts(own, 0, machine))
  const before = structuredClone(given)
  const context = { step: 0, weights: weightsOf }
  await Promise.all(group.map((own, machine) => own.exchange(given[machine], context)))
  return isSame(given, before) ? null : 'the parts of a machine were changed'
}

async function parts(group: readonly GradientExchange[]): Promise<string | null> {
  for (let step = 0; step < steps; step++) {
    const means = (await exchanged(group, step)).map(meanGradients)
    if (means.some((mean) => !isSame(mean, means[0]))) return `in step ${step} the means differ`
  }
  return null
}
