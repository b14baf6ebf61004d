/**
 * Checkpoints that later ones do not take the place of: the chain of a life.
 *
 * A kept checkpoint is the manifest it had under another name, `kept-000012.json`, and the files it had all along; nothing large is copied,
 * and saving leaves them alone. Whoever wants the room back removes the manifest: the next save removes what belonged to it.
 */
import { OptionError } from '@burgeon/tensor'
import {
  hasCheckpoint,
  keptName,
  keptSequences,
  manifestName,
  readManifest,
  readPart,
  type WhichCheckpoint,
  writeManifest,
} from './checkpoint.ts'
import type { Disk } from './disk.ts'

/**
 * Keeps the present checkpoint of a folder. To do so twice is to do so once.
 *
 * Like saving it is indivisible: whatever happens in between, the present checkpoint stays whole, and all that were kept before.
 *
 * @returns The number by which it is known from now on.
 * @throws CheckpointError if there is none, or its manifest is damaged.
 */
export async function keepCheckpoint(disk: Disk): Promise<number> {
  const { sequence } = await readManifest(disk)
  await writeManifest(disk, keptName(sequence), await disk.read(manifestName))
  return sequence
}

/** The numbers of all checkpoints that are kept in a folder, oldest first. */
export async function keptCheckpoints(disk: Disk): Promise<readonly number[]> {
  return keptSequences(await disk.list())
}

/**
 * Makes a checkpoint the present one of another folder, byte for byte.
 *
 * @param which One that was kept; the present one of `from` unless given.
 * @throws CheckpointError if there is no such checkpoint or a file of it is missing or damaged, OptionError if the other folder holds a
 *   checkpoint, or one that was kept: nothing is written then.
 */
export async function restoreCheckpoint(from: Disk, to: Disk, which: WhichCheckpoint = {}): Promise<void> {
  // Files of a kept one may have the names of those that are to be written.
  if ((await hasCheckpoint(to)) || (await keptCheckpoints(to)).length > 0) {
    throw new OptionError(
      `restoreCheckpoint: got ${to.place}, which holds a checkpoint already; expected a folder without one.`,
    )
  }
  const { parts } = await readManifest(from, which)
  // All is read before anything is written, so that a damaged one leaves nothing behind; each file once more when it is its turn.
  for (const part of Object.values(parts)) await readPart(from, part)
  for (const part of Object.values(parts)) await to.write(part.file, await readPart(from, part))
  const name = which.kept === undefined ? manifestName : keptName(which.kept)
  await writeManifest(to, manifestName, await from.read(name))
}
