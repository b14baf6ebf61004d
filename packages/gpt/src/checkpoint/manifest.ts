/** The manifest of a checkpoint: one JSON file that names all others, with their sizes and digests. */
import { BurgeonError, shown } from '@burgeon/tensor'
import type { Disk } from './disk.ts'

/** File name of the present checkpoint's manifest. */
export const manifestName = 'checkpoint.json'
export const format = 'burgeon checkpoint'
export const version = 1

/** One file of a checkpoint. */
export interface ManifestFile {
  readonly file: string
  readonly bytes: number
  readonly sha256: string
}

/** One part of a checkpoint: its state without the tensors, and the file or files that hold these. */
export type ManifestPart = { readonly state: unknown } & (
  | ManifestFile
  | { readonly files: readonly ManifestFile[] }
)

/** The parts of a checkpoint. */
export interface Manifest {
  /** Checksum of everything below, as JSON. */
  readonly sha256: string
  readonly format: string
  readonly version: number
  /** Counts saves, so that file names never repeat. */
  readonly sequence: number
  /**
   * Names of files that this checkpoint and earlier ones of the folder have written and that may still be
   * there. A save removes no others. None in a manifest that an earlier version wrote.
   */
  readonly owned?: readonly string[]
  readonly parts: Readonly<Record<string, ManifestPart>>
}

/** There is no checkpoint, or it is damaged, or a newer burgeon wrote it. */
export class CheckpointError extends BurgeonError {
  override readonly name: string = 'CheckpointError'
}

/** Which checkpoint of a folder is meant. */
export interface WhichCheckpoint {
  /** The number of one that was kept (`keptCheckpoints`); the present one unless given. */
  readonly kept?: number
}

/**
 * Reads the parts of a checkpoint. Throws CheckpointError if there is no such checkpoint, or its manifest is
 * damaged.
 */
export async function readManifest(disk: Disk, which: WhichCheckpoint = {}): Promise<Manifest> {
  const name = nameOf(which)
  if (!(await disk.list()).includes(name)) {
    throw new CheckpointError(`${disk.place}: there is no checkpoint here (no ${name}).`)
  }
  return parseManifest(disk.place, name, await disk.read(name))
}

/** The manifest in these bytes. Throws CheckpointError if they are damaged. */
export async function parseManifest(place: string, name: string, bytes: Uint8Array): Promise<Manifest> {
  let manifest: Partial<Manifest> | null
  try {
    manifest = JSON.parse(new TextDecoder().decode(bytes)) as Partial<Manifest> | null
  } catch (error) {
    throw new CheckpointError(`${place}: ${name} is damaged. ${String(error)}`)
  }
  if (manifest?.format !== format) {
    throw new CheckpointError(`${place}: ${name} is not the manifest of a ${format}.`)
  }
  if (manifest.version !== version) {
    throw new CheckpointError(
      `${place}: this checkpoint has version ${shown(manifest.version)}; this burgeon reads version ${version}.`,
    )
  }
  const { sha256: expected, ...content } = manifest
  if ((await sha256OfJson(content)) !== expected || !isWhole(manifest)) {
    throw new CheckpointError(`${place}: ${name} is damaged; its text is not the one that was saved.`)
  }
  return manifest as Manifest
}

/** The name of a manifest. */
export const nameOf = ({ kept }: WhichCheckpoint): string =>
  kept === undefined ? manifestName : keptName(kept)

/** The files of a part, in the order in which their tensors belong together. */
export function filesOfPart(part: ManifestPart): readonly ManifestFile[] {
  return 'files' in part ? part.files : [{ file: part.file, bytes: part.bytes, sha256: part.sha256 }]
}

/** The files of a checkpoint. */
export function filesOf({ parts }: Pick<Manifest, 'parts'>): readonly ManifestFile[] {
  return Object.values(parts).flatMap(filesOfPart)
}

const isPartFile = (name: unknown): boolean => typeof name === 'string' && partFile.test(name)

function isWhole({ parts, owned = [] }: Partial<Manifest>): boolean {
  if (typeof parts !== 'object' || parts === null || !Array.isArray(owned)) return false
  const files = Object.values(
    parts as Record<string, Partial<ManifestFile & { files: unknown }> | null>,
  ).flatMap((part) =>
    Array.isArray(part?.files) ? (part.files as (Partial<ManifestFile> | null)[]) : [part],
  )
  return (
    owned.every(isPartFile) &&
    files.every((file) => isPartFile(file?.file) && Number.isSafeInteger(file?.bytes))
  )
}

/**
 * `model-000012.safetensors`, or `model-000012-00001-of-00003.safetensors` where a part needs several files.
 */
const partFile = /^[a-z]+-(\d+)(?:-\d+-of-\d+)?\.safetensors$/
const keptFile = /^kept-(\d+)\.json$/
const digits = (number: number, count: number): string => String(number).padStart(count, '0')

/** The name of file `i` of `count` files of a part. */
export function partName(part: string, sequence: number, i: number, count: number): string {
  const shard = count === 1 ? '' : `-${digits(i + 1, 5)}-of-${digits(count, 5)}`
  return `${part}-${digits(sequence, 6)}${shard}.safetensors`
}

/** The number of the save that a file of this name would belong to; none for names of another form. */
export function sequenceOf(name: string): number | undefined {
  const found = Number(partFile.exec(name)?.[1])
  return Number.isSafeInteger(found) ? found : undefined
}

/** The manifest of the checkpoint that was saved with this sequence number, once it is kept. */
export const keptName = (sequence: number): string => `kept-${digits(sequence, 6)}.json`

/**
 * The sequence numbers of the checkpoints that are kept, lowest first. A file of theirs has that number in
 * its name.
 */
export function keptSequences(names: readonly string[]): number[] {
  return names
    .flatMap((name) => keptFile.exec(name)?.[1] ?? [])
    .map(Number)
    .toSorted((a, b) => a - b)
}

/** Parsed JSON is written again as the same text, so the checksum may stand inside the file that it is of. */
export function sha256OfJson(content: unknown): Promise<string> {
  return sha256(new TextEncoder().encode(JSON.stringify(content)))
}

export async function sha256(bytes: Uint8Array): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
