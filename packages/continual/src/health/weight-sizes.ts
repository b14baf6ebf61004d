/** How large the weights of each block are, beside what they were the last time. */
import type { ParameterStore } from '@burgeon/tensor'
import type { HealthFinding, HealthRecord } from '../journal/sleep/health-finding.ts'

/** Weights become larger or smaller by learning, but not by so much between two looks. */
const mostTimes = 3

/** Root mean square of the weights of each block, by `blocks.b0`; of all others under `outside`. */
export async function weightSizes(parameters: ParameterStore): Promise<Record<string, number>> {
  const sums = new Map<string, { squares: number; count: number }>()
  for (const { path, tensor } of parameters) {
    const [block = 'outside'] = /^(blocks|layers)\.\w+/.exec(path) ?? []
    const { squares, count } = sums.get(block) ?? { squares: 0, count: 0 }
    let own = 0
    for (const weight of await tensor.read()) own += weight * weight
    sums.set(block, { squares: squares + own, count: count + tensor.size })
  }
  return Object.fromEntries(
    [...sums].map(([block, { squares, count }]) => [block, Math.sqrt(squares / count)]),
  )
}

/** One finding for each block that was there the last time; of numbers that are none others speak. */
export function weightFindings(
  now: Readonly<Record<string, number>>,
  before: HealthRecord | null,
): HealthFinding[] {
  return Object.entries(before?.weights ?? {}).flatMap(([where, was]): HealthFinding[] => {
    const times = (now[where] ?? Number.NaN) / was
    if (!Number.isFinite(times)) return []
    return [
      {
        ...{ name: 'size of weights', where, seen: times },
        ok: times <= mostTimes && times >= 1 / mostTimes,
        expected: `no more than ${mostTimes} times as large or as small as the last time`,
      },
    ]
  })
}
