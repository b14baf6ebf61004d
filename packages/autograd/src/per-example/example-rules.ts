/**
 * What each op does to slopes that are kept apart by example.
 *
 * A tensor "holds the examples" if its first axis is B·k long and rows n·k … (n + 1)·k are those of example n. All other tensors are
 * shared: every example reads them whole, and their slopes get a leading axis of examples.
 */
import type { Attrs, FusedOpName, OpName, Tensor } from '@burgeon/tensor'
import { elementwiseSlopes, holdsElementwise } from './broadcast-slopes.ts'
import { gatherSlopes, scatterAddSlopes } from './gather-slopes.ts'
import {
  broadcastSlopes,
  concatenateSlopes,
  padSlopes,
  permuteSlopes,
  reduceSlopes,
  reshapeSlopes,
  sliceSlopes,
} from './movement-slopes.ts'
import { layerNormSlopes, rmsNormSlopes } from './normalisation-slopes.ts'
import { holdsMatmul, linearCrossEntropySlopes, linearSlopes, matmulSlopes } from './product-slopes.ts'

/** One recorded call, of which output 0 holds the examples. */
export interface Held<K extends OpName> {
  readonly inputs: readonly Tensor[]
  readonly output: Tensor
  readonly attrs: Attrs<K>
}

/**
 * The part of one recorded call that belongs to N examples.
 *
 * Tensors that hold the examples come as [N, k, …], shared ones as they are.
 */
export interface ExampleCall<K extends OpName> {
  readonly inputs: readonly Tensor[]
  readonly outputs: readonly Tensor[]
  readonly attrs: Attrs<K>
  /** N, how many examples. */
  readonly count: number
  /** The slopes of output 0: `[N, k, …]`, or `[N, output's shape…]` where the output is shared. */
  readonly dy: Tensor
}

/** Which inputs hold the examples if the output does; a sentence if none can be said to. */
export type Holds<K extends OpName> = (call: Held<K>) => readonly boolean[] | string

/** The slopes of the shared input `index`, `[N, input's shape…]`. */
export type ExampleSlopes<K extends OpName> = (call: ExampleCall<K>, index: number) => Tensor

/** What is said of one op. A fused op whose inputs are never shared needs no `slopes`, or is followed through its definition. */
type Row<K extends OpName> =
  | { readonly holds: Holds<K>; readonly slopes: ExampleSlopes<K> }
  | (K extends FusedOpName ? { readonly holds: Holds<K> } | 'definition' : never)
  | 'none'

const all: Holds<OpName> = ({ inputs }) => inputs.map(() => true)
const onlyFirst: Holds<OpName> = ({ inputs: [x, ...others] }) =>
  x.shape.length > 1 ? [true, ...others.map(() => false)] : 'It reads across the first axis.'
const ifAxisStays = (stays: boolean): readonly boolean[] | string =>
  stays ? [true] : 'It moves numbers along the first axis.'

/** Every op; `none` for those that are never differentiated. */
export const exampleRules: { readonly [K in OpName]: Row<K> } = {
  elementwise: { holds: holdsElementwise, slopes: elementwiseSlopes },
  reduce: {
    holds: ({ attrs }) => (attrs.axes.includes(0) ? 'It joins examples before the last sum.' : [true]),
    slopes: reduceSlopes,
  },
  argmax: 'none',
  matmul: { holds: holdsMatmul, slopes: matmulSlopes },
  reshape: { holds: all, slopes: reshapeSlopes },
  permute: { holds: ({ attrs }) => ifAxisStays(attrs.order[0] === 0), slopes: permuteSlopes },
  broadcast: { holds: holdsElementwise, slopes: broadcastSlopes },
  slice: {
    holds: ({ inputs: [x], attrs: { start, stop } }) => ifAxisStays(start[0] === 0 && stop[0] === x.shape[0]),
    slopes: sliceSlopes,
  },
  pad: {
    holds: ({ attrs: { before, after } }) => ifAxisStays(before[0] === 0 && after[0] === 0),
    slopes: padSlopes,
  },
  concatenate: {
    holds: (call) => (call.attrs.axis === 0 ? 'It moves numbers along the first axis.' : all(call)),
    slopes: concatenateSlopes,
  },
  gather: {
    holds: ({ inputs: [, ids] }) =>
      ids.shape.length > 0 ? [false, true] : 'One id answers rows of a table, not of examples.',
    slopes: gatherSlopes,
  },
  scatterAdd: { holds: () => 'It adds rows of several examples.', slopes: scatterAddSlopes },
  fill: 'none',
  iota: 'none',
  random: 'none',
  assign: 'none',
  linear: { holds: onlyFirst, slopes: linearSlopes },
  layerNorm: { holds: onlyFirst, slopes: layerNormSlopes },
  layerNormGrad: 'definition',
  rmsNorm: { holds: onlyFirst, slopes: rmsNormSlopes },
  rmsNormGrad: 'definition',
  attention: { holds: all },
  attentionGrad: 'definition',
  crossEntropy: { holds: all },
  crossEntropyGrad: 'definition',
  linearCrossEntropy: { holds: () => [true, false, true], slopes: linearCrossEntropySlopes },
  linearCrossEntropyGrad: 'definition',
  adamw: 'none',
  globalNorm: 'definition',
}
