import { checkOptions, checks, foldIn, keyFromSeed, OptionError } from '@burgeon/tensor'
import { hiddenLayersOf, type LayeredModel, requireHiddenUnits } from '../model/hidden/of-model.ts'
import { requireSameOptions, stateOfKind } from '../saved-state.ts'
import type { Upkeep } from '../upkeep/upkeep.ts'
import { resetEvents } from './reset-events.ts'
import { resetUnits } from './reset-units.ts'
import { type UnitActivity, unitActivities } from './unit-activity.ts'
import { UnitRecord } from './unit-record.ts'

/** Which units are dormant, and how often they are looked for. */
export interface RecycleDormantOptions {
  /**
   * Activity relative to the mean one of the layer up to which a unit is dormant, ≥ 0. 0.025 unless given.
   */
  readonly threshold?: number
  /** Steps from one look to the next, ≥ 1. 1,000 unless given. */
  readonly every?: number
  /**
   * Latest steps whose activity counts in a look, from 1 to `every`; each costs a forward pass. A batch of
   * few rows says little of a unit. 1 unless given.
   */
  readonly over?: number
  /** Same seed, same new weights; 0 unless given. */
  readonly seed?: number
}

interface State {
  readonly kind: 'recycle-dormant'
  readonly options: Required<RecycleDormantOptions>
  readonly units: unknown
}

/**
 * ReDo (Sokar et al. 2023, algorithm 1) for all hidden units: every so many steps, units whose mean |h| over
 * the predictions of the latest steps is at most `threshold` times the mean one of their layer begin again,
 * with new incoming weights and outgoing weights of 0. A layer in which no unit is active at all is left
 * alone. Moments, counts of steps and importance begin again.
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
    over: checks.integer({ from: 1 }),
    seed: checks.seed,
  })
  const { threshold = 0.025, every = 1000, over = 1, seed = 0 } = options
  if (over > every) {
    throw new OptionError(`recycleDormant: got over ${over} and every ${every}; expected over ≤ every.`)
  }
  const all = { threshold, every, over, seed }
  const name = 'ReDo'
  const key = keyFromSeed(seed)
  const units = new UnitRecord(`${name}: activity`, ['activation', 'magnitude', 'steps'])

  /** Takes what was seen of a layer into account; returns means over the steps of each unit. */
  const averaged = ({ layer, ...seen }: UnitActivity): UnitActivity => {
    const before = units.of(layer)
    const sum = (old: readonly number[], more: readonly number[]): number[] => old.map((x, i) => x + more[i])
    const now = {
      activation: sum(before.activation, seen.activation),
      magnitude: sum(before.magnitude, seen.magnitude),
      steps: before.steps.map((steps) => steps + 1),
    }
    units.set(layer, now)
    const mean = (sums: readonly number[]): number[] => sums.map((x, unit) => x / now.steps[unit])
    return { layer, ...seen, activation: mean(now.activation), magnitude: mean(now.magnitude) }
  }

  return {
    name,
    mirrors: [units],
    check: (model) => requireHiddenUnits(name, model),
    async afterStep({ step, model, fresh, mirrors }) {
      // 0 in the step of a look.
      const before = (every - (step % every)) % every
      if (before >= over) return []
      const hidden = hiddenLayersOf(model)
      const seen = (await unitActivities(model, hidden, fresh)).map(averaged)
      if (before > 0) return []
      units.clear()
      const resets = seen.flatMap(({ layer, activation, magnitude }) => {
        const average = magnitude.reduce((a, b) => a + b, 0) / layer.size
        const dormant = [...magnitude.keys()].filter((unit) => magnitude[unit] <= threshold * average)
        return average > 0 && dormant.length > 0 ? [{ layer, units: dormant, activation }] : []
      })
      if (resets.length > 0) await resetUnits(model, hidden, mirrors, resets, foldIn(key, step))
      return resetEvents(resets, step, name)
    },
    toState: (): State => ({ kind: 'recycle-dormant', options: all, units: units.toState() }),
    restore(state, parameters) {
      const saved = stateOfKind<State>(state, 'recycle-dormant')
      requireSameOptions(saved.kind, all, saved.options)
      units.restored(saved.kind, saved.units, parameters)()
    },
  }
}
