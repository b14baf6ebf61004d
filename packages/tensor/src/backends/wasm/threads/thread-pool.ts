/** The caller's side of the threads: writes tasks on the board, takes its share of them, and waits for the rest. */
import { InternalError } from '../../../errors.ts'
import type { WasmFunction, WasmMemory } from '../webassembly.ts'
import type { WorkerStart } from './serve-tasks.ts'
import { startWorker } from './start-worker.ts'
import { board, word } from './task-board.ts'

/** A function that tasks may call, as the other threads know it. */
export interface SharedFunction {
  /** Number of its module. */
  readonly module: number
  /** Its place among the module's exports. */
  readonly index: number
  /** Where the module's code lies in the shared memory. */
  readonly address: number
  readonly size: number
}

/** Bytes that a pool needs at an address which no allocator gives out. */
export const poolBytes = board.codeAt + board.codeBytes

/** Looks at the board before sleeping: about 100 µs, for waking a sleeper takes as long on some machines. */
const looks = 2000

const ended = new FinalizationRegistry<Int32Array>((words) => {
  Atomics.store(words, word.closed, 1)
  Atomics.add(words, word.round, 1)
  Atomics.notify(words, word.round)
})

export class ThreadPool {
  /** Arguments of a call at most. */
  static readonly mostArguments = board.arguments
  readonly #start: WorkerStart
  readonly #others: number
  readonly #words: Int32Array
  readonly #tasks: Int32Array
  readonly #numbers: Float64Array
  #codeTop: number
  #modules = 0
  #started = false
  #maySleep = true

  /**
   * @param memory Shared.
   * @param at Address of `poolBytes` bytes, within the initial size of the memory.
   * @param threads At least 2; the caller is one of them. The others start with the first batch.
   */
  constructor(memory: WasmMemory, at: number, threads: number) {
    this.#start = { memory, at, word, board, looks }
    this.#others = threads - 1
    this.#words = new Int32Array(memory.buffer, at, 16)
    this.#tasks = new Int32Array(memory.buffer, at + board.tasksAt, (board.taskBytes / 4) * board.capacity)
    this.#numbers = new Float64Array(this.#tasks.buffer, this.#tasks.byteOffset, this.#tasks.length / 2)
    this.#codeTop = at + board.codeAt
    ended.register(this, this.#words)
  }

  /** Puts a module's code where the threads find it; `undefined` when there is no more room for code. */
  share(code: Uint8Array): Omit<SharedFunction, 'index'> | undefined {
    const address = this.#codeTop
    if (address + code.length > this.#start.at + poolBytes) return undefined
    new Uint8Array(this.#words.buffer, address, code.length).set(code)
    this.#codeTop += code.length
    return { module: this.#modules++, address, size: code.length }
  }

  /** Calls `own`, which the others know as `shared`, with every list of arguments. Returns when all are done. */
  runAll(own: WasmFunction, shared: SharedFunction, calls: readonly (readonly number[])[]): void {
    if (!this.#started) this.#startOthers()
    for (let first = 0; first < calls.length; first += board.capacity) {
      this.#runBatch(own, shared, calls.slice(first, first + board.capacity))
    }
  }

  #startOthers(): void {
    this.#started = true
    for (let i = 0; i < this.#others; i++) startWorker(this.#start)
  }

  #runBatch(own: WasmFunction, shared: SharedFunction, calls: readonly (readonly number[])[]): void {
    const words = this.#words
    // Taken from the end of the list, so it is written in reverse: the first call is the first to be taken.
    const count = calls.length
    for (let i = 0; i < count; i++) this.#write(count - 1 - i, shared, calls[i])
    Atomics.store(words, word.failed, 0)
    Atomics.store(words, word.done, 0)
    Atomics.store(words, word.open, count)
    Atomics.add(words, word.round, 1)
    Atomics.notify(words, word.round)
    let mistake: { error: unknown } | undefined
    for (let task = Atomics.sub(words, word.open, 1); task > 0; task = Atomics.sub(words, word.open, 1)) {
      try {
        own(...calls[count - task])
      } catch (error) {
        mistake = { error }
      }
      Atomics.add(words, word.done, 1)
    }
    this.#wait(count)
    if (mistake) throw mistake.error
    if (Atomics.load(words, word.failed) > 0)
      throw new InternalError('wasm: a kernel failed on another thread.')
  }

  #write(task: number, shared: SharedFunction, args: readonly number[]): void {
    const start = (task * board.taskBytes) / 4
    this.#tasks[start] = shared.module
    this.#tasks[start + 1] = shared.index
    this.#tasks[start + 2] = shared.address
    this.#tasks[start + 3] = shared.size
    this.#tasks[start + 4] = args.length
    this.#numbers.set(args, start / 2 + board.argumentsAt)
  }

  /** Looks for a while, then sleeps, except on the main thread of a browser, which must not. */
  #wait(count: number): void {
    const words = this.#words
    for (let look = 0; ; look++) {
      const done = Atomics.load(words, word.done)
      if (done === count) return
      if (look < looks) pause()
      else if (this.#maySleep) this.#sleep(done)
    }
  }

  #sleep(done: number): void {
    try {
      Atomics.wait(this.#words, word.done, done)
    } catch {
      this.#maySleep = false
    }
  }
}

const pause = (Atomics as { pause?: () => void }).pause ?? ((): void => {})
