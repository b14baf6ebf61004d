/** What a stage learns: micro-batches forward and back, the sum of their gradients, and one update of its weights. */
import { pullBack, type Recording, recordTape } from '@burgeon/autograd'
import { applyUpdates, type GradientTransform, type UpdateContext } from '@burgeon/autograd/optim'
import {
  add,
  divide,
  fill,
  globalNorm,
  makeOwned,
  multiply,
  openScope,
  scope,
  sum,
  type Tensor,
  type TensorsByPath,
} from '@burgeon/tensor'
import type { ModelStage } from '../model-stage.ts'
import type { Numbers, Reals } from './message.ts'
import { ShardError } from '../shard-error.ts'
import { hasTwoTables, tablePath } from '../stage-split.ts'

/** A micro-batch on its way through a stage. */
export interface MicroBatch {
  /** Position in the step, from 0: gradients are added up in this order. */
  readonly index: number
  readonly rows: number
  /** Tokens `[B, T]` of the first stage, or the stream below `[B·T, C]`. */
  readonly input: Numbers
  /** Of the last stage: the next tokens `[B·T]`, negative where none is to be predicted. */
  readonly targets?: Numbers
  /** Of the last stage: predictions of the whole step that count. */
  readonly counted?: number
}

/** What the last stage says of a micro-batch. */
export interface MicroLoss {
  /** Its losses, summed and divided by the predictions of the step that count. */
  readonly share: number
  /** Of each prediction, in nats. */
  readonly losses: Reals
  /** Of the stream below, for the stage before; absent where this is the first. */
  readonly cotangent?: Numbers
}

interface Pending {
  readonly recorded: Recording<Tensor>
  readonly input: Tensor
}

/** Hides tensors that have owners of their own from the scope that a function returns from. */
class Kept {
  readonly of: Pending

  constructor(of: Pending) {
    this.of = of
  }
}

/** Gradient norms above which an optimizer shall look at the gradients itself. */
const riskyAbove = 1e9

/** The learning of one stage. A step is its micro-batches, then `prepare`, then `update`; `abort` undoes the first. */
export class StageLearning {
  readonly #stage: ModelStage
  readonly #given: GradientTransform | undefined
  readonly #checkpointBlocks: boolean
  readonly #pending = new Map<number, Pending>()
  /** Sums over the micro-batches that came back, by path. */
  readonly #sums = new Map<string, Tensor>()
  #backwards = 0
  #step = 0

  /** @param optimizer Without one there are no updates. */
  constructor(stage: ModelStage, optimizer: GradientTransform | undefined, checkpointBlocks: boolean) {
    this.#stage = stage
    this.#given = optimizer
    this.#checkpointBlocks = checkpointBlocks
  }

  /** Updates that were made. */
  get step(): number {
    return this.#step
  }

  /** Takes a micro-batch through a stage that is not the last, and keeps what its way back needs. */
  forward(batch: MicroBatch): Promise<Numbers> {
    const pending = scope(() => {
      const made = this.#record(batch, (x, w) => this.#through(batch, x, w))
      made.input.retain()
      return new Kept(made)
    }).of
    this.#pending.set(batch.index, pending)
    return plain(pending.recorded.result, { keeps: true })
  }

  /** Takes the cotangent of what `forward` returned back; returns that of its input, none of tokens. */
  async backward(index: number, cotangent: Numbers): Promise<Numbers | undefined> {
    this.#checkTurn(index)
    const pending = this.#pending.get(index)
    if (pending === undefined)
      throw new ShardError(`stage: got a cotangent of micro-batch ${index}, which is not here.`)
    this.#pending.delete(index)
    try {
      const below = scope(() => this.#pull(pending, tensorOf(this.#stage, cotangent, 'cotangent')))
      return below && (await plain(below))
    } finally {
      pending.input.release()
    }
  }

  /** Takes a micro-batch through the last stage and back. */
  async loss(batch: MicroBatch): Promise<MicroLoss> {
    this.#checkTurn(batch.index)
    const { targets, counted = 0 } = batch
    const made = scope(() => {
      const next = tensorOf(this.#stage, targets as Numbers, 'targets')
      const own: Tensor[] = []
      const pending = this.#record(batch, (x, w) => {
        const losses = this.#stage.losses(this.#through(batch, x, w), next, w)
        own.push(losses)
        return counted > 1 ? divide(sum(losses), counted) : sum(losses)
      })
      const below = this.#pull(pending, fill(this.#stage.device, [], 1))
      return { share: pending.recorded.result, losses: own[0], below }
    })
    const [share, losses, cotangent] = await Promise.all([
      plain(made.share),
      plain(made.losses),
      made.below && plain(made.below),
    ])
    return { share: share.data[0], losses: losses.data as Reals, ...(cotangent && { cotangent }) }
  }

