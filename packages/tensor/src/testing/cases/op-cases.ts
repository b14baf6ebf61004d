/** Test cases for every op of the table, for the kernels of each backend. */
import { checkArgument } from '../../checks/check-options.ts'
import type { OpName } from '../../op-table.ts'
import type { RandomStream } from '../../random/random-stream.ts'
import {
  argmaxCases,
  elementwiseCases,
  globalNormCases,
  linearCases,
  matmulCases,
  reduceCases,
} from './arithmetic-cases.ts'
import { attentionCases, attentionGradCases } from './attention-cases.ts'
import { cumsumCases, reorderCases, sortCases } from './axis-cases.ts'
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
import { packedMatmulCases, packRowsCases, unpackRowsCases } from './packed-cases.ts'
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

type AllCases = { readonly [K in OpName]: OpCases<K> }

/**
 * Cases by op. The type is exhaustive: a new op without cases does not compile.
 *
 * Tolerances are multiples of the error that f32 rounding can explain (see `checkOp`): 0 where numbers are
 * only moved or counted; 1 where a sum of products leaves a kernel no choice but the order; 2 for formulas,
 * whose functions (`exp`, `erf`, …) are allowed two units in the last place and may be built of several
 * roundings; 4 for fused ops, which may compute the same number by another formula than their definition (a
 * running sum of squares, a division turned into a product).
 */
const cases: AllCases = {
  elementwise: elementwiseCases,
  reduce: reduceCases,
  argmax: argmaxCases,
  cumsum: cumsumCases,
  sort: sortCases,
  matmul: matmulCases,
  reshape: reshapeCases,
  permute: permuteCases,
  broadcast: broadcastCases,
  slice: sliceCases,
  pad: padCases,
  concatenate: concatenateCases,
  gather: gatherCases,
  scatterAdd: scatterAddCases,
  reorder: reorderCases,
  fill: fillCases,
  iota: iotaCases,
  random: randomCases,
  assign: assignCases,
  packRows: packRowsCases,
  unpackRows: unpackRowsCases,
  linear: linearCases,
  layerNorm: layerNormCases,
  layerNormGrad: layerNormGradCases,
  rmsNorm: rmsNormCases,
  rmsNormGrad: rmsNormGradCases,
  attention: attentionCases,
  attentionGrad: attentionGradCases,
  crossEntropy: crossEntropyCases,
  crossEntropyGrad: crossEntropyGradCases,
  linearCrossEntropy: linearCrossEntropyCases,
  linearCrossEntropyGrad: linearCrossEntropyGradCases,
  adamw: adamwCases,
  globalNorm: globalNormCases,
  packedMatmul: packedMatmulCases,
}

/** Cases of every op; the arguments of their functions are checked first. See `OpCases`. */
export const opCases: AllCases = Object.fromEntries(
  Object.entries(cases).map(([op, { edges, draw, ...rest }]) => {
    const checked = <R>(name: string, make: (random: RandomStream) => R): ((random: RandomStream) => R) => {
      return (random) => {
        checkArgument(`opCases.${op}.${name}`, 'random', random, aRandomStream)
        return make(random)
      }
    }
    return [op, { ...rest, edges: checked<unknown>('edges', edges), draw: checked<unknown>('draw', draw) }]
  }),
) as unknown as AllCases
