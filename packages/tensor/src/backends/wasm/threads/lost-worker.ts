/** The error of a kernel in which a thread has ended. */
import type { KernelTable } from '../../../device.ts'
import { InternalError } from '../../../errors.ts'
import type { WasmBackend } from '../wasm-backend.ts'

/**
 * A worker has ended with a task half done. No other thread is in the kernel any more. The error never leaves
 * this backend.
 */
export const lostWorker: InternalError = new InternalError(
  'wasm: a thread has ended in the middle of a kernel.',
)

type AnyKernel = (...operands: readonly unknown[]) => void

/**
 * Runs kernels once more when a worker was lost, with the workers that are left.
 *
 * They write all of their outputs, and read nothing else that they write, so nothing of the first attempt
 * remains. Kernels that change what they read handle it themselves: see `runInPlace`.
 */
export function surviveLostWorkers(kernels: KernelTable<WasmBackend>): KernelTable<WasmBackend> {
  const surviving = Object.entries(kernels).map(([op, kernel]) => [op, repeat(kernel as AnyKernel)])
  return Object.fromEntries(surviving) as KernelTable<WasmBackend>
}

const repeat =
  (kernel: AnyKernel): AnyKernel =>
  (...operands) => {
    for (;;) {
      try {
        kernel(...operands)
        return
      } catch (error) {
        // The loop ends: every attempt has a worker less, and without workers none can be lost.
        if (error !== lostWorker) throw error
      }
    }
  }
