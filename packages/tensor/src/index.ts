/** `@burgeon/tensor`: numbers. The public list, nothing else. */
export { checkArgument, checkOptions, type ChecksOf, shown } from './checks/check-options.ts'
export { checkState, fields, optional, type StateChecks } from './checks/check-state.ts'
export * as checks from './checks/checks.ts'
export type { Check, Range, RequiredCheck } from './checks/checks.ts'
export {
  defaultDevice,
  ones,
  setDefaultDevice,
  tensor,
  type TensorOptions,
  tensorFrom,
  zeros,
} from './create/create.ts'
export { Device, type MemoryUse } from './device.ts'
export type { DType, NumericArray } from './dtype.ts'
export {
  checkpoint,
  type Engine,
  isRecorded,
  type RecordingPause,
  type Rerun,
  type RerunStep,
  runOp,
  withEngine,
  withEngineAsync,
  withoutEngines,
} from './engine.ts'
export type { NestedNumbers } from './create/nested-numbers.ts'
export { type ChromeTrace, type ProfiledOp, Profile, type ProfileRow } from './engines/profile.ts'
export type { ProfileTableOptions } from './engines/profile-table.ts'
export { profile, profileAsync, type Profiled, type ProfileOptions } from './engines/profiler.ts'
export {
  findNonFinite,
  findNonFiniteAsync,
  type NonFiniteOptions,
} from './engines/non-finite-finder.ts'
export * from './errors.ts'
export { derivative } from './expression/derivative.ts'
export * as expression from './expression/expression.ts'
export type { Expression } from './expression/expression.ts'
export { expandDims, flatten, squeeze } from './functions/axes.ts'
export { einsum } from './functions/einsum.ts'
export { full, fullLike, type FullOptions, onesLike, zerosLike } from './create/filled.ts'
export { split, stack } from './functions/joining.ts'
export {
  binaryCrossEntropy,
  huber,
  type HuberOptions,
  l1,
  type LossOptions,
  meanSquaredError,
} from './functions/losses.ts'
export { eye, oneHot } from './create/one-hot.ts'
export { flip, repeat, tile } from './functions/repeating.ts'
export { arange, type ArangeOptions, linspace } from './create/sequences.ts'
export { logSoftmax, logsumexp, softmax } from './functions/softmax.ts'
export { tril, triu } from './functions/triangles.ts'
export { std, variance, type VarianceOptions } from './functions/variance.ts'
export type { OpDefinition } from './op.ts'
export { type Attrs, type FusedOpName, type OpName, opTable } from './op-table.ts'
export { type AdamwAttrs, type AdamwFormulas, adamwFormulas, adamwUpdate } from './ops/adamw/adamw.ts'
export { argmax, argmin } from './ops/argmax/argmax.ts'
export { addInto, assign } from './ops/assign/assign.ts'
export { attention, type AttentionAttrs, type AttentionOptions } from './ops/attention/attention.ts'
export { broadcastTo } from './ops/broadcast/broadcast.ts'
export { concatenate } from './ops/concatenate/concatenate.ts'
export { crossEntropy } from './ops/cross-entropy/cross-entropy.ts'
export { cumsum, type CumsumOptions } from './ops/cumsum/cumsum.ts'
export {
  abs,
  add,
  clip,
  type ClipOptions,
  cos,
  divide,
  erf,
  exp,
  expm1,
  gelu,
  log,
  log1p,
  logSigmoid,
  maximum,
  minimum,
  multiply,
  negate,
  pow,
  relu,
  sigmoid,
  silu,
  sin,
  softplus,
  sqrt,
  square,
  subtract,
  tanh,
} from './ops/elementwise/arithmetic.ts'
export { cast } from './ops/elementwise/cast.ts'
export * from './ops/elementwise/comparisons.ts'
export * from './ops/elementwise/rounding.ts'
export { elementwise } from './ops/elementwise/elementwise.ts'
export { fill } from './ops/fill/fill.ts'
export { gather } from './ops/gather/gather.ts'
export { globalNorm, normScale } from './ops/global-norm/global-norm.ts'
export { iota } from './ops/iota/iota.ts'
export { layerNorm } from './ops/layer-norm/layer-norm.ts'
export { linearCrossEntropy } from './ops/linear-cross-entropy/linear-cross-entropy.ts'
export { linear } from './ops/linear/linear.ts'
export { matmul } from './ops/matmul/matmul.ts'
export { packRows, type RowFormat } from './ops/pack-rows/pack-rows.ts'
export {
  type Activations,
  packedMatmul,
  type PackedMatmulOptions,
} from './ops/packed-matmul/packed-matmul.ts'
export { pad } from './ops/pad/pad.ts'
export { permute, transpose } from './ops/permute/permute.ts'
export { dropout, type DropoutOptions } from './ops/random/dropout.ts'
export { randomNormal } from './ops/random/random-normal.ts'
export { randomBits, randomUniform } from './ops/random/random.ts'
export { max, mean, min, type ReduceOptions, sum, sumTo } from './ops/reduce/reduce.ts'
export { reorder, type ReorderOptions } from './ops/reorder/reorder.ts'
export { reshape } from './ops/reshape/reshape.ts'
export { rmsNorm } from './ops/rms-norm/rms-norm.ts'
export { scatterAdd } from './ops/scatter-add/scatter-add.ts'
export { slice } from './ops/slice/slice.ts'
export { type Sorted, sort, type SortOptions, topK } from './ops/sort/sort.ts'
export { unpackRows, type UnpackRowsAttrs } from './ops/unpack-rows/unpack-rows.ts'
export { packedWords, type PackedForm, type PackedFormat } from './packed/packed-form.ts'
export {
  packWeights,
  type PackWeightsOptions,
  unpackWeights,
  type UnpackWeightsOptions,
} from './packed/pack-weights.ts'
export { type DevtoolsFormatter, devtoolsFormatter, type Rendered } from './printing/devtools-formatter.ts'
export { applyPlan } from './parameters/apply-plan.ts'
export { DerivedMirror } from './parameters/derived-mirror.ts'
export type { Mirror } from './parameters/mirror.ts'
export { type FreshNumbers, TensorMirror } from './parameters/tensor-mirror.ts'
export { type PlainTensor, type PlainTensors, plainTensors } from './parameters/plain-tensors.ts'
export {
  type Axis,
  type Parameter,
  ParameterError,
  ParameterStore,
  shareParameters,
  type TensorsByPath,
} from './parameters/parameter.ts'
export {
  type SliceAverage,
  type SliceSwaps,
  type ParameterCopy,
  type DimensionMap,
  extendAxis,
  type InitialValues,
  inversePlan,
  isIdentity,
  type ParameterChange,
  type Plan,
  keepAxis,
} from './parameters/plan.ts'
export { undoPlan } from './parameters/undo-plan.ts'
export { freshTensor, resize, type MirrorRole } from './parameters/resize.ts'
export { type KeptNumbers, keptNumbers, type Slices } from './parameters/slices.ts'
export { type RandomState, RandomStream } from './random/random-stream.ts'
export { foldIn, type RandomKey, keyFromSeed, splitKey } from './random/threefry.ts'
export { BadFileError } from './safetensors/bad-file-error.ts'
export {
  arrayFromRaw,
  type RawArray,
  type RawTensor,
  type RawType,
  rawFromArray,
  rawFromFloats,
} from './safetensors/raw-tensor.ts'
export {
  readSafetensors,
  type SafetensorsFile,
  type SafetensorsLimits,
} from './safetensors/read-safetensors.ts'
export {
  type ByteSource,
  openSafetensors,
  type OpenSafetensors,
  type TensorEntry,
} from './safetensors/open-safetensors.ts'
export { writeSafetensors } from './safetensors/write-safetensors.ts'
export {
  adoptTensor,
  openScope,
  makeOwned,
  Scope,
  scope,
  scopeAsync,
  type ScopedPart,
  tensorsIn,
} from './scope.ts'
export { broadcastShapes, formatShape, sameShape, type Shape, sizeOf, type TensorSpec } from './shape.ts'
export { Tensor } from './tensor.ts'
