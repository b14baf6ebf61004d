/** Ancestor: a model as it once was, which computes and never learns. */
import { configFromState, forward, Gpt, type GptConfig, parameterSpecs } from '@burgeon/gpt'
import { earlierTokens, logitsOfEarlier } from '@burgeon/gpt/growth'
import {
  add,
  checks,
  checkState,
  type Device,
  gather,
  type Mirror,
  ParameterError,
  type ParameterStore,
  type PlainTensor,
  type PlainTensors,
  plainTensors,
  sameShape,
  type Shape,
  scope,
  shown,
  sizeOf,
  type StateChecks,
  StateError,
  type Tensor,
} from '@burgeon/tensor'
import type { Model } from '../model/model.ts'
import type { Pass } from '../model/pass.ts'
import { isTokenBatch, readOf, type TokenBatch, withinContext } from '../stream/batch.ts'

/** An ancestor as plain data. */
export interface AncestorState {
  /** Configuration of a GPT at the size that it had; none for another model. */
  readonly config: GptConfig | null
  readonly weights: PlainTensors
}

const stateChecks: StateChecks<AncestorState> = {
  config: checks.anything as StateChecks<AncestorState>['config'],
  weights: checks.object('tensors by path'),
}

/** Outputs of an ancestor and of its descendant, of the predictions that both can make. */
export interface ComparedOutputs {
  /** `f32 [K, W]`. */
  readonly earlier: Tensor
  /** `f32 [K, W]`, with a gradient: those of new tokens count for the earlier token that they begin with. */
  readonly present: Tensor
}

/**
 * A copy of a model at the size that it had. It is a mirror for what it takes of memory, and does not follow
 * growth: it keeps computing what it computed.
 */
export class Ancestor implements Mirror {
  readonly name = 'ancestor'
  readonly bytesPerParameter = 4
  readonly piecewise = true
  #config: GptConfig | null = null
  #weights: Record<string, Tensor> = {}

  get exists(): boolean {
    return Object.keys(this.#weights).length > 0
  }

  get bytes(): number {
    return Object.values(this.#weights).reduce((total, { storage }) => total + storage.bytes, 0)
  }

  /** Becomes the model as it is now. */
  become(model: Model): void {
    const { parameters } = model
    scope(() => {
      const copies = [...parameters].map(({ path, tensor }) => [path, add(tensor, 0)] as const)
      this.#take(Object.fromEntries(copies), model instanceof Gpt ? model.config : null)
    })
  }

  /**
   * What it computes for the rows of a pass, beside what the pass has. Predictions are left out where nothing
   * is to be predicted, beyond its context, and after a token that it does not know.
   *
   * @returns null where no prediction is left.
   */
  compare({ model, batch, tensors, logits }: Pass): ComparedOutputs | null {
    const config = this.#config
    if (config === null || !(model instanceof Gpt) || !isTokenBatch(batch)) {
      const earlier = scope(() => model.forward(tensors.inputs, this.#weights))
      return { earlier, present: logits() }
    }
    const read = withinContext(batch, config)
    const places = known(read, config.vocabulary)
    const counted = tensors.counted.filter((i) => places.has(placeIn(read.length, i, batch.length)))
    if (counted.length === 0) return null
    const { device } = model
    const own = counted.map((i) => placeIn(read.length, i, batch.length))
    const earlier = scope(() => {
      const tokens = Int32Array.from(readOf(read), (token, i) => (places.has(i) ? token : 0))
      const inputs = device.tensor(tokens, { shape: [read.rows, read.length], dtype: 'i32' })
      return some(device, forward(config, this.#weights, inputs), own)
    })
    const first = earlierTokens(model.growthLog, config.vocabulary)
    return { earlier, present: logitsOfEarlier(some(device, logits(), counted), first) }
  }

  remap(): () => void {
    return () => {}
  }

  /** Returns nothing: growth drops none of it. */
  keep(): Promise<Record<string, never>> {
    return Promise.resolve({})
  }

  async toState(): Promise<AncestorState> {
    return { config: this.#config, weights: await plainTensors(this.#weights) }
  }

  /** Throws what `restore` would, and changes nothing. */
  checkState(who: string, state: unknown, parameters: ParameterStore): void {
    const { config, weights } = checkState<AncestorState>(who, state, stateChecks)
    // Of another model than a GPT nothing tells the sizes that it had.
    const shapes = new Map<string, Shape | number>(
      config === null
        ? [...parameters].map(({ path, tensor }) => [path, tensor.shape.length])
        : parameterSpecs(configFromState(config)).map(({ path, shape }) => [path, shape]),
    )
    const saved = Object.keys(weights)
    if (saved.length === 0) return
    for (const path of new Set([...saved, ...shapes.keys()])) {
      const wanted = shapes.get(path)
      const own = Object.hasOwn(weights, path) ? (weights[path] as Partial<PlainTensor>) : undefined
      const shape = checks.shape.accepts(own?.shape) ? own.shape : undefined
      const fits =
        shape !== undefined &&
        (typeof wanted === 'number'
          ? shape.length === wanted
          : wanted !== undefined && sameShape(shape, wanted))
      if (!fits || !checks.numbers.accepts(own?.data)) {
        throw new ParameterError(
          `${who}: the saved ancestor has ${path} of shape ${shown(own?.shape)}; expected ` +
            (typeof wanted === 'number' ? `${wanted} axes.` : `${shown(wanted)}.`),
        )
      }
      if (own.data.length === sizeOf(shape)) continue
      throw new StateError(
        `${who}: the saved ${path} of the ancestor has ${own.data.length} numbers; expected ${sizeOf(shape)}. Is the file whole?`,
      )
    }
  }

  /** Takes a state that `checkState` let pass. */
  restore({ config, weights }: AncestorState, parameters: ParameterStore): void {
    scope(() => {
      const [first] = parameters
      const tensors = Object.entries(weights).map(([path, { shape, data }]) => [
        path,
        first.tensor.device.tensor(data, { shape, dtype: 'f32' }, this.name),
      ])
      this.#take(Object.fromEntries(tensors), config)
    })
  }

  dispose(): void {
    this.#take({}, null)
  }

  /** Becomes an owner of tensors, in the place of those before. */
  #take(weights: Record<string, Tensor>, config: GptConfig | null): void {
    for (const tensor of Object.values(weights)) tensor.retain()
    for (const tensor of Object.values(this.#weights)) tensor.release()
    this.#weights = weights
    this.#config = config
  }
}

/** Rows `[K, C]` of a matrix. */
function some(device: Device, x: Tensor, rows: readonly number[]): Tensor {
  if (rows.length === x.shape[0]) return x
  return gather(x, device.tensor(Int32Array.from(rows), { shape: [rows.length], dtype: 'i32' }))
}

/** A place of rows of `length` in rows that were cut to `cut`; −1 beyond them. */
function placeIn(cut: number, place: number, length: number): number {
  const [row, t] = [Math.floor(place / length), place % length]
  return t < cut ? row * cut + t : -1
}

/** The places at which every token up to there is one of `vocabulary`. */
function known(batch: TokenBatch, vocabulary: number): Set<number> {
  const places = new Set<number>()
  const tokens = readOf(batch)
  for (let row = 0; row < batch.rows; row++) {
    for (let t = 0; t < batch.length; t++) {
      const token = tokens[row * batch.length + t]
      if (token < 0 || token >= vocabulary) break
      places.add(row * batch.length + t)
    }
  }
  return places
}
