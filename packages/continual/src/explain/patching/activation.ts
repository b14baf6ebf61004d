/** Activations that can be carried from one run of a model into another. */
import type { ForwardOptions, Gpt, ObservedActivation } from '@burgeon/gpt'
import { type Check, concatenate, slice, type Tensor } from '@burgeon/tensor'
import type { Reader } from '../question/explained.ts'

/** What one part writes into the residual stream, at all places of the text. Plain data. */
export interface Activation {
  /** Id of the block; `embed` for the embeddings. */
  readonly block: string
  readonly part: 'embedding' | 'head' | 'mlp'
  /** Number of the head, from 0; of a head alone. */
  readonly head?: number
}

/**
 * Those of a model: embeddings, then the heads and the MLP of each block. Together they make all of a run.
 */
export function activationsOf({ config }: Pick<Gpt, 'config'>): Activation[] {
  return [
    { block: 'embed', part: 'embedding' },
    ...config.blocks.flatMap(({ id, heads }): Activation[] => [
      ...Array.from({ length: heads }, (_, head): Activation => ({ block: id, part: 'head', head })),
      { block: id, part: 'mlp' },
    ]),
  ]
}

/** An activation that a model has. */
export const anActivationOf = (model: Pick<Gpt, 'config'>): Check<Activation> => {
  const all = new Set(activationsOf(model).map(keyOf))
  return {
    expected: 'parts of the model, such as { block: "b0", part: "head", head: 0 }',
    accepts: (value): value is Activation =>
      typeof value === 'object' && value !== null && all.has(keyOf(value as Activation)),
  }
}

export const keyOf = ({ block, part, head }: Activation): string =>
  part === 'head' ? `${block} ${part} ${head}` : `${block} ${part}`

/** Where each part of an activation flows in the forward pass. */
const flows: Readonly<Record<Activation['part'], ObservedActivation>> = {
  embedding: 'embedded',
  head: 'headOutput',
  mlp: 'mlpOutput',
}

/** All activations of one run, by `placeOf`. */
export type Run = ReadonlyMap<string, Tensor>

const placeOf = (block: string, what: ObservedActivation): string => `${block} ${what}`

/** Takes note of a run while it goes on. */
export function noting(run: Map<string, Tensor>): NonNullable<ForwardOptions['observe']> {
  const kept = new Set(Object.values(flows))
  return (block, what, x) => {
    if (kept.has(what)) run.set(placeOf(block, what), x)
  }
}

/** The values of a run where an activation flows: of a head, those of all heads of its block. */
export const valuesOf = (run: Run, { block, part }: Activation): Tensor =>
  run.get(placeOf(block, flows[part])) as Tensor

/** Puts activations of another run into the run at hand, number by number. */
export function carrying(from: Run, which: readonly Activation[]): NonNullable<ForwardOptions['replace']> {
  return (block, what, x) => {
    const own = which.filter((activation) => activation.block === block && flows[activation.part] === what)
    if (own.length === 0) return undefined
    const other = from.get(placeOf(block, what)) as Tensor
    if (what !== 'headOutput') return other
    const carried = new Set(own.map(({ head }) => head))
    const [B, T, H, D] = x.shape
    const columns = Array.from({ length: H }, (_, h) =>
      slice(carried.has(h) ? other : x, [0, 0, h, 0], [B, T, h + 1, D]),
    )
    return concatenate(columns, 2)
  }
}

/** The part of a tensor of a run that is an activation: all of it, or the columns of its head. */
export function columnsOf({ part, head = 0 }: Activation, x: Tensor): Tensor {
  if (part !== 'head') return x
  const [B, T, , D] = x.shape
  return slice(x, [0, 0, head, 0], [B, T, head + 1, D])
}

/** How a run is made. */
export type RunOptions = Parameters<Reader['logits']>[1]
