/** What the attributes of each op may be: `checkOp` hands them to the op itself, past the function that looks at them otherwise. */
import type { ChecksOf } from '../checks/check-options.ts'
import * as checks from '../checks/checks.ts'
import type { OpName } from '../op-table.ts'
import type { PlainAttrs } from './check-op.ts'

const { required } = checks
const sizes = required(checks.list('a list of integers ≥ 0', checks.integer({ from: 0 })))
const size = required(checks.integer({ from: 0 }))
const yesOrNo = required(checks.boolean)
const aNumber = required(checks.number())
const dtype = required(checks.dtype)
const norm = { epsilon: aNumber }
const attention = { scale: aNumber, causal: yesOrNo, keys: size }

/** By op. The type is exhaustive: a new op without checks does not compile. How attributes fit the inputs is for the op to say. */
export const attrChecks: { readonly [K in OpName]: ChecksOf<PlainAttrs<K>> } = {
  elementwise: {
    expression: required(checks.role('an expression, such as expression.input(0)', 'kind')),
    scalars: required(checks.list('a list of numbers', checks.anyNumber)),
    dtype,
  },
  reduce: { kind: required(checks.oneOf('sum', 'max', 'min')), axes: sizes, keepDims: yesOrNo },
  argmax: {},
  matmul: { transposeA: yesOrNo, transposeB: yesOrNo },
  reshape: { shape: sizes },
  permute: { order: sizes },
  broadcast: { shape: sizes },
  slice: { start: sizes, stop: sizes },
  pad: { before: sizes, after: sizes },
  concatenate: { axis: size },
  gather: {},
  scatterAdd: { rows: size },
  fill: { shape: sizes, value: required(checks.anyNumber), dtype },
  iota: { size, dtype },
  random: {
    key: required(checks.key),
    shape: sizes,
    distribution: required(checks.oneOf('bits', 'uniform')),
  },
  assign: { start: sizes, mode: required(checks.oneOf('set', 'add')) },
  linear: {},
  layerNorm: norm,
  layerNormGrad: {},
  rmsNorm: norm,
  rmsNormGrad: {},
  attention,
  attentionGrad: attention,
  crossEntropy: {},
  crossEntropyGrad: {},
  linearCrossEntropy: {},
  linearCrossEntropyGrad: {},
  adamw: {
    learningRate: aNumber,
    beta1: aNumber,
    beta2: aNumber,
    epsilon: aNumber,
    weightDecay: aNumber,
    step: required(checks.integer({ from: 1 })),
  },
  globalNorm: {},
}
