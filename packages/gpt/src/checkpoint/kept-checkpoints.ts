/**
 * Checkpoints that later ones do not take the place of: the chain of a life.
 *
 * A kept checkpoint is the manifest it had under another name, `kept-000012.json`, and the files it had all
 * along; nothing large is copied, and saving leaves them alone. Whoever wants the room back removes the
 * manifest: the next save removes what belonged to it.
 */
import { checkArgument, checks, OptionError } from '@burgeon/tensor'
import { checkDisk, checkWhich } from './check-arguments.ts'
import { hasCheckpoint, readFile, withManifest } from './checkpoint.ts'
import type { Disk, DiskLock } from './disk.ts'
import { abandonFiles, announceFiles, ownedFiles, removeLeftovers, writeManifest } from './folder.ts'
import {
  CheckpointError,
  filesOf,
  keptName,
  keptSequences,
  type Manifest,
  manifestName,
  nameOf,
  parseManifest,
  readManifest,
  type WhichCheckpoint,
} from './manifest.ts'

/**
 * Keeps the present checkpoint of a folder. To do so twice is to do so once.
 *
 * Like saving it is indivisible: whatever happens in between, the present checkpoint stays whole, and all
 * that were kept before.
 *
 * @returns The number by which it is known from now on.
 * @throws CheckpointError if there is none, or its manifest is damaged; LockedError if another process holds
 *   the folder.
 */
export async function keepCheckpoint(disk: Disk): Promise<number> {
  checkDisk('keepCheckpoint', 'disk', disk)
  const lock = await disk.lock('save')
  try {
    const { sequence } = await readManifest(disk)
    await writeManifest(disk, lock, keptName(sequence), await disk.read(manifestName))
    return sequence
  } finally {
    await lock.release()
  }
}

/** The numbers of all checkpoints that are kept in a folder, oldest first. */
export async function keptCheckpoints(disk: Disk): Promise<readonly number[]> {
  checkDisk('keptCheckpoints', 'disk', disk)
  return keptSequences(await disk.list())
}

/** Lets go of a checkpoint that was kept, if there is such a one; the next save gives its room back. */
export async function forgetCheckpoint(disk: Disk, kept: number): Promise<void> {
  checkDisk('forgetCheckpoint', 'disk', disk)
  checkArgument('forgetCheckpoint', 'kept', kept, checks.integer({ from: 0 }))
  await disk.remove(keptName(kept))
}

/**
 * Makes a checkpoint the present one of another folder, byte for byte.
 *
 * @param which One that was kept; the present one of `from` unless given.
 * @throws CheckpointError if there is no such checkpoint or a file of it is missing or damaged, OptionError
 *   if the other folder holds a checkpoint, or one that was kept, or a file of a name that the checkpoint
 *   uses: nothing is written then.
 */
export async function restoreCheckpoint(from: Disk, to: Disk, which: WhichCheckpoint = {}): Promise<void> {
  checkDisk('restoreCheckpoint', 'from', from)
  checkDisk('restoreCheckpoint', 'to', to)
  checkWhich('restoreCheckpoint', which)
  // Files of a kept one may have the names of those that are to be written.
  if ((await hasCheckpoint(to)) || (await keptCheckpoints(to)).length > 0) {
    throw new OptionError(
      `restoreCheckpoint: got ${to.place}, which holds a checkpoint already; expected a folder without one.`,
    )
  }
  await withManifest(from, which, async (manifest) => {
    // All is read before anything is written, so that a damaged one leaves nothing behind; each file once
    // more when it is its turn.
    for (const file of filesOf(manifest)) await readFile(from, file)
    const lock = await to.lock('save')
    try {
      await copy(from, to, lock, { manifest, which })
    } finally {
      await lock.release()
    }
  })
}

async function copy(
  from: Disk,
  to: Disk,
  lock: DiskLock,
  { manifest, which }: { manifest: Manifest; which: WhichCheckpoint },
): Promise<void> {
  for (const left of await ownedFiles(to, await to.list(), undefined)) await to.remove(left)
  const files = filesOf(manifest)
  const names = files.map(({ file }) => file)
  const used = new Set([...names, ...(manifest.owned ?? [])])
  const foreign = (await to.list()).find((name) => used.has(name))
  if (foreign !== undefined) {
    throw new OptionError(
      `restoreCheckpoint: got ${to.place}, which holds ${foreign}, a name that the checkpoint uses; expected a folder without it.`,
    )
  }
  await announceFiles(to, lock, names)
  try {
    for (const file of files) await to.create(file.file, await readFile(from, file))
    const name = nameOf(which)
    const bytes = await from.read(name)
    if ((await parseManifest(from.place, name, bytes)).sha256 !== manifest.sha256) {
      throw new CheckpointError(`${from.place}: another save replaced the checkpoint while it was copied.`)
    }
    await writeManifest(to, lock, manifestName, bytes)
  } catch (error) {
    await abandonFiles(to, lock, manifest.sequence, names)
    throw error
  }
  await removeLeftovers(to, manifest)
}
