/** What overhead is measured on: a model, its rows, and the step that a user would write by hand. */
import { valueAndGrad } from '@burgeon/autograd'
import { adamw, applyUpdates, type GradientTransform } from '@burgeon/autograd/optim'
import {
  type BatchOf,
  batchOfTokens,
  classifier,
  joinBatches,
  Learner,
  type Model,
  type StepReport,
  type StrategyOf,
} from '@burgeon/continual'
import { Gpt } from '@burgeon/gpt'
import {
  crossEntropy,
  type Device,
  keyFromSeed,
  mean,
  openScope,
  RandomStream,
  type Tensor,
  type TensorsByPath,
} from '@burgeon/tensor'

/** A model with its rows. */
export interface Subject<M extends Model> {
  readonly rows: number
  born(): M
  /** Makes some rows. */
  batchAt(step: number, rows: number): BatchOf<M>
  /** Mean loss of rows as a function of the weights, without a learner. */
  lossOf(model: M, batch: BatchOf<M>): (weights: TensorsByPath) => Tensor
}

/** A step, again and again. */
export interface Stepping {
  step(): Promise<unknown>
  dispose(): void
}

/** Batches that are learnt in turn: making them is no part of a step. */
const batches = 16
const batchesOf = <M extends Model>({ batchAt }: Subject<M>, rows: number): readonly BatchOf<M>[] =>
  Array.from({ length: batches }, (_, step) => batchAt(step, rows))

const optimizer = (): GradientTransform => adamw({ learningRate: 1e-4 })

/** Gradients, an update and the loss, as a loop of one's own has them. */
export function byHand<M extends Model>(subject: Subject<M>): Stepping {
  const model = subject.born()
  const transform = optimizer()
  const own = batchesOf(subject, subject.rows)
  let at = 0
  return {
    async step() {
      using _ = openScope()
      const loss = subject.lossOf(model, own[at % batches])
      const parameters = model.parameters.tensors()
      const { value, gradient } = valueAndGrad(loss)(parameters)
      applyUpdates(parameters, transform.transform(gradient, { parameters, step: at++ }))
      return value.readSync()[0]
    },
    dispose() {
      model.parameters.dispose()
      for (const mirror of transform.mirrors) mirror.dispose?.()
    },
  }
}

/** What a learner has beside its model. */
export interface Beside<M extends Model> {
  readonly strategy: StrategyOf<M>
  /** Share of the rows of a step that are new; all unless given. */
  readonly fresh?: number
  /** Gets the report of every step. */
  readonly report?: (report: StepReport) => Promise<void>
}

/** The same by a learner. */
export function byLearner<M extends Model>(
  subject: Subject<M>,
  { strategy, fresh = 1, report }: Beside<M>,
): Stepping {
  const model = subject.born()
  const learner = new Learner<M>({ model, optimizer: optimizer(), strategy })
  const own = batchesOf(subject, fresh * subject.rows)
  return {
    async step() {
      const found = await learner.observe(own[learner.step % batches])
      await report?.(found)
    },
    dispose() {
      learner.dispose()
      model.parameters.dispose()
    },
  }
}

/** Bytes of a made-up text. */
export function bytes(device: Device, quick: boolean): Subject<Gpt> {
  const length = 64
  const sizes = quick ? { embed: 64, layers: 2 } : { embed: 128, layers: 3 }
  const random = new RandomStream(keyFromSeed(1)).named('text')
  const text = Uint8Array.from({ length: 20_000 }, () => 97 + Math.floor(26 * random.uniform() ** 2))
  return {
    rows: 8,
    born: () => Gpt.create({ vocabulary: 256, context: length, heads: 4, ...sizes }, { device, seed: 1 }),
    batchAt: (step, rows) =>
      joinBatches(
        Array.from({ length: rows }, (_, row) => {
          const from = ((step * rows + row) * length) % (text.length - length - 1)
          return batchOfTokens([...text.subarray(from, from + length + 1)], length, 'text')
        }),
      ),
    lossOf(model, { rows, tokens }) {
      const at = (place: number, shift: number): number =>
        tokens[Math.floor(place / length) * (length + 1) + (place % length) + shift]
      const numbers = (shift: number): Int32Array =>
        Int32Array.from({ length: rows * length }, (_, place) => at(place, shift))
      const x = device.tensor(numbers(0), { shape: [rows, length], dtype: 'i32' })
      const y = device.tensor(numbers(1), { shape: [rows * length], dtype: 'i32' })
      return (weights) => mean(model.losses(x, y, weights))
    },
  }
}

/** Points in ten clusters. */
export function examples(device: Device, quick: boolean): Subject<Model> {
  const [features, classes] = [784, 10]
  const random = new RandomStream(keyFromSeed(1)).named('points')
  const centers = Float32Array.from({ length: classes * features }, () => random.normal())
  return {
    rows: 64,
    born: () =>
      classifier({ inputs: features, hidden: quick ? [128] : [400, 400], classes, seed: 1, device }),
    batchAt(step, rows) {
      const targets = Float32Array.from({ length: rows }, (_, row) => (step + 3 * row) % classes)
      const inputs = Float32Array.from(
        { length: rows * features },
        (_, i) =>
          centers[targets[Math.floor(i / features)] * features + (i % features)] + ((i * 7) % 13) / 13,
      )
      return { rows, inputs, targets, domains: new Array<string>(rows).fill('points') }
    },
    lossOf(model, batch) {
      if (!('inputs' in batch)) throw new TypeError('expected examples')
      const { rows, inputs, targets } = batch
      const x = device.tensor(inputs, { shape: [rows, features], dtype: 'f32' })
      const y = device.tensor(Int32Array.from(targets), { shape: [rows], dtype: 'i32' })
      return (weights) => mean(crossEntropy(model.forward(x, weights), y))
    },
  }
}
