import { checkOptions, checks, checkState, foldIn, keyFromSeed, type StateChecks } from '@burgeon/tensor'
import { hiddenLayersOf, type LayeredModel, requireHiddenUnits } from '../model/hidden/of-model.ts'
import { entriesOf, requireSameOptions, stateOfKind } from '../saved-state.ts'
import type { Upkeep } from '../upkeep/upkeep.ts'
import { resetUnits, type UnitsToReset } from './reset-units.ts'
import { resetEvents } from './reset-events.ts'
import { type UnitActivity, unitActivities } from './unit-activity.ts'
import { UnitRecord } from './unit-record.ts'

/** How many units are replaced, and which are spared. */
export interface ContinualBackpropagationOptions {
  /** Share of the mature units of a layer that is replaced per step, in (0, 1). 1e-4 unless given. */
  readonly replacementRate?: number
  /** Steps for which a new unit is spared, ≥ 0. 100 unless given. */
  readonly maturity?: number
  /** Factor on older contributions from look to look, in [0, 1). 0.99 unless given. */
  readonly decay?: number
  /** Steps from one look at the units to the next, ≥ 1; each costs a forward pass. 1 unless given. */
  readonly every?: number
  /** Same seed, same new weights; 0 unless given. */
  readonly seed?: number
}

interface State {
  readonly kind: 'continual-backpropagation'
  readonly options: Required<ContinualBackpropagationOptions>
  readonly units: unknown
  /** By layer, the share of a unit that is still to be replaced. */
  readonly pending: readonly (readonly [string, number])[]
}

const stateChecks: StateChecks<Pick<State, 'pending'>> = {
  pending: entriesOf('shares of units by layer', checks.number({ from: 0 })),
}

/**
 * Continual backpropagation (Dohare et al. 2024, algorithm 1) for all hidden units: those that
 * contribute least begin again with new incoming weights, and outgoing weights of 0.
 *
 * The utility of unit i is a running mean of its contribution, u ← η·u + (1 − η)·|hᵢ|·Σ|outgoing weights|,
 * over the predictions of a step, with bias correction u/(1 − η^looks). Of the units that are older than
 * `maturity`, `replacementRate` are replaced per step; what is less than one unit is saved up. What a unit
 * said on average, Σ h̄ᵢ·w, is added to the bias of the output where there is one. Moments, counts of
 * steps and importance of a replaced unit begin again; utilities follow growth, and new units are spared
 * as replaced ones are.
 *
 * @throws OptionError for an option outside its range; where the learner is built, for a model without hidden
 *   units that are known.
 * @example
 * const strategy = { upkeep: [continualBackpropagation({ replacementRate: 1e-4 })] }
 */
export function continualBackpropagation(
  options: ContinualBackpropagationOptions = {},
): Upkeep<LayeredModel> {
  checkOptions('continualBackpropagation', options, {
    replacementRate: checks.number({ above: 0, below: 1 }),
    maturity: checks.integer({ from: 0 }),
    decay: checks.number({ from: 0, below: 1 }),
    every: checks.integer({ from: 1 }),
    seed: checks.seed,
  })
  const { replacementRate = 1e-4, maturity = 100, decay = 0.99, every = 1, seed = 0 } = options
  const all = { replacementRate, maturity, decay, every, seed }
  const name = 'continual backpropagation'
  const key = keyFromSeed(seed)
  const units = new UnitRecord(`${name}: utilities`, ['utility', 'activation', 'looks'])
  let pending = new Map<string, number>()

  /** Takes what was seen of a layer into account; returns the units that are to be replaced. */
  const judged = ({ layer, activation, magnitude, outgoing }: UnitActivity): UnitsToReset => {
    const before = units.of(layer)
    const mixed = (old: readonly number[], seen: (unit: number) => number): number[] =>
      old.map((value, unit) => decay * value + (1 - decay) * seen(unit))
    const now = {
      utility: mixed(before.utility, (unit) => magnitude[unit] * outgoing[unit]),
      activation: mixed(before.activation, (unit) => activation[unit]),
      looks: before.looks.map((looks) => looks + 1),
    }
    units.set(layer, now)
    const corrected = (numbers: readonly number[]): number[] =>
      numbers.map((value, unit) => value / (1 - decay ** now.looks[unit]))
    const utility = corrected(now.utility)
    const mature = [...utility.keys()].filter((unit) => now.looks[unit] * every > maturity)
    mature.sort((a, b) => utility[a] - utility[b] || a - b)
    const due = (pending.get(layer.name) ?? 0) + replacementRate * every * mature.length
    const chosen = mature.slice(0, Math.floor(due))
    pending.set(layer.name, due - chosen.length)
    return { layer, units: chosen, activation: corrected(now.activation) }
  }

  return {
    name,
    mirrors: [units],
    check: (model) => requireHiddenUnits(name, model),
    async afterStep({ step, model, fresh, mirrors }) {
      if (step % every !== 0) return []
      const hidden = hiddenLayersOf(model)
      const seen = await unitActivities(model, hidden, fresh)
      const resets = seen.map(judged).filter(({ units: chosen }) => chosen.length > 0)
      if (resets.length > 0) await resetUnits(model, hidden, mirrors, resets, foldIn(key, step))
      return resetEvents(resets, step, name)
    },
    toState: (): State => ({
      kind: 'continual-backpropagation',
      options: all,
      units: units.toState(),
      pending: [...pending],
    }),
    restore(state, parameters) {
      const saved = stateOfKind<State>(state, 'continual-backpropagation')
      requireSameOptions(saved.kind, all, saved.options)
      const { pending: shares } = checkState<Pick<State, 'pending'>>(
        saved.kind,
        { pending: saved.pending },
        stateChecks,
      )
      units.restored(saved.kind, saved.units, parameters)()
      pending = new Map(shares)
    },
  }
}
