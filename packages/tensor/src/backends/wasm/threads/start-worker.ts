/** Starts a worker thread, in Node and in browsers. No error of the thread ever reaches the program. */
import type { WasmMemory } from '../webassembly.ts'
import { browserProgram, nodeProgram } from './worker-program.ts'

/** The arguments of a worker's program. A list, because tools that shorten names do not look into text. */
export type WorkerStart = readonly [
  memory: WasmMemory,
  /** Address of the board. */
  at: number,
  /**
   * How often the worker reads the board before it sleeps: a futex costs more than a few microseconds of
   * reading.
   */
  looks: number,
  /** The number by which it claims tasks, from 1. */
  self: number,
]

/** A thread that was started. */
export interface StartedWorker {
  /** Whether the thread certainly runs no more. False where that cannot be known. */
  hasEnded(): boolean
}

interface Emitter {
  on(event: 'error' | 'exit' | 'messageerror', listen: () => void): void
  unref(): void
}

interface NodePort {
  /** In Node: whether the other end still exists. */
  postMessage(message: unknown): boolean | undefined
  unref(): void
}

interface NodeThreads {
  readonly Worker: new (
    source: string,
    options: { eval: true; execArgv: string[]; workerData: unknown; transferList: unknown[] },
  ) => Emitter
  readonly MessageChannel: new () => { readonly port1: NodePort; readonly port2: NodePort }
}

/** The part of Node's process that is used, where there is one. */
interface NodeProcess {
  getBuiltinModule?(name: 'node:worker_threads'): NodeThreads
  getBuiltinModule?(name: 'node:os'): { availableParallelism(): number }
}

interface BrowserWorker {
  addEventListener(event: 'error' | 'messageerror', listen: (event: { preventDefault(): void }) => void): void
  postMessage(message: unknown): void
  terminate(): void
}

/** The part of a browser that is used. */
interface BrowserScope {
  readonly Worker?: new (url: string) => BrowserWorker
  readonly Blob?: new (parts: string[], options: { type: string }) => object
  readonly URL?: { createObjectURL(blob: object): string }
  readonly navigator?: { readonly hardwareConcurrency?: number }
}

/** The process is looked up at each call, because the program may have replaced `Worker`. */
const nodeProcess = (): NodeProcess | undefined => (globalThis as { process?: NodeProcess }).process

/** Number of threads that this machine runs at once, as far as the JavaScript engine says. */
export function availableThreads(): number {
  const os = nodeProcess()?.getBuiltinModule?.('node:os')
  const { navigator } = globalThis as BrowserScope
  return os?.availableParallelism() ?? navigator?.hardwareConcurrency ?? 1
}

/**
 * Starts a thread that serves tasks; `undefined` where that is impossible. It never keeps a process alive.
 */
export function startWorker(start: WorkerStart): StartedWorker | undefined {
  try {
    const threads = nodeProcess()?.getBuiltinModule?.('node:worker_threads')
    return threads === undefined ? startInBrowser(start) : startInNode(threads, start)
  } catch {
    return undefined
  }
}

function startInNode({ Worker, MessageChannel }: NodeThreads, start: WorkerStart): StartedWorker {
  const { port1: port, port2 } = new MessageChannel()
  // The worker starts without the process's own flags: preloaded modules and the module kind of standard
  // input do not apply to it.
  const worker = new Worker(nodeProgram, {
    eval: true,
    execArgv: [],
    workerData: { start, port: port2 },
    transferList: [port2],
  })
  let isGone = false
  const listen = (): void => {
    isGone = true
  }
  worker.on('exit', listen)
  // An `exit` event follows both. Without a listener an error would end the process.
  worker.on('error', () => {})
  worker.on('messageerror', () => {})
  worker.unref()
  port.unref()
  return {
    // Events would have to wait for the caller, who may be waiting for this worker. The port is closed when
    // the thread has stopped.
    hasEnded: () => (isGone ||= port.postMessage(null) === false),
  }
}

function startInBrowser(start: WorkerStart): StartedWorker | undefined {
  const { Worker, Blob, URL } = globalThis as BrowserScope
  if (Worker === undefined || Blob === undefined || URL === undefined) return undefined
  const url = URL.createObjectURL(new Blob([browserProgram], { type: 'text/javascript' }))
  const worker = new Worker(url)
  const ignore = (event: { preventDefault(): void }): void => event.preventDefault()
  worker.addEventListener('error', ignore)
  worker.addEventListener('messageerror', ignore)
  try {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker has no origin to name
    worker.postMessage(start)
  } catch {
    worker.terminate()
    return undefined
  }
  // A page's workers end with the page, or when they have left a task.
  return { hasEnded: () => false }
}
