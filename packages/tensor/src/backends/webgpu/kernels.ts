/** Every op of the table on the WebGPU backend. */
import type { KernelTable } from '../../device.ts'
import { adamwWebGpu } from '../../ops/adamw/adamw.webgpu.ts'
import { attentionGradWebGpu, attentionWebGpu } from '../../ops/attention/attention.webgpu.ts'
import { crossEntropyGradWebGpu, crossEntropyWebGpu } from '../../ops/cross-entropy/cross-entropy.webgpu.ts'
import { globalNormWebGpu } from '../../ops/global-norm/global-norm.webgpu.ts'
import { layerNormGradWebGpu, layerNormWebGpu } from '../../ops/layer-norm/layer-norm.webgpu.ts'
import {
  linearCrossEntropyGradWebGpu,
  linearCrossEntropyWebGpu,
} from '../../ops/linear-cross-entropy/linear-cross-entropy.webgpu.ts'
import { linearWebGpu } from '../../ops/linear/linear.webgpu.ts'
import { rmsNormGradWebGpu, rmsNormWebGpu } from '../../ops/rms-norm/rms-norm.webgpu.ts'
import { argmaxWebGpu } from '../../ops/argmax/argmax.webgpu.ts'
import { assignWebGpu } from '../../ops/assign/assign.webgpu.ts'
import { broadcastWebGpu } from '../../ops/broadcast/broadcast.webgpu.ts'
import { concatenateWebGpu } from '../../ops/concatenate/concatenate.webgpu.ts'
import { cumsumWebGpu } from '../../ops/cumsum/cumsum.webgpu.ts'
import { reorderWebGpu } from '../../ops/reorder/reorder.webgpu.ts'
import { sortWebGpu } from '../../ops/sort/sort.webgpu.ts'
import { elementwiseWebGpu } from '../../ops/elementwise/elementwise.webgpu.ts'
import { fillWebGpu } from '../../ops/fill/fill.webgpu.ts'
import { gatherWebGpu } from '../../ops/gather/gather.webgpu.ts'
import { iotaWebGpu } from '../../ops/iota/iota.webgpu.ts'
import { matmulWebGpu } from '../../ops/matmul/matmul.webgpu.ts'
import { packRowsWebGpu } from '../../ops/pack-rows/pack-rows.webgpu.ts'
import { packedMatmulWebGpu } from '../../ops/packed-matmul/packed-matmul.webgpu.ts'
import { padWebGpu } from '../../ops/pad/pad.webgpu.ts'
import { permuteWebGpu } from '../../ops/permute/permute.webgpu.ts'
import { randomWebGpu } from '../../ops/random/random.webgpu.ts'
import { reduceWebGpu } from '../../ops/reduce/reduce.webgpu.ts'
import { scatterAddWebGpu } from '../../ops/scatter-add/scatter-add.webgpu.ts'
import { sliceWebGpu } from '../../ops/slice/slice.webgpu.ts'
import { unpackRowsWebGpu } from '../../ops/unpack-rows/unpack-rows.webgpu.ts'
import type { WebGpuBackend } from './webgpu-backend.ts'

export { checkTuning, tune } from '../../ops/matmul/webgpu/tune.webgpu.ts'

export const webGpuKernels: KernelTable<WebGpuBackend> = {
  elementwise: elementwiseWebGpu,
  reduce: reduceWebGpu,
  argmax: argmaxWebGpu,
  cumsum: cumsumWebGpu,
  sort: sortWebGpu,
  matmul: matmulWebGpu,
  permute: permuteWebGpu,
  broadcast: broadcastWebGpu,
  slice: sliceWebGpu,
  pad: padWebGpu,
  concatenate: concatenateWebGpu,
  gather: gatherWebGpu,
  scatterAdd: scatterAddWebGpu,
  reorder: reorderWebGpu,
  fill: fillWebGpu,
  iota: iotaWebGpu,
  random: randomWebGpu,
  assign: assignWebGpu,
  packRows: packRowsWebGpu,
  unpackRows: unpackRowsWebGpu,
  linear: linearWebGpu,
  layerNorm: layerNormWebGpu,
  layerNormGrad: layerNormGradWebGpu,
  rmsNorm: rmsNormWebGpu,
  rmsNormGrad: rmsNormGradWebGpu,
  attention: attentionWebGpu,
  attentionGrad: attentionGradWebGpu,
  crossEntropy: crossEntropyWebGpu,
  crossEntropyGrad: crossEntropyGradWebGpu,
  linearCrossEntropy: linearCrossEntropyWebGpu,
  linearCrossEntropyGrad: linearCrossEntropyGradWebGpu,
  adamw: adamwWebGpu,
  globalNorm: globalNormWebGpu,
  packedMatmul: packedMatmulWebGpu,
}