  /** The gradient of the table of tokens, where two stages hold it: the other one's is to be added. */
  tableGradient(): Promise<Numbers> {
    return plain(this.#table(), { keeps: true })
  }

  /** Puts the sum of both in the place of this stage's. */
  setTableGradient(total: Numbers): void {
    const now = this.#table()
    const next = makeOwned(() => tensorOf(this.#stage, total, 'table'))
    this.#sums.set(tablePath, next)
    now.release()
  }

  /**
   * Sum of the squares of this stage's gradients; a table that two stages hold counts in the first. Throws what an
   * update would because of its gradients or its learning rate, and changes nothing.
   */
  async prepare(): Promise<number> {
    const { parameters, share, config, isFirst } = this.#stage
    const gradients = this.#gradients()
    this.#optimizer.rateAt?.(this.#step)
    this.#optimizer.inspect?.(gradients, { parameters: parameters.tensors(), step: this.#step })
    const isCounted = (path: string): boolean => path !== tablePath || isFirst || !hasTwoTables(config, share)
    const counted = Object.entries(gradients).flatMap(([path, x]) => (isCounted(path) ? [x] : []))
    const norm = await plain(scope(() => globalNorm(counted)))
    return norm.data[0] ** 2
  }

  /**
   * Changes the weights by the gradients times a factor.
   *
   * @param norm Of the gradients of all stages.
   */
  update(factor: number, norm: number): void {
    const { parameters } = this.#stage
    scope(() => {
      const own = this.#gradients()
      const gradients: TensorsByPath =
        factor === 1
          ? own
          : Object.fromEntries(Object.entries(own).map(([path, x]) => [path, multiply(x, factor)]))
      const weights = parameters.tensors()
      const context: UpdateContext = {
        ...{ parameters: weights, step: this.#step },
        ...(norm <= riskyAbove && { nonFinite: 'skip' }),
      }
      applyUpdates(weights, this.#optimizer.transform(gradients, context), { nonFinite: 'skip' })
    })
    this.abort()
    this.#step++
  }

  /** Forgets the step at hand: nothing was learnt. */
  abort(): void {
    for (const pending of this.#pending.values()) {
      pending.recorded[Symbol.dispose]()
      pending.input.release()
    }
    this.#pending.clear()
    for (const total of this.#sums.values()) total.release()
    this.#sums.clear()
    this.#backwards = 0
  }

  /** Losses `[B·T]` of the last stage, or the stream of another, without learning. */
  evaluate(batch: MicroBatch): Promise<Numbers> {
    const made = scope(() => {
      const w = this.#stage.parameters.tensors()
      const x = this.#through(batch, tensorOf(this.#stage, batch.input, 'batch'), w)
      if (!this.#stage.isLast) return x
      return this.#stage.losses(x, tensorOf(this.#stage, batch.targets as Numbers, 'targets'), w)
    })
    return plain(made)
  }

  /** Counter, and state of the optimizer; null without one. */
  async toState(): Promise<{ readonly step: number; readonly optimizer: unknown }> {
    return { step: this.#step, optimizer: (await this.#given?.toState()) ?? null }
  }

  /** Throws as the optimizer's `restore`; nothing has changed then. */
  restore({ step, optimizer }: { readonly step: number; readonly optimizer: unknown }): void {
    if (optimizer !== null) this.#given?.restore(optimizer, this.#stage.parameters)
    this.#step = step
  }

  get #optimizer(): GradientTransform {
    if (this.#given !== undefined) return this.#given
    throw new ShardError(
      'stage: asked to learn and has no optimizer; expected one. Give the worker an optimizer.',
    )
  }

  /** Micro-batches come back in order, or sums would depend on who was faster. */
  #checkTurn(index: number): void {
    if (index === this.#backwards) return
    throw new ShardError(`stage: got micro-batch ${index} back; expected ${this.#backwards}.`)
  }

  #through(batch: MicroBatch, x: Tensor, w: TensorsByPath): Tensor {
    return this.#stage.stream(x, w, { rows: batch.rows, checkpointBlocks: this.#checkpointBlocks })
  }

  #record(batch: MicroBatch, body: (x: Tensor, w: TensorsByPath) => Tensor): Pending {
    const w = this.#stage.parameters.tensors()
    const input = tensorOf(this.#stage, batch.input, 'batch')
    const watched = this.#stage.isFirst ? Object.values(w) : [input, ...Object.values(w)]
    return { recorded: recordTape(watched, () => body(input, w)), input }
  }

  /** Adds the gradients of a micro-batch to the sums; returns the cotangent of its input. */
  #pull({ recorded, input }: Pending, cotangent: Tensor): Tensor | undefined {
    using opened = openScope()
    using _ = recorded
    const gradients = pullBack(recorded.tape, [recorded.result], [cotangent])
    for (const { path, tensor } of this.#stage.parameters) {
      const own = gradients.get(tensor.id)
      const before = this.#sums.get(path)
      if (own === undefined && before !== undefined) continue
      const next = makeOwned(() =>
        own === undefined
          ? fill(tensor.device, tensor.shape, 0)
          : before === undefined
            ? add(own, 0)
            : add(before, own),
      )
      before?.release()
      this.#sums.set(path, next)
    }
    this.#backwards++
    const below = gradients.get(input.id)
    return below && opened.keep(below)
  }

  #table(): Tensor {
    const found = this.#sums.get(tablePath)
    if (found !== undefined) return found
    throw new ShardError('stage: asked for the gradient of the table of tokens before there was one.')
  }

  #gradients(): TensorsByPath {
    const { parameters } = this.#stage
    const missing = [...parameters].find(({ path }) => !this.#sums.has(path))
    if (missing !== undefined) {
      throw new ShardError(`stage: asked to update ${missing.path} before a micro-batch came back.`)
    }
    return Object.fromEntries([...parameters].map(({ path }) => [path, this.#sums.get(path) as Tensor]))
  }
}

/** Numbers as a tensor of the stage's device. */
export function tensorOf({ device }: ModelStage, { shape, data }: Numbers, label: string): Tensor {
  return device.tensor(data, { shape, dtype: data instanceof Int32Array ? 'i32' : 'f32' }, label)
}

/** A tensor as numbers; it is disposed of unless somebody else keeps it. */
export async function plain(
  tensor: Tensor,
  { keeps = false }: { readonly keeps?: boolean } = {},
): Promise<Numbers> {
  try {
    const data = await tensor.read()
    return { shape: tensor.shape, data: data.slice() }
  } finally {
    if (!keeps) tensor.dispose()
  }
}
