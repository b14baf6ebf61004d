import { checkOptions, checks, foldIn, keyFromSeed } from '@burgeon/tensor'
import { hiddenLayersOf, type LayeredModel, requireHiddenUnits } from '../model/hidden/of-model.ts'
import { requireSameOptions, stateOfKind } from '../saved-state.ts'
import type { Upkeep } from '../upkeep/upkeep.ts'
import { resetEvents } from './reset-events.ts'
import { resetUnits } from './reset-units.ts'
import { unitActivities } from './unit-activity.ts'

/** Which units are dormant, and how often they are looked for. */
export interface RecycleDormantOptions {
  /**
   * Activity relative to the mean one of the layer up to which a unit is dormant, ≥ 0. 0.025 unless given.
   */
  readonly threshold?: number
  /** Steps from one look to the next, ≥ 1. 1,000 unless given. */
  readonly every?: number
  /** Same seed, same new weights; 0 unless given. */
  readonly seed?: number
}

interface State {
  readonly kind: 'recycle-dormant'
  readonly options: Required<RecycleDormantOptions>
}

/**
 * ReDo (Sokar et al. 2023, algorithm 1) for all hidden units: every so many steps, units whose
 * mean |h| over the predictions of the step is at most `threshold` times the mean one of their layer begin
 * again, with new incoming weights and outgoing weights of 0. A layer in which no unit is active at all is
 * left alone. Moments, counts of steps and importance begin again.
 *
 * @throws OptionError for an option outside its range; where the learner is built, for a model without hidden
 *   units that are known.
 * @example
 * const strategy = { upkeep: [recycleDormant({ every: 500 })] }
 */
export function recycleDormant(options: RecycleDormantOptions = {}): Upkeep<LayeredModel> {
  checkOptions('recycleDormant', options, {
    threshold: checks.number({ from: 0 }),
    every: checks.integer({ from: 1 }),
    seed: checks.seed,
  })
  const { threshold = 0.025, every = 1000, seed = 0 } = options
  const all = { threshold, every, seed }
  const name = 'ReDo'
  const key = keyFromSeed(seed)
  return {
    name,
    check: (model) => requireHiddenUnits(name, model),
    async afterStep({ step, model, fresh, mirrors }) {
      if (step % every !== 0) return []
      const hidden = hiddenLayersOf(model)
      const seen = await unitActivities(model, hidden, fresh)
      const resets = seen.flatMap(({ layer, activation, magnitude }) => {
        const average = magnitude.reduce((a, b) => a + b, 0) / layer.size
        const units = [...magnitude.keys()].filter((unit) => magnitude[unit] <= threshold * average)
        return average > 0 && units.length > 0 ? [{ layer, units, activation }] : []
      })
      if (resets.length > 0) await resetUnits(model, hidden, mirrors, resets, foldIn(key, step))
      return resetEvents(resets, step, name)
    },
    toState: (): State => ({ kind: 'recycle-dormant', options: all }),
    restore(state) {
      const { kind, options: saved } = stateOfKind<State>(state, 'recycle-dormant')
      requireSameOptions(kind, all, saved)
    },
  }
}
