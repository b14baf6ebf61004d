/**
 * A folder of the origin private file system: files that a browser keeps for the pages of one origin, on the
 * user's machine and out of sight.
 */
import { checkArgument, checks, OptionError, shown, UnsupportedError } from '@burgeon/tensor'
import type { Disk } from '../disk.ts'
import { diskLocks } from '../disk-locks.ts'
import type { BrowserNavigator, DirectoryHandle, FileHandle, WebLocks } from './file-system-interface.ts'
import { takeOpfsLock } from './opfs-lock.ts'
import { readOpfsFile } from './read-opfs-file.ts'
import { untilFree } from './until-free.ts'
import { writeOpfsFile } from './write-opfs-file.ts'

/** How Chromium names a copy that takes a file's place once it is written; a browser that dies leaves it. */
const ofCopies = '.crswap'

/**
 * The folder at `folder` of the page's origin; it is made at the first write.
 *
 * In a worker, files are written through synchronous handles and flushed; on a page's own thread by
 * asynchronous calls. Both see the same files. `rename` is indivisible: whenever a page, a worker or the
 * browser ends, the name stands for the old file or the new one. Whether the names given last survive a power
 * cut is up to the browser: there is nothing that `sync` could call. Locks end with the page or worker that
 * holds them. A browser short of room may drop an origin's files unless `navigator.storage.persist()` was
 * granted.
 *
 * @param folder Names with slashes between them: `models/first`.
 * @throws OptionError for another path, UnsupportedError where there is no such file system: outside of
 *   browsers, and on pages that came neither by HTTPS nor from this machine.
 */
export function opfsDisk(folder: string): Disk {
  checkArgument('opfsDisk', 'folder', folder, checks.text)
  const names = folder.split('/')
  if (names.some((name) => ['', '.', '..'].includes(name))) {
    throw new OptionError(
      `opfsDisk: got the folder ${shown(folder)}; expected names with slashes between them, such as models/first.`,
    )
  }
  const place = `opfs:/${folder}`
  const { root, locks } = browserStorage()
  const open = async (create: boolean): Promise<DirectoryHandle> => {
    let at = await root()
    for (const name of names) at = await at.getDirectoryHandle(name, { create })
    return at
  }
  const file = async (name: string, create = false): Promise<FileHandle> =>
    (await open(create)).getFileHandle(name, { create })
  const write = (name: string, bytes: Uint8Array): Promise<void> =>
    untilFree(async () => writeOpfsFile(await file(name, true), bytes, 'whole'))
  return {
    place,
    read: (name) => readOpfsFile(() => file(name)),
    write,
    async create(name, bytes) {
      if ((await unlessMissing(file(name))) !== undefined) {
        throw new OptionError(`${place}: there is a file ${name} already; expected a new name.`)
      }
      await write(name, bytes)
    },
    append: (name, bytes) => untilFree(async () => writeOpfsFile(await file(name, true), bytes, 'behind')),
    rename: (from, to) =>
      untilFree(async () => {
        const found = await file(from)
        if (found.move === undefined) {
          throw new UnsupportedError('opfsDisk: this browser cannot rename private files; use a newer one.')
        }
        await found.move(to)
      }),
    remove: (name) =>
      untilFree(async () => {
        const found = await unlessMissing(open(false))
        for (const each of [name, name + ofCopies]) await unlessMissing(found?.removeEntry(each))
      }),
    async list() {
      const found = await unlessMissing(open(false))
      const listed: string[] = []
      for await (const [name, { kind }] of found?.entries() ?? []) {
        if (kind === 'file' && !name.endsWith(ofCopies)) listed.push(name)
      }
      return listed
    },
    sync: () => Promise.resolve(),
    lock: diskLocks(place, (purpose) => takeOpfsLock(locks, place, purpose)),
  }
}

interface BrowserStorage {
  root(): Promise<DirectoryHandle>
  readonly locks: WebLocks
}

function browserStorage(): BrowserStorage {
  const { storage, locks } = (globalThis as { navigator?: BrowserNavigator }).navigator ?? {}
  if (storage?.getDirectory === undefined || locks === undefined) {
    throw new UnsupportedError(
      'opfsDisk: there is no origin private file system here; it is in browsers, on pages by HTTPS or from localhost.',
    )
  }
  return { root: () => storage.getDirectory?.() as Promise<DirectoryHandle>, locks }
}

async function unlessMissing<R>(work: Promise<R> | undefined): Promise<R | undefined> {
  try {
    return await work
  } catch (error) {
    if ((error as Error).name === 'NotFoundError') return undefined
    throw error
  }
}
