/** The life of a worker thread. */
import type { WasmFunction, WasmMemory, WebAssemblyInterface } from '../webassembly.ts'
import type { board, word } from './task-board.ts'

/** What a worker is told when it starts. */
export interface WorkerStart {
  readonly memory: WasmMemory
  /** Address of the board. */
  readonly at: number
  readonly word: typeof word
  readonly board: typeof board
  /** Looks at the board before going to sleep: a futex costs more than a few microseconds of looking. */
  readonly looks: number
}

/**
 * Takes tasks until the board is closed.
 *
 * A worker is started from the source text of this function, so that no bundler needs to find a file: it must not refer to
 * anything outside itself but globals.
 */
export function serveTasks({ memory, at, word, board, looks }: WorkerStart): void {
  const { WebAssembly: wasm } = globalThis as unknown as { WebAssembly: WebAssemblyInterface }
  const words = new Int32Array(memory.buffer, at, 16)
  const tasks = new Int32Array(memory.buffer, at + board.tasksAt, (board.taskBytes / 4) * board.capacity)
  const numbers = new Float64Array(tasks.buffer, tasks.byteOffset, tasks.length / 2)
  const pause = (Atomics as { pause?: () => void }).pause ?? ((): void => {})
  const modules: WasmFunction[][] = []
  const functionsOf = (id: number, address: number, size: number): WasmFunction[] => {
    const code = new Uint8Array(words.buffer, address, size).slice()
    modules[id] = Object.values(new wasm.Instance(new wasm.Module(code), { env: { memory } }).exports)
    return modules[id]
  }
  const perform = (task: number): void => {
    const start = (task * board.taskBytes) / 4
    const [id, index, address, size, count] = tasks.subarray(start, start + 5)
    const first = start / 2 + board.argumentsAt
    const call = (modules[id] ?? functionsOf(id, address, size))[index]
    call(...numbers.subarray(first, first + count))
  }
  Atomics.add(words, word.present, 1)
  for (;;) {
    const round = Atomics.load(words, word.round)
    if (Atomics.load(words, word.closed) !== 0) return
    let task = Atomics.sub(words, word.open, 1)
    while (task > 0) {
      try {
        perform(task - 1)
      } catch {
        Atomics.add(words, word.failed, 1)
      }
      Atomics.add(words, word.done, 1)
      Atomics.notify(words, word.done)
      task = Atomics.sub(words, word.open, 1)
    }
    for (let look = 0; look < looks && Atomics.load(words, word.round) === round; look++) pause()
    Atomics.wait(words, word.round, round)
  }
}
