/** Drops units that lie idle, so that the work and the room they took are there for others. */
import { checkOptions, checks } from '@burgeon/tensor'
import { count } from '../../saved-state.ts'
import type { GrowthPolicy } from '../growth-policy.ts'
import { measuredBlocks } from '../requests/widened.ts'

/** When `pruneDormant` looks, and when it is sure. */
export interface PruneDormantOptions {
  /** Steps from one look to the next, ≥ 1; 100 unless given. */
  readonly every?: number
  /** Looks in a row at which a unit must have been dormant, ≥ 1; 3 unless given. */
  readonly looks?: number
}

/** Dormant units at the latest looks, by block id; the oldest first. */
type Looks = readonly Readonly<Record<string, readonly number[]>>[]

/**
 * Prunes the units of an MLP that were dormant at several looks in a row (Sokar et al. 2023, section 3: below
 * 2.5 % of the mean activity), all that one block has of them at once, the block with the most first. A unit
 * that is hardly active is hardly missed, and hardly learns any more. One unit always stays. Any growth
 * begins the looks anew: numbers of units may have changed.
 *
 * @throws OptionError for options that are not integers from 1.
 * @example
 * ```ts
 * const growth = firstOf(pruneDormant(), growOnSaturation())
 * ```
 */
export function pruneDormant(options: PruneDormantOptions = {}): GrowthPolicy<Looks> {
  checkOptions('pruneDormant', options, {
    every: checks.integer({ from: 1 }),
    looks: checks.integer({ from: 1 }),
  })
  const { every = 100, looks = 3 } = options
  return {
    name: `prune what is dormant, a look every ${every} steps`,
    initial: [],
    stateCheck: checks.list('looks', checks.record('units by block', checks.list('units', count))),
    measures: ({ stepsSinceGrowth }) => stepsSinceGrowth > 0 && stepsSinceGrowth % every === 0,
    decide({ measured, config, stepsSinceGrowth }, _, state) {
      if (measured === undefined) return { request: null, reason: 'not measured at this step', state }
      const blocks = measuredBlocks(config, measured)
      const now = Object.fromEntries(blocks.map(({ block, signals }) => [block.id, signals.dormantUnits]))
      const seen = [...(stepsSinceGrowth > every ? state : []), now].slice(-looks)
      const idle = blocks.map(({ block: { id, mlpHidden } }) => {
        const units = now[id].filter((unit) => seen.every((look) => look[id]?.includes(unit)))
        return { id, drop: units.slice(0, mlpHidden - 1) }
      })
      const most = idle.reduce((best, next) => (next.drop.length > best.drop.length ? next : best), idle[0])
      if (seen.length < looks || most === undefined || most.drop.length === 0) {
        const found = idle.reduce((total, { drop }) => total + drop.length, 0)
        return { request: null, reason: `${found} units dormant at ${seen.length} looks`, state: seen }
      }
      const { id, drop } = most
      return {
        request: { kind: 'pruneUnits', block: id, drop },
        reason: `block ${id}: ${drop.length} of its units were dormant at ${looks} looks in a row`,
        state: [],
      }
    },
  }
}
