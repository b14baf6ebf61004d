/**
 * Learning without forgetting (Li & Hoiem 2018, eq. 2–3; the loss of Hinton, Vinyals & Dean 2015): a frozen
 * ancestor says what the rows of a step meant to it, and the model is to agree.
 */
import {
  add,
  checkOptions,
  checks,
  checkState,
  divide,
  elementwise,
  expression,
  logSoftmax,
  multiply,
  scope,
  type StateChecks,
  sum,
  type Tensor,
} from '@burgeon/tensor'
import { Ancestor, type AncestorState, type ComparedOutputs } from './ancestor.ts'
import { isTokenBatch, targetsOf } from '../stream/batch.ts'
import type { Penalty } from './penalty.ts'

/** How closely a model is held to its ancestor. */
export interface LwfOptions {
  /** λ: how much a nat of difference per prediction costs; > 0. */
  readonly strength: number
  /** T: softens both distributions, so that unlikely outputs count, too; > 0. Default 2. */
  readonly temperature?: number
}

interface State {
  readonly ancestor: AncestorState
  /** Outputs that were right at some time before the latest consolidation, and before now. */
  readonly known: readonly number[]
  readonly seen: readonly number[]
}

const outputs = checks.list('a list of outputs', checks.integer({ from: 0 }))
const stateChecks: StateChecks<State> = {
  ancestor: checks.object<AncestorState>('an ancestor { config, weights }'),
  known: outputs,
  seen: outputs,
}

const { exp, input, subtract } = expression
// inputs: log p of the ancestor, log q of the model; p·(log p − log q)
const divergence = expression.multiply(exp(input(0)), subtract(input(0), input(1)))
const squaredDifference = expression.multiply(subtract(input(0), input(1)), subtract(input(0), input(1)))
/** In the place of what the ancestor knows nothing of: its probability is 0. */
const hidden = -1e9

/**
 * Adds λ·T²·KL(p‖q), the mean over the predictions of a step, where p and q are the distributions of the
 * ancestor and of the model at temperature T. Both are over the outputs that had been right at some time
 * before the ancestor was taken: of others it knows nothing, and would keep the model from learning them.
 * For a model that predicts numbers it is λ times the mean squared difference.
 *
 * The ancestor is a copy of the model at each consolidation, and costs a forward pass in every step. It stays
 * at its own size when the model grows: tokens that came later count for the earlier ones that they begin
 * with, and predictions from tokens that it does not know, or beyond its context, are left out. New weights
 * are held as old ones are: by what the whole model says.
 */
export function learningWithoutForgetting(options: LwfOptions): Penalty {
  checkOptions('learningWithoutForgetting', options, {
    strength: checks.required(checks.number({ above: 0 })),
    temperature: checks.number({ above: 0 }),
  })
  const { strength, temperature = 2 } = options
  const ancestor = new Ancestor()
  let known: ReadonlySet<number> = new Set()
  const seen = new Set<number>()
  let coming: readonly number[] = []
  return {
    name: `learning without forgetting, strength ${strength}, temperature ${temperature}`,
    mirrors: [ancestor],
    waitsForConsolidation: true,
    usesLogits: true,
    loss(_, pass) {
      const { model, batch } = pass
      if (model.predicts !== 'numbers') {
        const labels = isTokenBatch(batch) ? targetsOf(batch) : batch.targets
        coming = [...new Set(labels)].filter((label) => label >= 0)
      }
      const compared = ancestor.exists ? ancestor.compare(pass) : null
      if (compared === null) return null
      const cost = model.predicts === 'numbers' ? differenceOf(compared) : divergenceOf(compared)
      return multiply(cost, strength)
    },
    // A step that failed has taught nothing of its labels.
    afterUpdate: () => coming.forEach((label) => void seen.add(label)),
    consolidate(model) {
      ancestor.become(model)
      known = new Set(seen)
    },
    toState: async (): Promise<State> => ({
      ancestor: await ancestor.toState(),
      known: [...known],
      seen: [...seen],
    }),
    restore(state, parameters) {
      const saved = checkState<State>('learningWithoutForgetting', state, stateChecks)
      ancestor.checkState('learningWithoutForgetting', saved.ancestor, parameters)
      ancestor.restore(saved.ancestor, parameters)
      known = new Set(saved.known)
      seen.clear()
      for (const label of saved.seen) seen.add(label)
    },
  }

  function divergenceOf({ earlier, present }: ComparedOutputs): Tensor {
    const [rows, count] = earlier.shape
    // Where no label was ever seen, the ancestor is taken at its word.
    const mask = earlier.device.tensor(
      Array.from({ length: count }, (_, label) => (known.size === 0 || known.has(label) ? 0 : hidden)),
      { shape: [1, count], dtype: 'f32' },
    )
    const softened = (logits: Tensor): Tensor => logSoftmax(add(multiply(logits, 1 / temperature), mask))
    const p = scope(() => softened(earlier))
    return multiply(sum(elementwise(divergence, [p, softened(present)])), temperature ** 2 / rows)
  }
}

const differenceOf = ({ earlier, present }: ComparedOutputs): Tensor =>
  divide(sum(elementwise(squaredDifference, [earlier, present])), earlier.size)
