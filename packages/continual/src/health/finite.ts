/** Numbers that are none: in weights, and in what parts keep beside them. */
import type { ParameterStore } from '@burgeon/tensor'
import type { HealthFinding } from '../journal/sleep/health-finding.ts'
import type { PartState } from '../learner-state.ts'

/** Roles whose state is numbers like the weights. */
const numeric = ['adapter', 'optimizer', 'penalty', 'upkeep']

/** Weights that are not finite. */
export async function finiteWeights(parameters: ParameterStore): Promise<HealthFinding> {
  const wrong: (readonly [string, number])[] = []
  for (const { path, tensor } of parameters) wrong.push([path, strayIn(await tensor.read())])
  return findingOf('finite weights', wrong)
}

/** Moments, importance and the like that are not finite. */
export function finiteStates(states: readonly PartState[]): HealthFinding {
  const own = states.filter(({ role }) => numeric.includes(role))
  return findingOf(
    'finite moments',
    own.map(({ name, state }) => [name, strayWithin(state)]),
  )
}

function findingOf(name: string, counts: readonly (readonly [string, number])[]): HealthFinding {
  const seen = counts.reduce((total, [, count]) => total + count, 0)
  const [where] = counts.find(([, count]) => count > 0) ?? ['all']
  return { name, ok: seen === 0, seen, expected: 'no number that is not finite', where }
}

const strayIn = (numbers: ArrayLike<number>): number => {
  let count = 0
  for (let i = 0; i < numbers.length; i++) if (!Number.isFinite(numbers[i])) count++
  return count
}

/** In all typed arrays of plain data. */
function strayWithin(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  if (ArrayBuffer.isView(value)) return strayIn(value as unknown as ArrayLike<number>)
  return Object.values(value).reduce((total: number, inner) => total + strayWithin(inner), 0)
}
