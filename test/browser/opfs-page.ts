/** Runs in the browser, in a page and in its worker: checkpoints in the origin private file system. */
import { opfsDisk } from '@burgeon/gpt/browser'
import { type Disk, readCheckpoint, writeCheckpoint } from 'burgeon/gpt'
import { diskFaults } from './disk-faults.ts'

const size = 50_000

/** Different in every place for every `age`, and large enough that a save takes a while. */
const partsOf = (age: number): Record<string, unknown> => ({
  model: { weights: { 'a.weight': { shape: [size], data: new Float32Array(size).fill(age) } } },
  learner: { step: age, seen: new Int32Array(300).fill(age) },
})

/** What of `Disk` a folder that does not exist yet breaks. */
export const faults = (folder: string): Promise<string[]> =>
  diskFaults(() => opfsDisk(folder), { locks: true })

/** The age of the checkpoint in the folder, all of whose numbers are of that age. */
export async function ageIn(folder: string): Promise<number> {
  const { model, learner } = (await readCheckpoint(opfsDisk(folder))) as {
    model: { weights: Record<string, { data: Float32Array }> }
    learner: { step: number; seen: Int32Array }
  }
  const { step, seen } = learner
  const { data } = model.weights['a.weight']
  if (
    data.length !== size ||
    data.some((number) => number !== step) ||
    seen.some((number) => number !== step)
  ) {
    throw new Error(`the checkpoint of step ${step} holds other numbers`)
  }
  return step
}

export const namesIn = async (folder: string): Promise<string[]> => (await opfsDisk(folder).list()).toSorted()

/** The folder itself, without the disk. */
async function rawFolder(folder: string): Promise<Directory> {
  const { navigator } = globalThis as unknown as {
    navigator: { storage: { getDirectory(): Promise<Directory> } }
  }
  let at = await navigator.storage.getDirectory()
  for (const name of folder.split('/')) at = await at.getDirectoryHandle(name, { create: true })
  return at
}
interface Directory {
  getDirectoryHandle(name: string, options: object): Promise<Directory>
  getFileHandle(name: string, options: object): Promise<unknown>
  keys(): AsyncIterable<string>
}

/** Everything in the folder, also what the disk does not show. */
export async function entriesIn(folder: string): Promise<string[]> {
  const names: string[] = []
  for await (const name of (await rawFolder(folder)).keys()) names.push(name)
  return names.toSorted()
}

/** What the disk lists beside a copy that a browser left, and what is there once the file is removed. */
export async function besideCopy(folder: string): Promise<readonly (readonly string[])[]> {
  const found = await rawFolder(folder)
  for (const name of ['a', 'a.crswap', 'b']) await found.getFileHandle(name, { create: true })
  const listed = await namesIn(folder)
  await opfsDisk(folder).remove('a')
  return [listed, await entriesIn(folder)]
}

/**
 * Reads a file that is replaced each time its content is asked for, so many times; returns its first byte, or
 * the error.
 */
export async function readReplaced(folder: string, times: number): Promise<number | string> {
  const disk = opfsDisk(folder)
  const { prototype } = (
    globalThis as unknown as { Blob: { prototype: { arrayBuffer(): Promise<ArrayBuffer> } } }
  ).Blob
  const { arrayBuffer } = prototype
  await disk.write('a', Uint8Array.of(0))
  let replaced = 0
  prototype.arrayBuffer = async function (this: object) {
    if (replaced < times) await disk.write('a', new Uint8Array(++replaced).fill(replaced))
    return Reflect.apply(arrayBuffer, this, [])
  }
  try {
    return (await disk.read('a'))[0]
  } catch (error) {
    return (error as Error).name
  } finally {
    prototype.arrayBuffer = arrayBuffer
  }
}

/** Removes a file, in a worker, that is let go of while the disk waits for it; returns what is left. */
export async function removeOpen(folder: string): Promise<readonly string[]> {
  const file = (await (await rawFolder(folder)).getFileHandle('a', { create: true })) as {
    createSyncAccessHandle(): Promise<{ close(): void }>
  }
  const open = await file.createSyncAccessHandle()
  const removed = opfsDisk(folder).remove('a')
  for (let i = 0; i < 10; i++) await namesIn(folder)
  open.close()
  await removed
  return namesIn(folder)
}

