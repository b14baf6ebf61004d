/**
 * L2 to the weights that a model began with (Kumar et al. 2024, "Maintaining plasticity in continual
 * learning via regenerative regularization", eq. 2): what no longer serves goes back to where it can learn
 * from.
 */
import {
  checkOptions,
  checks,
  checkState,
  fill,
  type ParameterStore,
  type Plan,
  type StateChecks,
  TensorMirror,
  type TensorsByPath,
} from '@burgeon/tensor'
import { anchoredChecks, type AnchoredState, AnchoredWeights } from './anchored-weights.ts'
import { type L2Options, l2Checks } from './l2-to-previous.ts'
import type { Penalty } from './penalty.ts'

interface State extends AnchoredState {
  readonly hasGrown: boolean
}

const stateChecks: StateChecks<State> = { ...anchoredChecks, hasGrown: checks.boolean }

/** Notices growth, after which new numbers have an importance of 0. */
class NoticingMirror extends TensorMirror {
  hasGrown = false

  override remap(plan: Plan, after: TensorsByPath): () => void {
    const put = super.remap(plan, after)
    return () => {
      put()
      this.hasGrown = true
    }
  }
}

/**
 * Pulls every weight towards the number it began with, each as much as the others: λ/2 · Σᵢ (θᵢ − θ⁰ᵢ)². A
 * model begins with the weights of its first step with this penalty, what growth adds with those it is born
 * with.
 *
 * It needs no consolidation, and a consolidation changes nothing.
 */
export function l2ToInitial(options: L2Options): Penalty {
  checkOptions('l2ToInitial', options, l2Checks)
  const { strength } = options
  const importance = new NoticingMirror('l2 to initial importance', 'importance', () => true, true)
  const held = new AnchoredWeights('l2ToInitial', 'l2 to initial', importance)
  const begin = (parameters: ParameterStore): void => {
    const isWhole = [...parameters].every(({ path }) => importance.get(path) !== undefined)
    if (isWhole && !importance.hasGrown) return
    const ones = Object.entries(parameters.tensors()).map(([path, { device, shape }]) => [
      path,
      fill(device, shape, 1),
    ])
    held.holdNew(Object.fromEntries(ones), parameters)
    importance.hasGrown = false
  }
  return {
    name: `L2 to the initial weights, strength ${strength}`,
    mirrors: held.mirrors,
    loss(weights, { model }) {
      begin(model.parameters)
      return held.loss(weights, strength)
    },
    consolidate: () => {},
    toState: async (): Promise<State> => ({
      ...(await held.toState()),
      hasGrown: importance.hasGrown,
    }),
    restore(state, parameters) {
      const saved = checkState<State>('l2ToInitial', state, stateChecks)
      held.restore(saved, parameters)
      importance.hasGrown = saved.hasGrown
    },
  }
}
