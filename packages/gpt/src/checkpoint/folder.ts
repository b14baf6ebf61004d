/**
 * Order in the folder of a checkpoint: which files are its own, what an interrupted save left behind, and how
 * a manifest takes its place.
 *
 * The rule: a save removes files that a manifest of this checkpoint named, and those that an interrupted save
 * had announced before it created them. Whatever else lies in the folder belongs to the user, whatever its
 * name.
 */
import type { Disk, DiskLock } from './disk.ts'
import {
  CheckpointError,
  filesOf,
  keptSequences,
  type Manifest,
  manifestName,
  readManifest,
  sequenceOf,
} from './manifest.ts'

/** Manifests on their way to their place, and announcements; earlier versions had no token in such names. */
const temporary = /^(?:checkpoint|kept-\d+)\.json\.(?:[0-9a-z-]+\.)?new$/
const announcement = /^checkpoint\.json\.[0-9a-z-]+\.saving$/

/** Puts a manifest in its place in one indivisible step, after all that was written before it. */
export async function writeManifest(
  disk: Disk,
  lock: DiskLock,
  name: string,
  bytes: Uint8Array,
): Promise<void> {
  const waiting = waitingName(name, lock)
  await disk.write(waiting, bytes)
  await disk.sync()
  if (!(await lock.isHeld())) {
    throw new CheckpointError(
      `${disk.place}: another process has taken this folder's lock meanwhile; nothing was saved. Save again.`,
    )
  }
  await disk.rename(waiting, name)
  await disk.sync()
}

const waitingName = (name: string, { token }: DiskLock): string => `${name}.${token}.new`
const announcementName = ({ token }: DiskLock): string => `${manifestName}.${token}.saving`

/**
 * Puts down, durably, which files are about to be created, so that they are known for leftovers if nothing
 * comes of it.
 */
export async function announceFiles(disk: Disk, lock: DiskLock, names: readonly string[]): Promise<void> {
  await disk.create(announcementName(lock), new TextEncoder().encode(JSON.stringify(names)))
  await disk.sync()
}

/**
 * The files among `found` that belong to this checkpoint, to earlier ones or to saves that were interrupted.
 *
 * @param before The present manifest, if there is one that can be read.
 */
export async function ownedFiles(
  disk: Disk,
  found: readonly string[],
  before: Manifest | undefined,
): Promise<readonly string[]> {
  const owned = new Set(before?.owned)
  for (const { file } of before === undefined ? [] : filesOf(before)) owned.add(file)
  for (const name of found.filter((other) => announcement.test(other))) {
    for (const file of await announcedIn(disk, name)) owned.add(file)
  }
  if (before?.owned === undefined) {
    for (const kept of keptSequences(found)) {
      for (const file of await filesOfKept(disk, kept)) owned.add(file)
    }
  }
  return found.filter((name) => owned.has(name))
}

/** An announcement that was cut short announces nothing: files are created only once it is durable. */
async function announcedIn(disk: Disk, name: string): Promise<readonly string[]> {
  const text = new TextDecoder().decode(await disk.read(name))
  try {
    const names = JSON.parse(text) as unknown
    return Array.isArray(names)
      ? names.filter((file) => typeof file === 'string' && sequenceOf(file) !== undefined)
      : []
  } catch {
    return []
  }
}

async function filesOfKept(disk: Disk, kept: number): Promise<readonly string[]> {
  try {
    return filesOf(await readManifest(disk, { kept })).map(({ file }) => file)
  } catch (error) {
    if (error instanceof CheckpointError) return []
    throw error
  }
}

/** Removes what `manifest`, in its place and durable, and the kept ones do not need. */
export async function removeLeftovers(disk: Disk, manifest: Manifest): Promise<void> {
  const names = await disk.list()
  const owned = new Set(manifest.owned)
  const needed = new Set(filesOf(manifest).map(({ file }) => file))
  const kept = new Set(keptSequences(names))
  const isLeft = (name: string): boolean =>
    owned.has(name)
      ? !needed.has(name) && !kept.has(sequenceOf(name) ?? 0)
      : temporary.test(name) || announcement.test(name)
  for (const name of names) if (isLeft(name)) await disk.remove(name)
}

/**
 * Gives back the room of a save that failed, as far as that is possible: a full disk must not stay full
 * because of it.
 *
 * Nothing of any checkpoint is touched, not even of one that has just been replaced, as that may not be
 * durable yet.
 */
export async function abandonFiles(
  disk: Disk,
  lock: DiskLock,
  sequence: number,
  names: readonly string[],
): Promise<void> {
  try {
    const present = (await disk.list()).includes(manifestName) ? await readManifest(disk) : undefined
    if (present?.sequence === sequence) return
    for (const name of [waitingName(manifestName, lock), ...names]) await disk.remove(name)
  } catch {
    // The announcement is still there: the next save does it.
  }
}
