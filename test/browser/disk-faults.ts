/** Holds any disk to what `Disk` promises, in Node and in a page. */
import { type Disk, LockedError } from 'burgeon/gpt'

const bytesOf = (count: number, from: number): Uint8Array =>
  Uint8Array.from({ length: count }, (_, i) => (i * 7 + from) % 256)
const isSame = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, i) => byte === b[i])
const rejects = async (work: Promise<unknown>): Promise<Error | undefined> => {
  try {
    await work
    return undefined
  } catch (error) {
    return error as Error
  }
}

type Test = (disk: Disk, other: Disk) => Promise<boolean>

/** What a disk promises of files. */
const ofFiles: Readonly<Record<string, Test>> = {
  'a folder that does not exist holds no files': async (disk) => (await disk.list()).length === 0,
  'to remove what is not there is to do nothing': async (disk) => {
    await disk.remove('nothing')
    return true
  },
  'what is not there cannot be read': async (disk) => (await rejects(disk.read('nothing'))) !== undefined,
  'what is written is read, by every disk of the folder': async (disk, other) => {
    for (const count of [70_000, 0, 3]) {
      await disk.write('a', bytesOf(count, 1))
      if (!isSame(await disk.read('a'), bytesOf(count, 1))) return false
      if (!isSame(await other.read('a'), bytesOf(count, 1))) return false
    }
    return true
  },
  'what was read is nobody else’s': async (disk) => {
    await disk.write('a', bytesOf(9, 1))
    ;(await disk.read('a')).fill(0)
    return isSame(await disk.read('a'), bytesOf(9, 1))
  },
  'a file is created once': async (disk) => {
    await disk.create('b', bytesOf(5, 2))
    const refused = await rejects(disk.create('b', bytesOf(6, 3)))
    return refused !== undefined && isSame(await disk.read('b'), bytesOf(5, 2))
  },
  'what is appended is behind what was there, or the first of a new file': async (disk, other) => {
    await disk.append('c', bytesOf(6, 1))
    await disk.append('c', new Uint8Array(0))
    await other.append('c', bytesOf(70_000, 2))
    await disk.append('c', bytesOf(3, 3))
    return isSame(
      await other.read('c'),
      Uint8Array.from([...bytesOf(6, 1), ...bytesOf(70_000, 2), ...bytesOf(3, 3)]),
    )
  },
  'a file that is renamed takes the place of another': async (disk) => {
    await disk.write('c', bytesOf(8, 4))
    await disk.rename('c', 'b')
    await disk.sync()
    return isSame(await disk.read('b'), bytesOf(8, 4)) && (await disk.list()).toSorted().join() === 'a,b'
  },
  'a file that is removed is gone': async (disk, other) => {
    await disk.remove('a')
    return (await other.list()).join() === 'b' && (await rejects(disk.read('a'))) !== undefined
  },
}

const isRefused = async (work: Promise<unknown>): Promise<boolean> =>
  (await rejects(work)) instanceof LockedError

/** Whether `waits` is not granted before `first`, which holds the folder now, lets go of it. */
async function takeTurns(disk: Disk, first: Disk, waits: 'save' | 'session'): Promise<boolean> {
  const lock = await first.lock('save')
  let isGranted = false
  const second = disk.lock(waits).then((granted) => {
    isGranted = true
    return granted
  })
  for (let i = 0; i < 20; i++) await disk.list()
  const wasGranted = isGranted
  await lock.release()
  await (await second).release()
  return !wasGranted
}

/** What a disk promises of locks. */
const ofLocks: Readonly<Record<string, Test>> = {
  'saves take turns, on one disk and on two': async (disk, other) =>
    (await takeTurns(disk, disk, 'save')) && takeTurns(disk, other, 'save'),
  'a session waits for a save': (disk, other) => takeTurns(disk, other, 'session'),
  'a session keeps others out and is not in its own way': async (disk, other) => {
    const session = await disk.lock('session')
    const kept = (await isRefused(other.lock('save'))) && (await isRefused(other.lock('session')))
    const again = await isRefused(disk.lock('session'))
    const save = await disk.lock('save')
    const isHeld = (await save.isHeld()) && (await session.isHeld())
    await save.release()
    await session.release()
    await session.release()
    const after = await other.lock('session')
    const isLost = !(await session.isHeld())
    await after.release()
    return kept && again && isHeld && isLost
  },
  'no two locks have one token': async (disk, other) => {
    const tokens = new Set<string>()
    for (const each of [disk, other, disk]) {
      const lock = await each.lock('save')
      if (/^[0-9a-z-]+$/.test(lock.token)) tokens.add(lock.token)
      await lock.release()
    }
    return tokens.size === 3
  },
}

/**
 * The promises that disks of one folder, which does not exist yet, break.
 *
 * @param open Another disk of the same folder at each call.
 * @param locks Whether its locks are for more than one disk.
 */
export async function diskFaults(open: () => Disk, { locks }: { locks: boolean }): Promise<string[]> {
  const [disk, other] = [open(), open()]
  const faults: string[] = []
  for (const [promise, test] of Object.entries({ ...ofFiles, ...(locks ? ofLocks : {}) })) {
    let holds: boolean | Error
    try {
      holds = await test(disk, other)
    } catch (error) {
      holds = error as Error
    }
    if (holds !== true) faults.push(`${promise}: ${holds === false ? 'no' : String(holds)}`)
  }
  return faults
}
