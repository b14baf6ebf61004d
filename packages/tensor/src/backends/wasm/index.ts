/** `@burgeon/tensor/wasm`: the CPU, by WebAssembly SIMD. */
import { Device } from '../../device.ts'
import { wasmKernels } from './kernels.ts'
import { WasmBackend } from './wasm-backend.ts'

/**
 * Opens a device that computes on the CPU with WebAssembly SIMD, in single precision.
 *
 * @throws UnsupportedError where the JavaScript engine has no WebAssembly SIMD (Node before 20, old browsers).
 */
export function openWasm(): Device {
  return Device.of(new WasmBackend(), wasmKernels)
}
