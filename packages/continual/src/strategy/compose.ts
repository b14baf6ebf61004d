/** Joins strategies to one. */
import { OptionError } from '@burgeon/tensor'
import { checkRoles } from './check-strategy.ts'
import type { Model } from '../model/model.ts'
import type { NetworkStrategy, Strategy, StrategyOf } from './strategy.ts'

const single = [
  'rehearsal',
  'lookAhead',
  'detector',
  'growth',
  'freezing',
  'vocabulary',
  'recall',
  'context',
  'guard',
  'assessment',
  'average',
  'probes',
  'controller',
  'choice',
  'sleep',
  'consolidateWhen',
] as const

/**
 * One strategy that does what several do: penalties, projections, transforms, detectors, watches and upkeep
 * add up in order.
 *
 * @throws OptionError for what plays no role, or if two of them claim a role that only one can have.
 * @example
 * ```ts
 * const strategy = compose(
 *   { rehearsal: reservoirReplay({ capacity: 500 }) },
 *   { penalties: [onlineEwc({ strength: 5 })], consolidateWhen: everySteps(500) },
 * )
 * ```
 */
export function compose(...strategies: readonly StrategyOf<Model>[]): StrategyOf<Model>
export function compose(...strategies: readonly NetworkStrategy[]): NetworkStrategy
export function compose(...strategies: readonly Strategy[]): Strategy
export function compose(...strategies: readonly object[]): object {
  const result: { -readonly [K in keyof Strategy]: Strategy[K] } = {}
  for (const [i, strategy] of (strategies as readonly Strategy[]).entries()) {
    checkRoles(`compose: strategies[${i}]`, strategy)
    for (const role of single) {
      const [present, added] = [result[role], strategy[role]]
      if (present !== undefined && added !== undefined) {
        throw new OptionError(
          `compose: two strategies claim the role ${role}: ${nameOf(present)} and ${nameOf(added)}. Keep one.`,
        )
      }
    }
    const penalties = [...(result.penalties ?? []), ...(strategy.penalties ?? [])]
    const projections = [...(result.projections ?? []), ...(strategy.projections ?? [])]
    const transforms = [...(result.transforms ?? []), ...(strategy.transforms ?? [])]
    const detectors = [...(result.detectors ?? []), ...(strategy.detectors ?? [])]
    const watches = [...(result.watches ?? []), ...(strategy.watches ?? [])]
    const upkeep = [...(result.upkeep ?? []), ...(strategy.upkeep ?? [])]
    const lists = { penalties, projections, transforms, detectors, watches, upkeep }
    Object.assign(result, strategy, lists)
  }
  return result
}

function nameOf(part: { readonly name: string }): string {
  return part.name || 'an unnamed one'
}
