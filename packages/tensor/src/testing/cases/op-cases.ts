/** Test cases for every op of the table: what each backend's kernels are tried with. */
import { checkArgument } from '../../checks/check-options.ts'
import type { OpName } from '../../op-table.ts'
import {
  argmaxCases,
  elementwiseCases,
  globalNormCases,
  linearCases,
  matmulCases,
  reduceCases,
} from './arithmetic-cases.ts'
import { attentionCases, attentionGradCases } from './attention-cases.ts'
import {
  assignCases,
  broadcastCases,
  concatenateCases,
  fillCases,
  gatherCases,
  iotaCases,
  padCases,
  permuteCases,
  randomCases,
  reshapeCases,
  scatterAddCases,
  sliceCases,
} from './movement-cases.ts'
import { aRandomStream } from './draw-expression.ts'
import type { OpCases } from './op-case.ts'
import {
  adamwCases,
  crossEntropyCases,
  crossEntropyGradCases,
  layerNormCases,
  layerNormGradCases,
  linearCrossEntropyCases,
  linearCrossEntropyGradCases,
  rmsNormCases,
  rmsNormGradCases,
} from './row-cases.ts'

/**
 * By op. The type is exhaustive: a new op without cases does not compile.
 *
 * Tolerances are multiples of what f32 rounding can explain (see `checkOp`): 0 where numbers are only moved or counted; 1
 * where a sum of products leaves a kernel no choice but the order; 2 for formulas, whose functions (`exp`, `erf`, …) are
 * allowed two units in the last place and may be built of several roundings; 4 for fused ops, which may reach the same
 * number by another formula than their definition (a sum of squares kept running, a division turned into a product).
 */
export const opCases: { readonly [K in OpName]: OpCases<K> } = {
  elementwise: withChecks('elementwise', elementwiseCases),
  reduce: withChecks('reduce', reduceCases),
  argmax: withChecks('argmax', argmaxCases),
  matmul: withChecks('matmul', matmulCases),
  reshape: withChecks('reshape', reshapeCases),
  permute: withChecks('permute', permuteCases),
  broadcast: withChecks('broadcast', broadcastCases),
  slice: withChecks('slice', sliceCases),
  pad: withChecks('pad', padCases),
  concatenate: withChecks('concatenate', concatenateCases),
  gather: withChecks('gather', gatherCases),
  scatterAdd: withChecks('scatterAdd', scatterAddCases),
  fill: withChecks('fill', fillCases),
  iota: withChecks('iota', iotaCases),
  random: withChecks('random', randomCases),
  assign: withChecks('assign', assignCases),
  linear: withChecks('linear', linearCases),
  layerNorm: withChecks('layerNorm', layerNormCases),
  layerNormGrad: withChecks('layerNormGrad', layerNormGradCases),
  rmsNorm: withChecks('rmsNorm', rmsNormCases),
  rmsNormGrad: withChecks('rmsNormGrad', rmsNormGradCases),
  attention: withChecks('attention', attentionCases),
  attentionGrad: withChecks('attentionGrad', attentionGradCases),
  crossEntropy: withChecks('crossEntropy', crossEntropyCases),
  crossEntropyGrad: withChecks('crossEntropyGrad', crossEntropyGradCases),
  linearCrossEntropy: withChecks('linearCrossEntropy', linearCrossEntropyCases),
  linearCrossEntropyGrad: withChecks('linearCrossEntropyGrad', linearCrossEntropyGradCases),
  adamw: withChecks('adamw', adamwCases),
  globalNorm: withChecks('globalNorm', globalNormCases),
}

/** The same cases; what they are drawn with is looked at first. */
function withChecks<K extends OpName>(op: K, { tolerance, edges, draw }: OpCases<K>): OpCases<K> {
  const who = `opCases.${op}`
  return {
    tolerance,
    edges(random) {
      checkArgument(`${who}.edges`, 'random', random, aRandomStream)
      return edges(random)
    },
    draw(random) {
      checkArgument(`${who}.draw`, 'random', random, aRandomStream)
      return draw(random)
    },
  }
}