/** Saves while browser functions of these names are as given; returns the error, if there is one. */
async function saveWith(
  folder: string,
  owner: string,
  changed: Readonly<Record<string, unknown>>,
): Promise<string> {
  const { prototype } = (globalThis as unknown as Record<string, { prototype: object }>)[owner]
  const before = Object.getOwnPropertyDescriptors(prototype)
  for (const [name, value] of Object.entries(changed)) Object.defineProperty(prototype, name, { value })
  try {
    await save(folder, 2)
    return 'saved'
  } catch (error) {
    return String(error)
  } finally {
    for (const name of Object.keys(changed)) Object.defineProperty(prototype, name, before[name])
  }
}

/** Saves in a browser that cannot rename. */
export const saveWithoutMove = (folder: string): Promise<string> =>
  saveWith(folder, 'FileSystemFileHandle', { move: undefined })

/** Saves on a page's own thread in a browser that writes in workers only. */
export const saveWithoutWritable = (folder: string): Promise<string> =>
  saveWith(folder, 'FileSystemFileHandle', { createWritable: undefined })

/** Saves, in a worker, where no call writes more than this share of what it is given. */
export function saveByShares(folder: string, share: number): Promise<string> {
  const { FileSystemSyncAccessHandle: handles } = globalThis as unknown as {
    FileSystemSyncAccessHandle: { prototype: { write(bytes: Uint8Array, options: object): number } }
  }
  const { write } = handles.prototype
  return saveWith(folder, 'FileSystemSyncAccessHandle', {
    write(this: object, bytes: Uint8Array, options: object): number {
      return Reflect.apply(write, this, [bytes.subarray(0, Math.ceil(bytes.length * share)), options])
    },
  })
}

/** Where a save stops for good. */
export interface Stop {
  /** Counted from 0 over the calls of the disk. */
  readonly at: number
  /** `during`: the call has begun, and nobody waits for it. */
  readonly how: 'before' | 'during' | 'after'
}

/** Saves, and returns how many calls of the disk that took, or null once it has stopped. */
export function save(folder: string, age: number, stop?: Stop): Promise<number | null> {
  return new Promise((resolve, reject) => {
    let calls = 0
    const disk = opfsDisk(folder)
    const stopping = new Proxy(disk, {
      get(target, key: keyof Disk) {
        const call = target[key]
        if (typeof call === 'string') return call
        return async (...args: readonly unknown[]): Promise<unknown> => {
          const isLast = calls++ === stop?.at
          const work = isLast && stop?.how === 'before' ? undefined : Reflect.apply(call, target, args)
          if (!isLast) return work
          if (stop?.how === 'after') await work
          resolve(null)
          return new Promise(() => {})
        }
      },
    })
    writeCheckpoint(stopping, partsOf(age)).then(() => resolve(calls), reject)
  })
}

/** Saves ages from `from` on, until the page is closed; `lastSaved` says how far it has come. */
export async function saveOn(folder: string, from: number): Promise<never> {
  for (let age = from; ; age++) {
    await save(folder, age)
    lastSaved = age
  }
}
export let lastSaved = 0

/** Holds the folder for a session until the page is closed. */
export async function hold(folder: string): Promise<void> {
  await opfsDisk(folder).lock('session')
}

/** Reads while others write: the ages that were seen until one was at least `last`. */
export async function watch(folder: string, last: number): Promise<number[]> {
  const seen = new Set<number>()
  while (Math.max(...seen, 0) < last) seen.add(await ageIn(folder))
  return [...seen]
}

/** Has a worker that stays until the page is closed answer a call of these exports. */
export function inWorker(call: string): Promise<unknown> {
  const { Worker, Blob, location } = globalThis as unknown as {
    Worker: new (url: string) => EventTarget
    Blob: new (parts: string[]) => never
    location: { origin: string }
  }
  const program = `
    importScripts('${location.origin}/page.js')
    ;(async () => page.${call})().then(
      (value) => postMessage({ value }),
      (error) => postMessage({ error: String(error) }),
    )`
  const worker = new Worker(URL.createObjectURL(new Blob([program])))
  return new Promise((resolve, reject) => {
    worker.addEventListener('message', (event) => {
      const { value, error } = (event as unknown as { data: { value?: unknown; error?: string } }).data
      if (error === undefined) resolve(value)
      else reject(new Error(error))
    })
    worker.addEventListener('error', reject)
  })
}
