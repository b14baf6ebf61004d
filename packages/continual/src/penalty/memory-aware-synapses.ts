/**
 * Memory aware synapses (Aljundi et al. 2018, eq. 3): penalty = strength/2 · Σᵢ Ωᵢ·(θᵢ − θ*ᵢ)², where Ωᵢ says
 * how much the outputs change when θᵢ does. It looks at no label.
 */
import { sumOfAbsoluteGradients } from '@burgeon/autograd'
import {
  checkOptions,
  checks,
  checkState,
  expandDims,
  multiply,
  scope,
  square,
  sum,
  type Tensor,
  type TensorsByPath,
} from '@burgeon/tensor'
import {
  aFreshImportance,
  anchoredChecks,
  type AnchoredState,
  AnchoredWeights,
  type FreshImportance,
} from './anchored-weights.ts'
import type { Model } from '../model/model.ts'
import type { Batch } from '../stream/batch.ts'
import { meanOverRows } from './mean-over-rows.ts'
import type { Penalty } from './penalty.ts'

/** How strongly memory aware synapses hold on. */
export interface MasOptions {
  /**
   * How much a unit of importance-weighted squared movement costs, in nats per token; > 0. With the ½ that
   * the paper leaves out: twice its λ.
   */
  readonly strength: number
  /** How much earlier importance counts after a consolidation, in [0, 1]. Default 1: importance adds up. */
  readonly decay?: number
  /** Importance of what growth adds, as in `EwcOptions`. Default `borrowed`. */
  readonly fresh?: FreshImportance
  /** Rows of memory that importance is judged by, a positive integer. Default 32. */
  readonly rows?: number
}

/**
 * Protects weights in proportion to how sensitive the outputs are to them: Ω = E[|∇ 1/T·Σₜ ‖zₜ‖²|], the
 * absolute value of each row's gradient and not of their mean, where z are the logits of a row's T
 * predictions.
 */
export function memoryAwareSynapses(options: MasOptions): Penalty {
  checkOptions('memoryAwareSynapses', options, {
    strength: checks.required(checks.number({ above: 0 })),
    decay: checks.number({ from: 0, to: 1 }),
    fresh: aFreshImportance,
    rows: checks.integer({ from: 1 }),
  })
  const { strength, decay = 1, fresh = 'borrowed', rows } = options
  const held = new AnchoredWeights('memoryAwareSynapses', 'mas', fresh)
  const measured = (model: Model, sample: Batch): TensorsByPath =>
    held.kept(
      meanOverRows('memoryAwareSynapses', model, sample, (judged) => {
        const { weights, inputs, rows: together, rootShares } = judged
        // 1/√T on outputs that are squared afterwards
        const shares = expandDims(rootShares, 1)
        const norm = (w: TensorsByPath): Tensor => sum(square(multiply(model.forward(inputs, w), shares)))
        return sumOfAbsoluteGradients(norm, { examples: together })(weights).magnitudes
      }),
    )
  return {
    name: `memory aware synapses, strength ${strength}`,
    mirrors: held.mirrors,
    waitsForConsolidation: true,
    ...(rows && { sampleRows: rows }),
    loss: (weights) => held.loss(weights, strength),
    consolidate(model, sample) {
      scope(() => {
        held.accumulate(measured(model, sample), decay)
        held.anchorAt(model.parameters)
      })
    },
    ...held.afterGrowth(measured),
    toState: () => held.toState(),
    restore: (state, parameters) =>
      held.restore(checkState<AnchoredState>('memoryAwareSynapses', state, anchoredChecks), parameters),
  }
}
