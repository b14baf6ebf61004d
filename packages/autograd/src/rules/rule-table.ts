/**
 * One gradient rule per op. Rules are written with ops, never with kernels, so that a gradient can be differentiated
 * again. The table is typed over the op table: a new op without a row does not compile.
 */
import type { Attrs, FusedOpName, OpName, Tensor } from '@burgeon/tensor'
import { attentionRule } from './attention.ts'
import { crossEntropyRule, linearCrossEntropyRule } from './cross-entropy.ts'
import { elementwiseRule } from './elementwise.ts'
import { gatherRule, scatterAddRule } from './gather.ts'
import { globalNormRule } from './global-norm.ts'
import { linearRule, matmulRule } from './matmul.ts'
import { broadcastRule, concatenateRule, padRule, permuteRule, reshapeRule, sliceRule } from './movement.ts'
import { layerNormRule, rmsNormRule } from './normalisation.ts'
import { reduceRule } from './reduce.ts'

/** What a rule gets: one recorded call and the gradients of its outputs (undefined where an output was not used). */
export interface GradientCall<K extends OpName> {
  readonly inputs: readonly Tensor[]
  readonly outputs: readonly Tensor[]
  readonly attrs: Attrs<K>
  readonly cotangents: readonly (Tensor | undefined)[]
  /** Which inputs' gradients will be used; the others may be left undefined. */
  readonly needed: readonly boolean[]
}

/** Returns one gradient per input; `null` sends a fused op through its definition. */
export type GradientRule<K extends OpName> = (call: GradientCall<K>) => readonly (Tensor | undefined)[] | null

/** A rule; or that no gradient flows (`constant`); or why no tape may record it. Fused ops may go by their definition. */
type Row<K extends OpName> =
  | GradientRule<K>
  | 'constant'
  | { readonly refused: string }
  | (K extends FusedOpName ? 'definition' : never)

export const rules: { readonly [K in OpName]: Row<K> } = {
  elementwise: elementwiseRule,
  reduce: reduceRule,
  argmax: 'constant',
  matmul: matmulRule,
  reshape: reshapeRule,
  permute: permuteRule,
  broadcast: broadcastRule,
  slice: sliceRule,
  pad: padRule,
  concatenate: concatenateRule,
  gather: gatherRule,
  scatterAdd: scatterAddRule,
  fill: 'constant',
  iota: 'constant',
  random: 'constant',
  assign: { refused: 'It writes in place. Update parameters outside the differentiated function.' },
  linear: linearRule,
  layerNorm: layerNormRule,
  layerNormGrad: 'definition',
  rmsNorm: rmsNormRule,
  rmsNormGrad: 'definition',
  attention: attentionRule,
  attentionGrad: 'definition',
  crossEntropy: crossEntropyRule,
  crossEntropyGrad: 'definition',
  linearCrossEntropy: linearCrossEntropyRule,
  linearCrossEntropyGrad: 'definition',
  adamw: {
    refused: 'It writes moments in place. To differentiate through an update, write it with ordinary ops.',
  },
  globalNorm: globalNormRule,
}
