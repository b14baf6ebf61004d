/** Averages of weights over the steps of a learner: a model that is steadier than it. */
import { Gpt } from '@burgeon/gpt'
import { markGrowth } from '@burgeon/gpt/growth'
import {
  checkArgument,
  checkOptions,
  checks,
  checkState,
  elementwise,
  expression,
  type ParameterStore,
  type PlainTensor,
  sameShape,
  scope,
  shareParameters,
  type StateChecks,
  TensorMirror,
} from '@burgeon/tensor'
import { requireSameOptions } from '../saved-state.ts'
import type { Part } from '../part.ts'

/** Options of an average of weights. */
export interface AveragedWeightsOptions {
  /**
   * Share of an update's weight in the average that is left after the next update, in [0, 1). Default 0.98:
   * some 50 updates.
   */
  readonly decay?: number
}

interface State {
  readonly decay: number
  readonly updates: number
  readonly weights: Readonly<Record<string, PlainTensor>>
}

const { add, input, multiply, scalar, subtract } = expression
/** The average w̄ + s·(w − w̄), in one pass; and what begins one. */
const [mix, copy] = [add(input(0), multiply(scalar(0), subtract(input(1), input(0)))), input(0)]

const stateChecks: StateChecks<State> = {
  decay: checks.number({ from: 0, below: 1 }),
  updates: checks.count,
  weights: checks.record('tensors by path', checks.role<PlainTensor>('a tensor', 'shape', 'data')),
}

/**
 * An exponential moving average of all weights (Polyak and Juditsky 1992): w̄ ← w̄ + s·(w − w̄), where s is
 * 1 − decay, and 9 / (9 + n) in update n where that is more, so that it does not begin with weights that are
 * long outdated.
 *
 * A learner on a stream never lowers its rate, and so its weights keep moving about what they look for; their
 * mean does not. What a learner answers with (`predict`, `answer`) is the average, where its strategy has
 * one; what it learns, and its record of predictions, are of its own weights and the same bits as without.
 * The average knows what was just learnt later than they do: after some fifty updates.
 *
 * It grows as the model does: where a growth changes no output of the model, it changes none of the average.
 * It takes as much room as the weights, and one pass over them in an update.
 *
 * @throws OptionError for a decay outside [0, 1), or options that do not exist.
 * @example
 * ```ts
 * const average = averagedWeights({ decay: 0.98 })
 * const learner = new Learner({ model, optimizer: adamw({ learningRate: 1e-3 }), strategy: { average } })
 * await learner.observe('She sells sea shells. ')
 * const { bitsPerByte } = await evaluateText(average.modelOf(model), 'She sells')
 * ```
 */
export function averagedWeights(options: AveragedWeightsOptions = {}): WeightAverage {
  checkOptions('averagedWeights', options, { decay: checks.number({ from: 0, below: 1 }) })
  return new WeightAverage(options.decay ?? 0.98)
}

/** An average of weights, as `averagedWeights` makes it. It changes nothing of what is learnt. */
export class WeightAverage implements Part {
  readonly name: string
  /** The averages, which follow growth. */
  readonly mirrors: readonly [TensorMirror]
  readonly #decay: number
  #updates = 0
  #model: Gpt | null = null

  /** Use `averagedWeights`. */
  constructor(decay: number) {
    this.#decay = decay
    this.name = `average of weights, decay ${decay}`
    this.mirrors = [new TensorMirror(this.name, 'value', undefined, true)]
  }

  /** Takes in the present weights. Called after each update, when all else that changes weights is done. */
  update(model: Gpt): void {
    checkArgument('averagedWeights: update', 'model', model, checks.instance('a Gpt', Gpt))
    const [mirror] = this.mirrors
    this.#updates++
    const share = Math.max(1 - this.#decay, 9 / (9 + this.#updates))
    for (const { path, tensor } of model.parameters) {
      const before = mirror.get(path)
      const isSame = before !== undefined && sameShape(before.shape, tensor.shape)
      scope(() => {
        const mixed = isSame ? elementwise(mix, [before, tensor], [share]) : elementwise(copy, [tensor])
        mirror.set(path, mixed)
      })
    }
    if (this.#model !== null) this.#refresh(model, this.#model)
  }

  /**
   * The model of the averages, in the sizes that `model` has now; before the first update that of its
   * weights. It is the same one whenever it is asked for, stays up to date, and is let go of by `dispose`.
   */
  modelOf(model: Gpt): Gpt {
    checkArgument('averagedWeights: modelOf', 'model', model, checks.instance('a Gpt', Gpt))
    if (this.#model?.device !== model.device) this.dispose()
    this.#model ??= Gpt.create({ context: 1, embed: 1, heads: 1, layers: 1 }, { device: model.device })
    this.#refresh(model, this.#model)
    return this.#model
  }

  /** Gives the model of the averages the size of another, and the averages. */
  #refresh(model: Gpt, own: Gpt): void {
    const [mirror] = this.mirrors
    if (own.config !== model.config) {
      shareParameters(own.parameters, model.parameters)
      markGrowth(own, model)()
    }
    for (const { path, tensor } of model.parameters) own.parameters.replace(path, mirror.get(path) ?? tensor)
  }

  /** Lets go of the model of the averages. */
  dispose(): void {
    this.#model?.dispose()
    this.#model = null
  }

  async toState(): Promise<State> {
    const [mirror] = this.mirrors
    return { decay: this.#decay, updates: this.#updates, weights: await mirror.toState() }
  }

  restore(state: unknown, parameters: ParameterStore): void {
    const { decay, updates, weights } = checkState<State>(this.name, state, stateChecks)
    requireSameOptions(this.name, { decay: this.#decay }, { decay })
    this.mirrors[0].restore(weights, parameters)
    this.#updates = updates
  }
}
