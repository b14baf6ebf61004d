/** Starts a worker thread, in Node and in browsers, from the source text of a function. */
import { serveTasks, type WorkerStart } from './serve-tasks.ts'

/** The part of Node's process that is used, where there is one. */
interface NodeProcess {
  getBuiltinModule?(name: 'node:worker_threads'): NodeThreads
  getBuiltinModule?(name: 'node:os'): { availableParallelism(): number }
}

interface NodeThreads {
  readonly Worker: new (source: string, options: { eval: true; workerData: unknown }) => { unref(): void }
}

/** The part of a browser that is used. */
interface BrowserScope {
  readonly Worker?: new (url: string) => { postMessage(message: unknown): void }
  readonly Blob?: new (parts: string[], options: { type: string }) => object
  readonly URL?: { createObjectURL(blob: object): string }
  readonly navigator?: { readonly hardwareConcurrency?: number }
}

const node = (globalThis as { process?: NodeProcess }).process
const browser = globalThis as BrowserScope

/** Threads that this machine runs at once, as far as the JavaScript engine tells. */
export function availableThreads(): number {
  const os = node?.getBuiltinModule?.('node:os')
  return os?.availableParallelism() ?? browser.navigator?.hardwareConcurrency ?? 1
}

/** Starts a thread that serves tasks. Answers false where threads cannot be had; it never keeps a process alive. */
export function startWorker(start: WorkerStart): boolean {
  try {
    const threads = node?.getBuiltinModule?.('node:worker_threads')
    if (threads !== undefined) {
      const source = `(${serveTasks.toString()})(require('node:worker_threads').workerData)`
      new threads.Worker(source, { eval: true, workerData: start }).unref()
      return true
    }
    const { Worker, Blob, URL } = browser
    if (Worker === undefined || Blob === undefined || URL === undefined) return false
    const source = `onmessage = ({ data }) => (${serveTasks.toString()})(data)`
    const worker = new Worker(URL.createObjectURL(new Blob([source], { type: 'text/javascript' })))
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker has no origin to name
    worker.postMessage(start)
    return true
  } catch {
    return false
  }
}
