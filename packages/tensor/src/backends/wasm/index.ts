/** `@burgeon/tensor/wasm`: the CPU, by WebAssembly SIMD. */
import { Device } from '../../device.ts'
import { OptionError } from '../../errors.ts'
import { peakFlops, wasmKernels } from './kernels.ts'
import { switchOnRevectorization } from './revectorize.ts'
import { selfTest } from '../../self-test.ts'
import { availableThreads } from './threads/start-worker.ts'
import { WasmBackend } from './wasm-backend.ts'

/** How a WASM device works. Nothing here but `strictMath` changes a result. */
export interface WasmOptions {
  /**
   * Threads that share the work, the caller among them: an integer from 1 to 64. Default: what the machine runs at once, at
   * most 8. Without shared memory (a browser page that is not cross-origin isolated) there is one, whatever is asked for.
   */
  readonly threads?: number
  /**
   * Never uses instructions whose rounding is up to the machine (fused multiply-add), so that every machine gives the same
   * bits. Matrix products take about a third longer. Default: false.
   */
  readonly strictMath?: boolean
  /**
   * Lets V8 join pairs of vector instructions into wider ones, which may double the speed of matrix products. It is an
   * experimental switch of V8's, so it is for Node only and off by default; it holds for the whole process and is used only
   * if a self-test gives the same bits with it as without.
   */
  readonly revectorize?: boolean
}

const mostThreads = 64

/**
 * Opens a device that computes on the CPU with WebAssembly SIMD, in single precision.
 *
 * @throws UnsupportedError where the JavaScript engine has no WebAssembly SIMD (Node before 20, old browsers).
 * @throws UnsupportedError if `revectorize` is asked for where it cannot be had or changes a result.
 * @throws OptionError for a number of threads that is not an integer from 1 to 64.
 */
export function openWasm({
  threads = Math.min(8, availableThreads()),
  strictMath = false,
  revectorize = false,
}: WasmOptions = {}): Device {
  if (!Number.isInteger(threads) || threads < 1 || threads > mostThreads) {
    throw new OptionError(`openWasm: got ${threads} threads; expected an integer from 1 to ${mostThreads}.`)
  }
  if (revectorize) {
    switchOnRevectorization((isTrial) => {
      const trial = new WasmBackend({ threads: 1, strictMath, revectorized: isTrial })
      return selfTest(Device.of(trial, wasmKernels, peakFlops))
    })
  }
  const backend = new WasmBackend({ threads, strictMath, revectorized: revectorize })
  return Device.of(backend, wasmKernels, peakFlops)
}
