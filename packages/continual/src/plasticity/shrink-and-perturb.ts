import {
  add,
  checkOptions,
  checks,
  foldIn,
  keyFromSeed,
  multiply,
  RandomStream,
  scope,
} from '@burgeon/tensor'
import { hiddenLayersOf, type LayeredModel, requireLayered } from '../model/hidden/of-model.ts'
import { requireSameOptions, stateOfKind } from '../saved-state.ts'
import { type Trigger, onDrift, triggerSignals } from '../trigger.ts'
import type { Upkeep } from '../upkeep/upkeep.ts'

/** How far weights are taken back, and when. */
export interface ShrinkAndPerturbOptions {
  /** Factor on all weights, in (0, 1]. 0.9 unless given. */
  readonly shrink?: number
  /** Factor on new weights, drawn as those of a new model, that are added; ≥ 0. 0.1 unless given. */
  readonly perturb?: number
  /** When it happens; on drift unless given. */
  readonly when?: Trigger
  /** Same seed, same new weights; 0 unless given. */
  readonly seed?: number
}

interface State {
  readonly kind: 'shrink-and-perturb'
  readonly options: Required<Omit<ShrinkAndPerturbOptions, 'when'>>
}

/**
 * Shrink and perturb (Ash & Adams 2020, section 4): θ ← shrink·θ + perturb·ε whenever it is due, where ε is
 * drawn as the weights of a new model are. It concerns all parameters that begin as random numbers; gains,
 * and biases that begin at 0, stay. Moments stay, too.
 *
 * @throws OptionError for an option outside its range; where the learner is built, for a model whose new
 *   weights are not known.
 * @example
 * const strategy = { upkeep: [shrinkAndPerturb({ when: everySteps(1000) })] }
 */
export function shrinkAndPerturb(options: ShrinkAndPerturbOptions = {}): Upkeep<LayeredModel> {
  checkOptions('shrinkAndPerturb', options, {
    shrink: checks.number({ above: 0, to: 1 }),
    perturb: checks.number({ from: 0 }),
    when: checks.callback('a trigger, such as everySteps(500)'),
    seed: checks.seed,
  })
  const { shrink = 0.9, perturb = 0.1, when = onDrift, seed = 0 } = options
  const all = { shrink, perturb, seed }
  const name = 'shrink and perturb'
  const key = keyFromSeed(seed)
  return {
    name,
    check: (model) => requireLayered(name, model),
    afterStep(context) {
      if (!when(triggerSignals(context))) return []
      const { step, model } = context
      const { parameters, device } = model
      const hidden = hiddenLayersOf(model)
      const random = new RandomStream(foldIn(key, step))
      let weights = 0
      for (const { path, tensor } of [...parameters]) {
        const drawn = hidden.drawn(path, random)
        if (drawn === null) continue
        weights++
        scope(() => {
          const noise = drawn.map((x) => perturb * x)
          const added = device.tensor(noise, { shape: tensor.shape, dtype: 'f32' }, name)
          parameters.replace(path, add(multiply(tensor, shrink), added))
        })
      }
      const summary = `weights shrank to ${shrink} of what they were, and ${perturb} of new ones was added`
      return [{ kind: 'perturbed', step, part: name, summary, data: { weights } }]
    },
    toState: (): State => ({ kind: 'shrink-and-perturb', options: all }),
    restore(state) {
      const { kind, options: saved } = stateOfKind<State>(state, 'shrink-and-perturb')
      requireSameOptions(kind, all, saved)
    },
  }
}
