/**
 * One gradient rule per op. Rules are written with ops, never with kernels, so that a gradient can be
 * differentiated again. The table is typed over the op table: a new op without a row does not compile.
 */
import type { FusedOpName, OpName } from '@burgeon/tensor'
import { attentionRule } from './attention.ts'
import { crossEntropyRule, linearCrossEntropyRule } from './cross-entropy.ts'
import { elementwiseRule } from './elementwise.ts'
import { gatherRule, scatterAddRule } from './gather.ts'
import { globalNormRule } from './global-norm.ts'
import type { GradientRule } from './gradient-rule.ts'
import { linearRule, matmulRule } from './matmul.ts'
import { broadcastRule, concatenateRule, padRule, permuteRule, reshapeRule, sliceRule } from './movement.ts'
import { layerNormRule, rmsNormRule } from './normalization.ts'
import { cumsumRule, reorderRule, sortRule } from './order.ts'
import { reduceRule } from './reduce.ts'

/**
 * A rule, or `constant` where no gradient flows, or why no tape may record the op. Fused ops may go by their
 * definition.
 */
type Row<K extends OpName> =
  | GradientRule<K>
  | 'constant'
  | { readonly refused: string }
  | (K extends FusedOpName ? 'definition' : never)

const packed = {
  refused:
    'Packed numbers have no gradient. Train the model that they were packed from, and pack it again afterwards.',
}

const table = {
  elementwise: elementwiseRule,
  reduce: reduceRule,
  argmax: 'constant',
  cumsum: cumsumRule,
  sort: sortRule,
  matmul: matmulRule,
  reshape: reshapeRule,
  permute: permuteRule,
  broadcast: broadcastRule,
  slice: sliceRule,
  pad: padRule,
  concatenate: concatenateRule,
  gather: gatherRule,
  scatterAdd: scatterAddRule,
  reorder: reorderRule,
  fill: 'constant',
  iota: 'constant',
  random: 'constant',
  assign: { refused: 'It writes in place. Update parameters outside the differentiated function.' },
  packRows: packed,
  unpackRows: packed,
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
  packedMatmul: packed,
} satisfies { readonly [K in OpName]: Row<K> }

/** Ops that have a rule of their own. */
export type RuledOpName = {
  [K in OpName]: (typeof table)[K] extends (...call: never[]) => unknown ? K : never
}[OpName]

/** Ops that gradients flow through: those with a rule, and those that go by their definition. */
export type DifferentiableOpName =
  | RuledOpName
  | { [K in OpName]: (typeof table)[K] extends 'definition' ? K : never }[OpName]

export const rules: { readonly [K in OpName]: Row<K> } = table
