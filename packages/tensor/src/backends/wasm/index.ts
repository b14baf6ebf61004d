/** `@burgeon/tensor/wasm`: the CPU, by WebAssembly SIMD. */
import * as checks from '../../checks/checks.ts'
import { checkOptions, type ChecksOf } from '../../checks/check-options.ts'
import { Device } from '../../device.ts'
import { OptionError } from '../../errors.ts'
import { peakFlops, wasmKernels } from './kernels.ts'
import { isTriedEngine, whyNotRevectorize } from './revectorize.ts'
import { selfTest } from '../../testing/self-test.ts'
import { surviveLostWorkers } from './threads/lost-worker.ts'
import { availableThreads } from './threads/start-worker.ts'
import { WasmBackend, type WasmSettings } from './wasm-backend.ts'

/** Options of a WASM device. None of them but `strictMath` changes a result. */
export interface WasmOptions {
  /**
   * Threads that share the work, the caller among them: an integer from 1 to 64. Default: the number that the
   * machine runs at once, at most 8. Without shared memory (a browser page that is not cross-origin isolated)
   * there is only one, whatever the option says.
   */
  readonly threads?: number
  /**
   * Never uses instructions whose rounding is up to the machine (fused multiply-add), so that every machine
   * gives the same bits. Matrix products take about a third longer. Default: false.
   */
  readonly strictMath?: boolean
  /**
   * Whether V8 joins pairs of vector instructions of matrix products and attention into wider ones, which
   * makes them about 1.6 times as fast. It is an experiment of V8's, for Node on x64 only; no other code of
   * the process is compiled with it. Default: in Node 24 and 26, if a self-test of some milliseconds gives
   * the same bits with it as without. `true` tries it in any Node and throws where it is not available;
   * `false` never uses it.
   */
  readonly revectorize?: boolean
}

const maxThreads = 64
const optionChecks: ChecksOf<WasmOptions> = {
  threads: checks.anyNumber,
  strictMath: checks.boolean,
  revectorize: checks.boolean,
}

/**
 * Opens a device that computes on the CPU with WebAssembly SIMD, in single precision.
 *
 * @throws UnsupportedError where the JavaScript engine has no WebAssembly SIMD (Node before 20, old
 *   browsers).
 * @throws UnsupportedError if `revectorize` is true where it is not available or changes a result.
 * @throws OptionError for a number of threads that is not an integer from 1 to 64.
 */
export function openWasm(options: WasmOptions = {}): Device {
  checkOptions('openWasm', options, optionChecks)
  const { threads = Math.min(8, availableThreads()), strictMath = false, revectorize } = options
  if (!Number.isInteger(threads) || threads < 1 || threads > maxThreads) {
    throw new OptionError(`openWasm: got ${threads} threads; expected an integer from 1 to ${maxThreads}.`)
  }
  const wanted = revectorize ?? isTriedEngine()
  const revectorized = wanted && mayRevectorize(strictMath, revectorize === true)
  return open({ threads, strictMath, revectorized })
}

/** Whether products may be revectorized. If they must be and cannot, it throws. */
function mayRevectorize(strictMath: boolean, must: boolean): boolean {
  const why = whyNotRevectorize(strictMath ? 'strict' : 'fused', (isTrial) =>
    selfTest(open({ threads: 1, strictMath, revectorized: isTrial })),
  )
  if (must && why !== undefined) throw why
  return why === undefined
}

const kernels = surviveLostWorkers(wasmKernels)

const open = (settings: WasmSettings): Device => Device.of(new WasmBackend(settings), kernels, peakFlops)
