/**
 * Checkpoints: a folder of safetensors files and one JSON manifest that names them. Beside the present
 * checkpoint the folder may hold earlier ones that were kept.
 *
 * Saving creates new files beside the old ones, makes them durable, and then replaces the manifest in one
 * indivisible step; only afterwards are the old files removed. Whatever happens in between, the folder holds
 * one whole checkpoint. Writers take turns by a lock. Readers need none: they look again when what they read
 * has just been replaced.
 */
import {
  arrayFromRaw,
  checkArgument,
  checkOptions,
  checks,
  OptionError,
  rawFromArray,
  readSafetensors,
  writeSafetensors,
} from '@burgeon/tensor'
import { checkDisk, checkWhich } from './check-arguments.ts'
import type { Disk, DiskLock } from './disk.ts'
import { abandonFiles, announceFiles, ownedFiles, removeLeftovers, writeManifest } from './folder.ts'
import {
  CheckpointError,
  filesOfPart,
  format,
  type Manifest,
  type ManifestFile,
  type ManifestPart,
  manifestName,
  partName,
  readManifest,
  sequenceOf,
  sha256,
  sha256OfJson,
  version,
  type WhichCheckpoint,
} from './manifest.ts'
import { PieceJoiner, type Shard, shardsOf } from './shards.ts'
import { rejoin, separate, type StateArray } from './state-tree.ts'

/** How a checkpoint is written. */
export interface WriteCheckpointOptions {
  /**
   * Bytes of tensors that one file holds at most; a larger tensor has a file of its own. 1 GiB unless given.
   */
  readonly fileBytes?: number
  /**
   * Bytes of one tensor that a file holds at most; a larger one is cut. 1 GiB unless given: digests take less
   * than 2 GiB.
   */
  readonly pieceBytes?: number
}

/**
 * Writes a checkpoint in the place of the one before, indivisibly.
 *
 * Nothing else in the folder is touched. When it fails, the checkpoint before stays.
 *
 * @param parts States by name (`model`, `learner`, …); the tensors of each go to safetensors files of that
 *   name. A name is made of lower-case letters.
 * @throws OptionError for another name, StateError for a state that cannot be stored, LockedError if another
 *   process holds the folder.
 */
export async function writeCheckpoint(
  disk: Disk,
  parts: Readonly<Record<string, unknown>>,
  options: WriteCheckpointOptions = {},
): Promise<void> {
  checkDisk('writeCheckpoint', 'disk', disk)
  checkArgument('writeCheckpoint', 'parts', parts, checks.object('states by name'))
  const size = checks.number({ above: 0, infinite: true })
  checkOptions('writeCheckpoint', options, { fileBytes: size, pieceBytes: size })
  const { fileBytes = 2 ** 30, pieceBytes = 2 ** 30 } = options
  const badName = Object.keys(parts).find((name) => !/^[a-z]+$/.test(name))
  if (badName !== undefined) {
    throw new OptionError(
      `writeCheckpoint: got parts with one named "${badName}"; expected names of lower-case letters only.`,
    )
  }
  const planned = Object.entries(parts).map(([name, state]) => {
    const { json, tensors } = separate(state)
    const raw = new Map([...tensors].map(([place, { shape, data }]) => [place, rawFromArray(data, shape)]))
    return { name, state: json, shards: shardsOf(raw, { fileBytes, pieceBytes }) }
  })
  const lock = await disk.lock('save')
  try {
    await save(disk, lock, planned)
  } finally {
    await lock.release()
  }
}

interface PlannedPart {
  readonly name: string
  /** Without its tensors. */
  readonly state: unknown
  /** The tensors, file by file. */
  readonly shards: readonly Shard[]
}

async function save(disk: Disk, lock: DiskLock, planned: readonly PlannedPart[]): Promise<void> {
  const found = await disk.list()
  const before = await manifestIfAny(disk)
  const highest = found.reduce((most, name) => Math.max(most, sequenceOf(name) ?? 0), before?.sequence ?? 0)
  const sequence = highest + 1
  const names = planned.map(({ name, shards }) =>
    shards.map((_, i) => partName(name, sequence, i, shards.length)),
  )
  const owned = [...(await ownedFiles(disk, found, before)), ...names.flat()]
  await announceFiles(disk, lock, names.flat())
  try {
    const written: Record<string, ManifestPart> = {}
    for (const [i, { name, state, shards }] of planned.entries()) {
      const files: ManifestFile[] = []
      for (const [j, shard] of shards.entries()) files.push(await createFile(disk, names[i][j], shard))
      written[name] = files.length === 1 ? { ...files[0], state } : { files, state }
    }
    const content = { format, version, sequence, owned, parts: written }
    const manifest: Manifest = { sha256: await sha256OfJson(content), ...content }
    await writeManifest(disk, lock, manifestName, new TextEncoder().encode(JSON.stringify(manifest)))
    await removeLeftovers(disk, manifest)
  } catch (error) {
    await abandonFiles(disk, lock, sequence, names.flat())
    throw error
  }
}

