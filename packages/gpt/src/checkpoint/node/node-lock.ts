/**
 * The lock of a folder, with Node: a file that names its owner.
 *
 * A lock is left behind when its owner was killed. It is taken over once the owner is known to be dead. Of an
 * owner that cannot be asked (another machine or container), or a lock that cannot be read, the sign of life
 * is that the file changes: an owner touches it every few seconds.
 */
import { randomUUID } from 'node:crypto'
import { mkdir, open, readFile, rename, rm, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { type DiskLock, LockedError, type LockPurpose } from '../disk.ts'
import { isRunning, type ProcessIdentity, thisProcess } from './process-identity.ts'

const lockName = 'checkpoint.lock'

/** Milliseconds between two signs of life of an owner. */
const touchEvery = 5000
/** Milliseconds between two looks at a lock that somebody else holds. */
const lookEvery = 50
/** Milliseconds without a sign of life after which an owner that cannot be asked counts as dead. */
const patience = 60_000
/** The same for a file that names no owner: its writer died between creating and filling it. */
const patienceWithNobody = 5000
/** Milliseconds that one save waits for others. */
const longestWait = 300_000

interface LockFile {
  readonly token: string
  readonly purpose: LockPurpose
  readonly owner: ProcessIdentity
}

/** Tokens of the locks that this thread holds. */
const held = new Set<string>()

/**
 * Takes the lock of a folder, which is made if it is not there; waits for saves of others.
 *
 * @throws LockedError if another holds it for a session, or does not let go of it within five minutes.
 */
export async function takeLockFile(place: string, purpose: LockPurpose): Promise<DiskLock> {
  await mkdir(place, { recursive: true })
  const path = join(place, lockName)
  const own: LockFile = { token: randomUUID(), purpose, owner: thisProcess() }
  const text = JSON.stringify(own)
  // It counts as held from before it can be seen.
  held.add(own.token)
  let [seen, unchanged] = ['', 0]
  try {
    for (let waited = 0; !(await createFile(path, text)); waited += lookEvery) {
      const found = await look(path)
      if (found === undefined) continue
      unchanged = found.signs === seen ? unchanged + lookEvery : 0
      // The first look shows whether the owner can be asked, the second whether the file changes.
      const alive = isAlive(found.lock, unchanged, seen !== '' && unchanged === 0)
      seen = found.signs
      if (alive === false) {
        // A second look: it may have been let go of between the first and the verdict.
        if ((await look(path))?.text === found.text) await removeStale(path, found.text)
        continue
      }
      const isForLong = found.lock?.purpose === 'session' && alive === true
      if (isForLong || waited > longestWait) throw new LockedError(messageOf(place, found))
      await new Promise((resolve) => setTimeout(resolve, lookEvery))
    }
  } catch (error) {
    held.delete(own.token)
    throw error
  }
  const touching = setInterval(() => void touch(path), touchEvery)
  touching.unref()
  const isHeld = async (): Promise<boolean> => (await look(path))?.text === text
  return {
    token: own.token,
    isHeld,
    async release() {
      clearInterval(touching)
      try {
        if (held.has(own.token) && (await isHeld())) await rm(path, { force: true })
      } catch {
        // The file names a lock that this process no longer holds, and is taken over as such.
      }
      // Not before: a file whose token is not held is taken for one that was left behind.
      held.delete(own.token)
    },
  }
}

/** Returns whether a lock's owner lives; undefined as long as nobody knows. */
function isAlive(lock: LockFile | undefined, unchanged: number, hasChanged: boolean): boolean | undefined {
  if (lock === undefined) return unchanged < patienceWithNobody ? undefined : false
  const running = isRunning(lock.owner)
  if (running === 'this thread') return held.has(lock.token)
  if (running !== undefined) return running
  if (unchanged >= patience) return false
  return hasChanged ? true : undefined
}

function messageOf(place: string, { lock, since }: Found): string {
  const { pid, host } = lock?.owner ?? { pid: '?', host: '?' }
  return (
    `${place}: process ${pid} on ${host} saves checkpoints into this folder (since ${since}). ` +
    'Wait until it has ended, or use another folder.'
  )
}

/** Returns whether it did; false if there is one. */
async function createFile(path: string, text: string): Promise<boolean> {
  try {
    await using file = await open(path, 'wx')
    await file.writeFile(text)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** A lock file, as it was found. */
interface Found {
  readonly text: string
  /** Changes with every sign of life. */
  readonly signs: string
  /** For people: when the lock was taken. */
  readonly since: string
  /** Content of the file, if it can be read. */
  readonly lock: LockFile | undefined
}

/** The lock file at `path`; nothing if there is none. */
async function look(path: string): Promise<Found | undefined> {
  try {
    const [text, { mtimeMs, birthtime }] = await Promise.all([readFile(path, 'utf8'), stat(path)])
    return { text, signs: `${mtimeMs} ${text}`, since: birthtime.toISOString(), lock: parse(text) }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function parse(text: string): LockFile | undefined {
  try {
    const lock = JSON.parse(text) as Partial<LockFile> | null
    return typeof lock?.token === 'string' && typeof lock.owner?.pid === 'number'
      ? (lock as LockFile)
      : undefined
  } catch {
    return undefined
  }
}

/** Removes a lock that was left behind, unless another process has just done so and taken its own. */
async function removeStale(path: string, text: string): Promise<void> {
  const aside = `${path}.${randomUUID()}`
  try {
    await rename(path, aside)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw error
  }
  const taken = await readFile(aside, 'utf8')
  if (taken !== text) await createFile(path, taken)
  await rm(aside, { force: true })
}

async function touch(path: string): Promise<void> {
  const now = performance.timeOrigin / 1000 + performance.now() / 1000
  await utimes(path, now, now).catch(() => {})
}
