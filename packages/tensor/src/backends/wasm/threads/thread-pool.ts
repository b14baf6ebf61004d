/**
 * The caller's side of the threads: writes tasks on the board, takes its share of them, and waits for the
 * rest.
 */
import type { WasmFunction, WasmMemory } from '../webassembly.ts'
import { lostWorker } from './lost-worker.ts'
import { type StartedWorker, startWorker } from './start-worker.ts'
import { board, state, word } from './task-board.ts'

/** A function that tasks may call, as the other threads know it. */
export interface SharedFunction {
  /** Number of its module. */
  readonly module: number
  /** Its index among the module's exports. */
  readonly index: number
  /** The address of the module's code in the shared memory. */
  readonly address: number
  readonly size: number
}

/** The function and the argument lists of one batch. */
interface Batch {
  readonly own: WasmFunction
  readonly calls: readonly (readonly number[])[]
  readonly mayRepeat: boolean
}

/** Bytes that a pool needs at an address which the allocator never returns. */
export const poolBytes = board.codeAt + board.codeBytes

/**
 * How often to read the board before sleeping: about 100 µs, because waking a thread takes as long on some
 * machines.
 */
const looks = 2000
/** Milliseconds of sleep after which the caller first checks whether a worker still runs. */
const firstDoubt = 250

const ended = new FinalizationRegistry<Int32Array>((words) => {
  Atomics.store(words, word.closed, 1)
  Atomics.add(words, word.round, 1)
  Atomics.notify(words, word.round)
})

export class ThreadPool {
  /** Maximum number of arguments of a call. */
  static readonly maxArguments = board.arguments
  readonly #memory: WasmMemory
  readonly #at: number
  readonly #others: number
  readonly #words: Int32Array
  readonly #states: Int32Array
  readonly #tasks: Int32Array
  readonly #numbers: Float64Array
  /** The workers by the name under which they claim tasks, which begins at 1. */
  #workers: readonly (StartedWorker | undefined)[] | undefined
  #codeTop: number
  #modules = 0
  #maySleep = true

  /**
   * @param memory Must be shared.
   * @param at Address of `poolBytes` bytes, within the initial size of the memory.
   * @param threads At least 2; the caller is one of them. The others start with the first batch.
   */
  constructor(memory: WasmMemory, at: number, threads: number) {
    this.#memory = memory
    this.#at = at
    this.#others = threads - 1
    this.#words = new Int32Array(memory.buffer, at, 16)
    this.#states = new Int32Array(memory.buffer, at + board.statesAt, board.capacity)
    this.#tasks = new Int32Array(memory.buffer, at + board.tasksAt, (board.taskBytes / 4) * board.capacity)
    this.#numbers = new Float64Array(this.#tasks.buffer, this.#tasks.byteOffset, this.#tasks.length / 2)
    this.#codeTop = at + board.codeAt
    ended.register(this, this.#words)
  }

  /** Copies a module's code to where the threads find it; `undefined` when there is no more room for code. */
  share(code: Uint8Array): Omit<SharedFunction, 'index'> | undefined {
    const address = this.#codeTop
    if (address + code.length > this.#at + poolBytes) return undefined
    new Uint8Array(this.#words.buffer, address, code.length).set(code)
    this.#codeTop += code.length
    return { module: this.#modules++, address, size: code.length }
  }

  /**
   * Calls `own`, which the others know as `shared`, with every list of arguments. Returns when all are done.
   *
   * @param mayRepeat Whether a call that broke off may be made again. If so, the caller repeats the calls of
   *   a worker that has ended.
   * @throws `lostWorker` if a call may not be repeated and its worker has ended; the other calls have been
   *   made then.
   */
  runAll(
    own: WasmFunction,
    shared: SharedFunction,
    calls: readonly (readonly number[])[],
    mayRepeat = false,
  ): void {
    this.#workers ??= Array.from({ length: this.#others }, (_, i) =>
      startWorker([this.#memory, this.#at, looks, i + 1]),
    )
    for (let first = 0; first < calls.length; first += board.capacity) {
      this.#runBatch({ own, calls: calls.slice(first, first + board.capacity), mayRepeat }, shared)
    }
  }

  #runBatch(batch: Batch, shared: SharedFunction): void {
    const words = this.#words
    const count = batch.calls.length
    for (let task = 0; task < count; task++) {
      this.#write(task, shared, batch.calls[callOf(batch, task)])
      Atomics.store(this.#states, task, state.open)
    }
    Atomics.store(words, word.open, count)
    Atomics.add(words, word.round, 1)
    Atomics.notify(words, word.round)
    const mistakes: unknown[] = []
    const take = (task: number): void => {
      if (Atomics.compareExchange(this.#states, task, state.open, state.caller) !== state.open) return
      try {
        this.#perform(batch, task)
      } catch (error) {
        mistakes.push(error)
      }
    }
    for (let task = this.#nextTask(); task >= 0; task = this.#nextTask()) take(task)
    // A worker that has asked for a number may have ended before it claimed the task.
    for (let task = 0; task < count; task++) take(task)
    const lost = this.#wait(count)
    for (const mistake of mistakes) throw mistake
    if (lost.length > 0 && !batch.mayRepeat) throw lostWorker
    for (const task of lost) this.#perform(batch, task)
  }

  #nextTask(): number {
    return Atomics.sub(this.#words, word.open, 1) - 1
  }

  #perform(batch: Batch, task: number): void {
    try {
      batch.own(...batch.calls[callOf(batch, task)])
    } finally {
      Atomics.store(this.#states, task, state.done)
    }
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

  /** Waits until no worker has a task any more. Returns the tasks that are not done. */
  #wait(count: number): readonly number[] {
    const lost: number[] = []
    for (let task = 0; task < count; task++) {
      if (this.#outcome(task) === state.done) continue
      Atomics.store(this.#states, task, state.done)
      lost.push(task)
    }
    return lost
  }

  /** Reads the board for a while, then sleeps, except on the main thread of a browser, which must not. */
  #outcome(task: number): number {
    let doubt = firstDoubt
    for (let look = 0; ; look++) {
      const left = Atomics.load(this.#words, word.left)
      const now = Atomics.load(this.#states, task)
      if (now <= 0) return now
      if (look < looks) pause()
      else if (this.#maySleep && this.#sleep(left, doubt) === 'timed-out') {
        if (this.#workers?.[now - 1]?.hasEnded() === true && Atomics.load(this.#states, task) === now) {
          return state.failed
        }
        doubt *= 2
      }
    }
  }

  #sleep(left: number, milliseconds: number): string {
    try {
      return Atomics.wait(this.#words, word.left, left, milliseconds)
    } catch {
      this.#maySleep = false
      return 'not allowed'
    }
  }
}

/** Tasks are taken from the end of the list, so it is in reverse: the first call is taken first. */
const callOf = ({ calls }: Batch, task: number): number => calls.length - 1 - task

const pause = (Atomics as { pause?: () => void }).pause ?? ((): void => {})
