/** Every op of the table on the WASM backend. */
import type { KernelTable } from '../../device.ts'
import { adamwWasm } from '../../ops/adamw/adamw.wasm.ts'
import { argmaxWasm } from '../../ops/argmax/argmax.wasm.ts'
import { assignWasm } from '../../ops/assign/assign.wasm.ts'
import { attentionGradWasm, attentionWasm } from '../../ops/attention/attention.wasm.ts'
import { broadcastWasm } from '../../ops/broadcast/broadcast.wasm.ts'
import { concatenateWasm } from '../../ops/concatenate/concatenate.wasm.ts'
import { crossEntropyGradWasm, crossEntropyWasm } from '../../ops/cross-entropy/cross-entropy.wasm.ts'
import { cumsumWasm } from '../../ops/cumsum/cumsum.wasm.ts'
import { reorderWasm } from '../../ops/reorder/reorder.wasm.ts'
import { sortWasm } from '../../ops/sort/sort.wasm.ts'
import { elementwiseWasm } from '../../ops/elementwise/elementwise.wasm.ts'
import { fillWasm } from '../../ops/fill/fill.wasm.ts'
import { gatherWasm } from '../../ops/gather/gather.wasm.ts'
import { globalNormWasm } from '../../ops/global-norm/global-norm.wasm.ts'
import { iotaWasm } from '../../ops/iota/iota.wasm.ts'
import { layerNormGradWasm, layerNormWasm } from '../../ops/layer-norm/layer-norm.wasm.ts'
import {
  linearCrossEntropyGradWasm,
  linearCrossEntropyWasm,
} from '../../ops/linear-cross-entropy/linear-cross-entropy.wasm.ts'
import { linearWasm } from '../../ops/linear/linear.wasm.ts'
import { calibrationOf } from '../../ops/matmul/wasm/calibrate.wasm.ts'
import { matmulWasm } from '../../ops/matmul/matmul.wasm.ts'
import { packRowsWasm } from '../../ops/pack-rows/pack-rows.wasm.ts'
import { packedMatmulWasm } from '../../ops/packed-matmul/packed-matmul.wasm.ts'
import { padWasm } from '../../ops/pad/pad.wasm.ts'
import { permuteWasm } from '../../ops/permute/permute.wasm.ts'
import { randomWasm } from '../../ops/random/random.wasm.ts'
import { reduceWasm } from '../../ops/reduce/reduce.wasm.ts'
import { rmsNormGradWasm, rmsNormWasm } from '../../ops/rms-norm/rms-norm.wasm.ts'
import { scatterAddWasm } from '../../ops/scatter-add/scatter-add.wasm.ts'
import { sliceWasm } from '../../ops/slice/slice.wasm.ts'
import { unpackRowsWasm } from '../../ops/unpack-rows/unpack-rows.wasm.ts'
import type { WasmBackend } from './wasm-backend.ts'

export const wasmKernels: KernelTable<WasmBackend> = {
  elementwise: elementwiseWasm,
  reduce: reduceWasm,
  argmax: argmaxWasm,
  cumsum: cumsumWasm,
  sort: sortWasm,
  matmul: matmulWasm,
  permute: permuteWasm,
  broadcast: broadcastWasm,
  slice: sliceWasm,
  pad: padWasm,
  concatenate: concatenateWasm,
  gather: gatherWasm,
  scatterAdd: scatterAddWasm,
  reorder: reorderWasm,
  fill: fillWasm,
  iota: iotaWasm,
  random: randomWasm,
  assign: assignWasm,
  packRows: packRowsWasm,
  unpackRows: unpackRowsWasm,
  linear: linearWasm,
  layerNorm: layerNormWasm,
  layerNormGrad: layerNormGradWasm,
  rmsNorm: rmsNormWasm,
  rmsNormGrad: rmsNormGradWasm,
  attention: attentionWasm,
  attentionGrad: attentionGradWasm,
  crossEntropy: crossEntropyWasm,
  crossEntropyGrad: crossEntropyGradWasm,
  linearCrossEntropy: linearCrossEntropyWasm,
  linearCrossEntropyGrad: linearCrossEntropyGradWasm,
  adamw: adamwWasm,
  globalNorm: globalNormWasm,
  packedMatmul: packedMatmulWasm,
}

/**
 * Floating-point operations per second that products reach on all threads while everything is in the first
 * cache.
 */
export const peakFlops = (backend: WasmBackend): number => calibrationOf(backend).peakFlops * backend.threads
