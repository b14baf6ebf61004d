/**
 * Kernels that change what they read, such as an optimizer's step. A thread may end in the middle of one, and
 * numbers that are half changed cannot be computed again.
 *
 * So a thread first writes its results beside the numbers, then notes that they are complete, and only then
 * copies them over. Wherever it ended, another thread that makes the same call comes to the same result.
 */
import { type FunctionBuilder, i32, type Local, select, type Value } from '../assembler/index.ts'
import { minNumbers } from './row-loop.ts'
import type { WasmBackend } from '../wasm-backend.ts'
import type { WasmFunction } from '../webassembly.ts'

/** Maximum of numbers that a call changes: with their results they fit the second cache. */
const pieceNumbers = 16384
/** Number of calls for each thread whose results have room at a time. */
const callsPerThread = 8
/** Bytes of the note before the results of a call. */
const noteBytes = 64

/**
 * Calls a kernel for `count` numbers of each of `targets` arrays, in place where no other thread is needed.
 *
 * @param kernel Written with `writeInPlace`.
 * @param args The arguments for `many` numbers from `first` on; `room` is the address for their results, 0
 *   for none.
 */
export function runInPlace(
  backend: WasmBackend,
  kernel: WasmFunction,
  count: number,
  targets: number,
  args: (first: number, many: number, room: number) => readonly number[],
): void {
  if (backend.threads === 1 || count < 2 * minNumbers) {
    if (count > 0) kernel(...args(0, count, 0))
    return
  }
  const share = Math.ceil(count / (2 * backend.threads))
  const piece = Math.min(pieceNumbers, Math.max(minNumbers, share))
  const pieces = Math.ceil(count / piece)
  const most = Math.min(pieces, callsPerThread * backend.threads)
  const roomBytes = noteBytes + 4 * targets * piece
  backend.scratch(most * roomBytes, 'results of a step', (rooms) => {
    for (let from = 0; from < pieces; from += most) {
      const calls = Array.from({ length: Math.min(most, pieces - from) }, (_, i) => {
        const first = (from + i) * piece
        const room = rooms + i * roomBytes
        backend.zero(room, noteBytes)
        return args(first, Math.min(piece, count - first), room)
      })
      backend.runAll(kernel, calls, true)
    }
  })
}

/**
 * Writes the body of a kernel that changes arrays in place.
 *
 * @param room The argument of that name.
 * @param bytes Size of each array.
 * @param compute Writes the results to the addresses it is given.
 */
export function writeInPlace(
  b: FunctionBuilder,
  room: Local<'i32'>,
  bytes: Value<'i32'>,
  targets: readonly Value<'i32'>[],
  compute: (to: readonly Value<'i32'>[]) => void,
): void {
  const rooms = targets.map((_, i) => i32.add(i32.add(room, noteBytes), i32.mul(bytes, i)))
  const to = rooms.map((place, i) => b.let(select(room, place, targets[i])))
  const isComplete = b.local('i32', 0)
  b.if(room, () => b.set(isComplete, i32.load(room)))
  b.if(i32.eqz(isComplete), () => compute(to))
  b.if(room, () => {
    b.store(room, i32.const(1))
    for (const [i, target] of targets.entries()) b.copy(target, to[i], bytes)
  })
}