async function createFile(disk: Disk, file: string, { tensors, metadata }: Shard): Promise<ManifestFile> {
  const bytes = writeSafetensors(tensors, metadata)
  await disk.create(file, bytes)
  return { file, bytes: bytes.length, sha256: await sha256(bytes) }
}

/** A damaged manifest says nothing about files; a folder that cannot be read is another matter. */
async function manifestIfAny(disk: Disk): Promise<Manifest | undefined> {
  try {
    return await readManifest(disk)
  } catch (error) {
    if (error instanceof CheckpointError) return undefined
    throw error
  }
}

/**
 * Reads the checkpoint of a folder.
 *
 * @returns The states by name, as they were given to `writeCheckpoint`.
 * @throws CheckpointError if there is none or a file of it is missing or damaged.
 */
export async function readCheckpoint(
  disk: Disk,
  which: WhichCheckpoint = {},
): Promise<Record<string, unknown>> {
  checkDisk('readCheckpoint', 'disk', disk)
  checkWhich('readCheckpoint', which)
  return withManifest(disk, which, async ({ parts }) => {
    const states: Record<string, unknown> = {}
    for (const [name, part] of Object.entries(parts)) {
      const tensors = new Map<string, { shape: readonly number[]; data: StateArray }>()
      const joiner = new PieceJoiner(disk.place)
      for (const file of filesOfPart(part)) {
        for (const [place, raw] of joiner.take(readSafetensors(await readFile(disk, file)))) {
          tensors.set(place, { shape: raw.shape, data: arrayFromRaw(raw) as StateArray })
        }
      }
      joiner.end()
      states[name] = rejoin({ json: part.state, tensors })
    }
    return states
  })
}

/**
 * Runs `body` on a manifest, and if that fails because another save has replaced it meanwhile, on the new
 * one.
 *
 * @throws CheckpointError as `body` did, if the manifest is still the same: then it is damage.
 */
export async function withManifest<R>(
  disk: Disk,
  which: WhichCheckpoint,
  body: (manifest: Manifest) => Promise<R>,
): Promise<R> {
  let manifest = await readManifest(disk, which)
  for (;;) {
    try {
      return await body(manifest)
    } catch (error) {
      if (!(error instanceof CheckpointError)) throw error
      const now = await readManifest(disk, which)
      if (now.sha256 === manifest.sha256) throw error
      manifest = now
    }
  }
}

/**
 * Reads of a checkpoint what is no tensor, however large the tensors are.
 *
 * @returns The states by name, with names of tensors in the places of tensors.
 * @throws CheckpointError if there is none or its manifest is damaged.
 */
export async function describeCheckpoint(
  disk: Disk,
  which: WhichCheckpoint = {},
): Promise<Record<string, unknown>> {
  checkDisk('describeCheckpoint', 'disk', disk)
  checkWhich('describeCheckpoint', which)
  const { parts } = await readManifest(disk, which)
  const described = Object.entries(parts).map(([name, { state }]) => [
    name,
    rejoin({ json: state, tensors: 'names' }),
  ])
  return Object.fromEntries(described) as Record<string, unknown>
}

/** The bytes of a file of a checkpoint. Throws CheckpointError unless they are those that were saved. */
export async function readFile(
  disk: Disk,
  { file, bytes: size, sha256: digest }: ManifestFile,
): Promise<Uint8Array> {
  const bytes = await disk.read(file).catch((error: unknown) => {
    throw new CheckpointError(
      `${disk.place}: cannot read ${file}, which the checkpoint needs. ${String(error)}`,
    )
  })
  if (bytes.length !== size || (await sha256(bytes)) !== digest) {
    throw new CheckpointError(`${disk.place}: ${file} is damaged; its bytes are not those that were saved.`)
  }
  return bytes
}

/** Whether the folder holds a checkpoint, damaged or not. */
export async function hasCheckpoint(disk: Disk): Promise<boolean> {
  checkDisk('hasCheckpoint', 'disk', disk)
  return (await disk.list()).includes(manifestName)
}
