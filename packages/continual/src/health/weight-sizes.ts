/** How large the weights of each block are, beside what they were the last time. */
import type { ParameterStore } from '@burgeon/tensor'
import type { HealthFinding, HealthRecord } from '../journal/sleep/health-finding.ts'

/** Weights become larger or smaller by learning, but not by so much between two looks. */
export const mostTimes = 3

/** The block that weights are of, `blocks.b0`; of all others `outside`. */
export const blockOf = (path: string): string => /^(blocks|layers)\.\w+/.exec(path)?.[0] ?? 'outside'

/**
 * Root mean square of weights that belong together.
 *
 * @param groupOf Names what those of a path belong to.
 */
export async function weightSizes(
  parameters: ParameterStore,
  groupOf: (path: string) => string,
): Promise<Record<string, number>> {
  const sums = new Map<string, { squares: number; count: number }>()
  for (const { path, tensor } of parameters) {
    const group = groupOf(path)
    const { squares, count } = sums.get(group) ?? { squares: 0, count: 0 }
    let own = 0
    for (const weight of await tensor.read()) own += weight * weight
    sums.set(group, { squares: squares + own, count: count + tensor.size })
  }
  return Object.fromEntries(
    [...sums].map(([group, { squares, count }]) => [group, Math.sqrt(squares / count)]),
  )
}

/** The sizes of now, and in the place of those that nothing can be compared with the ones before. */
export const comparableSizes = (
  now: Readonly<Record<string, number>>,
  before: Readonly<Record<string, number>> = {},
): Record<string, number> =>
  Object.fromEntries(
    Object.entries(now).flatMap(([group, size]) => {
      const usable: number | undefined = Number.isFinite(size) && size > 0 ? size : before[group]
      return usable === undefined ? [] : [[group, usable] as const]
    }),
  )

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
