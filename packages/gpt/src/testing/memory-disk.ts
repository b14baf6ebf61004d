/** A disk in memory that can fail at any call and lose power: the adversary of every checkpoint. */
import type { Disk } from '../checkpoint/disk.ts'
import { turns } from '../checkpoint/turns.ts'

/** What goes wrong, and at which call. */
export interface Fault {
  /** Counted from 0 over all calls of the disk, reads included. */
  readonly at: number
  /**
   * `before`: the call does nothing. `torn`: a write or an append leaves half of its bytes; any other call
   * does nothing.
   * `after`: the call does its work, but its caller never learns of it. In each case it rejects.
   */
  readonly how: 'before' | 'torn' | 'after'
  /** `cut`: every later call rejects as well, as if the process had died. `stays`: later calls work. */
  readonly power: 'cut' | 'stays'
}

export interface MemoryDisk extends Disk {
  /** Calls so far. */
  readonly calls: number
  /** The files as the running process sees them. */
  readonly files: ReadonlyMap<string, Uint8Array>
  /** Puts other bytes in a file's place behind the back of whoever uses the disk. */
  damage(name: string, bytes: Uint8Array): void
  /**
   * The disk, in good order, as it is found after a power cut. Contents that were written are there;
   * creations, renames and removals since the last `sync` may be lost, each on its own.
   *
   * @param survives Says of each such change, counted from 0, whether it is kept.
   */
  afterPowerCut(survives: (change: number) => boolean): MemoryDisk
}

/** The storage went away in the middle of a call. */
export class PowerCutError extends Error {
  override readonly name = 'PowerCutError'
}

/** A file's content; names point at it. */
interface Content {
  bytes: Uint8Array
}

type Folder = Map<string, Content>

/** Locks that all disks have given so far: no token is used twice. */
let locks = 0

/** An empty disk, or one that starts with these files. */
export function memoryDisk(fault?: Fault, files: ReadonlyMap<string, Uint8Array> = new Map()): MemoryDisk {
  const now: Folder = new Map([...files].map(([name, bytes]) => [name, { bytes }]))
  const atLastSync: Folder = new Map(now)
  const changes: ((folder: Folder) => void)[] = []
  const turn = turns()
  let calls = 0

  /** Runs a call, or fails it. `half` is what a torn one leaves. */
  const call = <R>(work: () => R, half: () => void = () => {}): Promise<R> => {
    const number = calls++
    if (fault === undefined || number < fault.at || (number > fault.at && fault.power === 'stays')) {
      return Promise.resolve().then(work)
    }
    if (number === fault.at && fault.how === 'torn') half()
    if (number === fault.at && fault.how === 'after') work()
    return Promise.reject(new PowerCutError(`call ${number} of the disk failed (${fault.how})`))
  }
  /** A change of names: at once for the process, for good with the next sync. */
  const change = (edit: (folder: Folder) => void): void => {
    edit(now)
    changes.push(edit)
  }
  const put = (name: string, bytes: Uint8Array): void => {
    const known = now.get(name)
    if (known !== undefined) {
      known.bytes = bytes.slice()
      return
    }
    const content: Content = { bytes: bytes.slice() }
    change((folder) => folder.set(name, content))
  }
  const contentOf = (name: string): Content => {
    const found = now.get(name)
    if (found === undefined) throw new Error(`memory disk: there is no file ${name}`)
    return found
  }
  return {
    place: 'memory',
    get calls() {
      return calls
    },
    get files() {
      return new Map([...now].map(([name, { bytes }]) => [name, bytes]))
    },
    damage(name, bytes) {
      contentOf(name).bytes = bytes.slice()
    },
    afterPowerCut(survives) {
      const found: Folder = new Map(atLastSync)
      changes.forEach((edit, i) => survives(i) && edit(found))
      return memoryDisk(undefined, new Map([...found].map(([name, { bytes }]) => [name, bytes.slice()])))
    },
    read: (name) => call(() => contentOf(name).bytes.slice()),
    write: (name, bytes) =>
      call(
        () => put(name, bytes),
        () => put(name, bytes.subarray(0, bytes.length >> 1)),
      ),
    create: (name, bytes) => {
      const check = (): void => {
        if (now.has(name)) throw new Error(`memory disk: there is a file ${name} already`)
      }
      return call(
        () => {
          check()
          put(name, bytes)
        },
        () => {
          check()
          put(name, bytes.subarray(0, bytes.length >> 1))
        },
      )
    },
    append: (name, bytes) => {
      const behind = (added: Uint8Array): void => {
        const known = now.get(name)?.bytes ?? new Uint8Array(0)
        const all = new Uint8Array(known.length + added.length)
        all.set(known)
        all.set(added, known.length)
        put(name, all)
      }
      return call(
        () => behind(bytes),
        () => behind(bytes.subarray(0, bytes.length >> 1)),
      )
    },
    rename: (from, to) =>
      call(() => {
        const content = contentOf(from)
        change((folder) => folder.delete(from) && folder.set(to, content))
      }),
    remove: (name) => call(() => change((folder) => folder.delete(name))),
    list: () => call(() => [...now.keys()]),
    sync: () =>
      call(() => {
        atLastSync.clear()
        for (const [name, content] of now) atLastSync.set(name, content)
        changes.length = 0
      }),
    // Nobody else has this disk, so there is nobody to lock out but another save of the same process.
    lock: async (purpose) => {
      await call(() => {})
      const end = purpose === 'save' ? await turn() : () => {}
      return {
        token: `${locks++}`,
        isHeld: () => Promise.resolve(true),
        release: () => Promise.resolve(end()),
      }
    },
  }
}
