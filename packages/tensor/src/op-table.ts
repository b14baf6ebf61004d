/**
 * The closed list of ops. A new op is a folder under `ops/` and a line here; the kernel tables of the
 * backends and the gradient rules are typed over this list, so a missing one does not compile.
 */
import type { OpDefinition } from './op.ts'
import { adamwOp } from './ops/adamw/adamw.ts'
import { argmaxOp } from './ops/argmax/argmax.ts'
import { assignOp } from './ops/assign/assign.ts'
import { attentionGradOp, attentionOp } from './ops/attention/attention.ts'
import { broadcastOp } from './ops/broadcast/broadcast.ts'
import { concatenateOp } from './ops/concatenate/concatenate.ts'
import { crossEntropyGradOp, crossEntropyOp } from './ops/cross-entropy/cross-entropy.ts'
import { cumsumOp } from './ops/cumsum/cumsum.ts'
import { elementwiseOp } from './ops/elementwise/elementwise.ts'
import { fillOp } from './ops/fill/fill.ts'
import { gatherOp } from './ops/gather/gather.ts'
import { globalNormOp } from './ops/global-norm/global-norm.ts'
import { iotaOp } from './ops/iota/iota.ts'
import { layerNormGradOp, layerNormOp } from './ops/layer-norm/layer-norm.ts'
import {
  linearCrossEntropyGradOp,
  linearCrossEntropyOp,
} from './ops/linear-cross-entropy/linear-cross-entropy.ts'
import { linearOp } from './ops/linear/linear.ts'
import { matmulOp } from './ops/matmul/matmul.ts'
import { packRowsOp } from './ops/pack-rows/pack-rows.ts'
import { packedMatmulOp } from './ops/packed-matmul/packed-matmul.ts'
import { padOp } from './ops/pad/pad.ts'
import { permuteOp } from './ops/permute/permute.ts'
import { randomOp } from './ops/random/random.ts'
import { reduceOp } from './ops/reduce/reduce.ts'
import { reorderOp } from './ops/reorder/reorder.ts'
import { reshapeOp } from './ops/reshape/reshape.ts'
import { rmsNormGradOp, rmsNormOp } from './ops/rms-norm/rms-norm.ts'
import { scatterAddOp } from './ops/scatter-add/scatter-add.ts'
import { sliceOp } from './ops/slice/slice.ts'
import { sortOp } from './ops/sort/sort.ts'
import { unpackRowsOp } from './ops/unpack-rows/unpack-rows.ts'

/** Every op there is, by name. */
export const opTable = {
  // primitives: every backend has a kernel
  elementwise: elementwiseOp,
  reduce: reduceOp,
  argmax: argmaxOp,
  cumsum: cumsumOp,
  sort: sortOp,
  matmul: matmulOp,
  reshape: reshapeOp,
  permute: permuteOp,
  broadcast: broadcastOp,
  slice: sliceOp,
  pad: padOp,
  concatenate: concatenateOp,
  gather: gatherOp,
  scatterAdd: scatterAddOp,
  reorder: reorderOp,
  fill: fillOp,
  iota: iotaOp,
  random: randomOp,
  assign: assignOp,
  packRows: packRowsOp,
  unpackRows: unpackRowsOp,
  // fused: a lowering of a definition written in the ops above
  linear: linearOp,
  layerNorm: layerNormOp,
  layerNormGrad: layerNormGradOp,
  rmsNorm: rmsNormOp,
  rmsNormGrad: rmsNormGradOp,
  attention: attentionOp,
  attentionGrad: attentionGradOp,
  crossEntropy: crossEntropyOp,
  crossEntropyGrad: crossEntropyGradOp,
  linearCrossEntropy: linearCrossEntropyOp,
  linearCrossEntropyGrad: linearCrossEntropyGradOp,
  adamw: adamwOp,
  globalNorm: globalNormOp,
  packedMatmul: packedMatmulOp,
} as const

export type OpTable = typeof opTable
/** The name of an op. */
export type OpName = keyof OpTable
/** The attributes of an op. */
export type Attrs<K extends OpName> = OpTable[K] extends OpDefinition<infer A> ? A : never
/** Ops that have a definition in other ops. */
export type FusedOpName = { [K in OpName]: OpTable[K] extends { definition: object } ? K : never }[OpName]
/** Ops that only share storage; no kernel ever runs. */
export type AliasOpName = { [K in OpName]: OpTable[K] extends { alias: true } ? K : never }[OpName]
