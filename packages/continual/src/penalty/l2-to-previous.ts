/**
 * L2 to the weights at the latest consolidation: what all methods that measure importance are to be better
 * than.
 */
import { checkOptions, type ChecksOf, checks, checkState, fill, scope } from '@burgeon/tensor'
import { anchoredChecks, type AnchoredState, AnchoredWeights } from './anchored-weights.ts'
import type { Penalty } from './penalty.ts'

/** How strongly weights are held. */
export interface L2Options {
  /** λ in λ/2 · Σᵢ (θᵢ − θ*ᵢ)², in nats per token for a squared unit of weight; > 0. */
  readonly strength: number
}

/** Check of the options of both kinds of L2. */
export const l2Checks: ChecksOf<L2Options> = { strength: checks.required(checks.number({ above: 0 })) }

/**
 * Holds every weight where it was at the latest consolidation, each as much as the others: λ/2 · Σᵢ (θᵢ −
 * θ*ᵢ)².
 *
 * Through growth the copies of a weight share what it was held with, so that the penalty stays the same; what
 * growth adds is free until the next consolidation, for it has no weights of then.
 */
export function l2ToPrevious(options: L2Options): Penalty {
  checkOptions('l2ToPrevious', options, l2Checks)
  const { strength } = options
  const held = new AnchoredWeights('l2ToPrevious', 'l2 to previous', 'plastic')
  return {
    name: `L2 to the previous weights, strength ${strength}`,
    mirrors: held.mirrors,
    waitsForConsolidation: true,
    loss: (weights) => held.loss(weights, strength),
    consolidate(model) {
      scope(() => {
        for (const { path, tensor } of model.parameters) {
          held.importance.set(path, fill(tensor.device, tensor.shape, 1))
        }
        held.anchorAt(model.parameters)
      })
    },
    toState: () => held.toState(),
    restore: (state, parameters) =>
      held.restore(checkState<AnchoredState>('l2ToPrevious', state, anchoredChecks), parameters),
  }
}
