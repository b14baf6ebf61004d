/**
 * The rule of each op for gradients that are kept apart by example.
 *
 * A tensor "holds the examples" if its first axis is B·k long and rows n·k … (n + 1)·k are those of example
 * n. All other tensors are shared: every example reads them whole, and their gradients get a leading axis of
 * examples.
 */
import type { Attrs, FusedOpName, OpName, Tensor } from '@burgeon/tensor'
import type { RuledOpName } from '../rules/rule-table.ts'
import { elementwiseGradients, holdsElementwise } from './broadcast-gradients.ts'
import { gatherGradients, scatterAddGradients } from './gather-gradients.ts'
import {
  broadcastGradients,
  concatenateGradients,
  padGradients,
  permuteGradients,
  reduceGradients,
  reshapeGradients,
  sliceGradients,
} from './movement-gradients.ts'
import { layerNormGradients, rmsNormGradients } from './normalization-gradients.ts'
import { cumsumGradients, reorderGradients, sortGradients } from './order-gradients.ts'
import {
  holdsMatmul,
  linearCrossEntropyGradients,
  linearGradients,
  matmulGradients,
} from './product-gradients.ts'

/** One recorded call whose output 0 holds the examples. */
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
  /** N, the number of examples. */
  readonly count: number
  /** The cotangents of output 0: `[N, k, …]`, or `[N, output's shape…]` where the output is shared. */
  readonly dy: Tensor
}

/** Returns which inputs hold the examples if the output does; or a sentence that says why no input can. */
export type Holds<K extends OpName> = (call: Held<K>) => readonly boolean[] | string

/** The gradients of the shared input `index`, `[N, input's shape…]`. */
export type ExampleGradients<K extends OpName> = (call: ExampleCall<K>, index: number) => Tensor

/**
 * The rule of one op. A fused op whose inputs are never shared needs no `gradients`, or is followed through
 * its definition.
 */
type Row<K extends OpName> =
  | { readonly holds: Holds<K>; readonly gradients: ExampleGradients<K> }
  | (K extends FusedOpName ? { readonly holds: Holds<K> } | 'definition' : never)

const all: Holds<OpName> = ({ inputs }) => inputs.map(() => true)
const onlyFirst: Holds<OpName> = ({ inputs: [x, ...others] }) =>
  x.shape.length > 1 ? [true, ...others.map(() => false)] : 'It reads across the first axis.'
const ifRows: Holds<'sort' | 'reorder'> = ({ inputs }) =>
  inputs[0].shape.length > 1 ? inputs.map(() => true) : 'It moves numbers along the first axis.'
const ifAxisStays = (stays: boolean): readonly boolean[] | string =>
  stays ? [true] : 'It moves numbers along the first axis.'

/** Every op with a gradient rule. The others are never differentiated, or go by their definition. */
export const exampleRules: { readonly [K in RuledOpName]: Row<K> } = {
  elementwise: { holds: holdsElementwise, gradients: elementwiseGradients },
  reduce: {
    holds: ({ attrs }) => (attrs.axes.includes(0) ? 'It joins examples before the last sum.' : [true]),
    gradients: reduceGradients,
  },
  cumsum: {
    holds: ({ attrs }) => (attrs.axis === 0 ? 'It adds up examples.' : [true]),
    gradients: cumsumGradients,
  },
  sort: { holds: ifRows, gradients: sortGradients },
  matmul: { holds: holdsMatmul, gradients: matmulGradients },
  reshape: { holds: all, gradients: reshapeGradients },
  permute: { holds: ({ attrs }) => ifAxisStays(attrs.order[0] === 0), gradients: permuteGradients },
  broadcast: { holds: holdsElementwise, gradients: broadcastGradients },
  slice: {
    holds: ({ inputs: [x], attrs: { start, stop } }) => ifAxisStays(start[0] === 0 && stop[0] === x.shape[0]),
    gradients: sliceGradients,
  },
  pad: {
    holds: ({ attrs: { before, after } }) => ifAxisStays(before[0] === 0 && after[0] === 0),
    gradients: padGradients,
  },
  concatenate: {
    holds: (call) => (call.attrs.axis === 0 ? 'It moves numbers along the first axis.' : all(call)),
    gradients: concatenateGradients,
  },
  gather: {
    holds: ({ inputs: [, ids] }) =>
      ids.shape.length > 0 ? [false, true] : 'A single id gives rows of a table, not of examples.',
    gradients: gatherGradients,
  },
  scatterAdd: { holds: () => 'It adds rows of several examples.', gradients: scatterAddGradients },
  reorder: { holds: ifRows, gradients: reorderGradients },
  linear: { holds: onlyFirst, gradients: linearGradients },
  layerNorm: { holds: onlyFirst, gradients: layerNormGradients },
  rmsNorm: { holds: onlyFirst, gradients: rmsNormGradients },
  attention: { holds: all },
  crossEntropy: { holds: all },
  linearCrossEntropy: { holds: () => [true, false, true], gradients: linearCrossEntropyGradients },
  globalNorm: 'definition',
}
