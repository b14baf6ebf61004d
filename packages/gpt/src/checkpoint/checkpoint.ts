/**
 * Checkpoints: a folder of safetensors files and one JSON manifest that names them. Beside the present checkpoint the folder may hold earlier
 * ones that were kept.
 *
 * Saving writes new files beside the old ones, makes them durable, and then replaces the manifest in one indivisible
 * step; only afterwards are the old files removed. Whatever happens in between, the folder holds one whole checkpoint.
 */
import {
  arrayFromRaw,
  BurgeonError,
  OptionError,
  type RawTensor,
  rawFromArray,
  readSafetensors,
  writeSafetensors,
} from '@burgeon/tensor'
import type { Disk } from './disk.ts'
import { rejoin, separate, type StateArray } from './state-tree.ts'

/** Of the present checkpoint. */
export const manifestName = 'checkpoint.json'
const format = 'burgeon checkpoint'
const version = 1

/** What a checkpoint consists of. */
export interface Manifest {
  /** Of everything below, as JSON. */
  readonly sha256: string
  readonly format: string
  readonly version: number
  /** Counts saves, so that file names never repeat. */
  readonly sequence: number
  readonly parts: Readonly<Record<string, { file: string; bytes: number; sha256: string; state: unknown }>>
}

/** There is no checkpoint, or it is damaged, or a newer burgeon wrote it. */
export class CheckpointError extends BurgeonError {
  override readonly name = 'CheckpointError'
}

/**
 * Writes a checkpoint in the place of the one before, indivisibly.
 *
 * @param parts States by name (`model`, `learner`, …); the tensors of each go to a safetensors file of that name.
 *   A name is made of lower-case letters.
 * @throws OptionError for another name, StateError for a state that cannot be stored; the checkpoint before stays.
 */
export async function writeCheckpoint(disk: Disk, parts: Readonly<Record<string, unknown>>): Promise<void> {
  const badName = Object.keys(parts).find((name) => !/^[a-z]+$/.test(name))
  if (badName !== undefined) {
    throw new OptionError(`writeCheckpoint: got a part named "${badName}"; expected lower-case letters only.`)
  }
  const sequence =
    ((await readManifest(disk).catch(() => undefined))?.sequence ?? (await highestSequence(disk))) + 1
  const written: Record<string, Manifest['parts'][string]> = {}
  for (const [name, state] of Object.entries(parts)) {
    const { json, tensors } = separate(state)
    const raw = new Map([...tensors].map(([place, { shape, data }]) => [place, rawFromArray(data, shape)]))
    const bytes = writeSafetensors(raw)
    const file = `${name}-${String(sequence).padStart(6, '0')}.safetensors`
    await disk.write(file, bytes)
    written[name] = { file, bytes: bytes.length, sha256: await sha256(bytes), state: json }
  }
  const content = { format, version, sequence, parts: written }
  const manifest: Manifest = { sha256: await sha256OfJson(content), ...content }
  await writeManifest(disk, manifestName, new TextEncoder().encode(JSON.stringify(manifest)))
  await removeLeftovers(disk, manifest)
}

/** Puts a manifest in its place in one indivisible step, after all that was written before it. */
export async function writeManifest(disk: Disk, name: string, bytes: Uint8Array): Promise<void> {
  await disk.write(`${name}.new`, bytes)
  await disk.sync()
  await disk.rename(`${name}.new`, name)
  await disk.sync()
}

/** Which checkpoint of a folder is meant. */
export interface WhichCheckpoint {
  /** The number of one that was kept (`keptCheckpoints`); the present one unless given. */
  readonly kept?: number
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
  const manifest = await readManifest(disk, which)
  const parts: Record<string, unknown> = {}
  for (const [name, part] of Object.entries(manifest.parts)) {
    const bytes = await readPart(disk, part)
    const tensors = [...readSafetensors(bytes).tensors].map(([place, raw]) => [place, plain(raw)] as const)
    parts[name] = rejoin({ json: part.state, tensors: new Map(tensors) })
  }
  return parts
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
  const { parts } = await readManifest(disk, which)
  const described = Object.entries(parts).map(([name, { state }]) => [
    name,
    rejoin({ json: state, tensors: 'names' }),
  ])
  return Object.fromEntries(described) as Record<string, unknown>
}

/** The bytes of a file of a checkpoint. Throws CheckpointError unless they are those that were saved. */
export async function readPart(disk: Disk, part: Manifest['parts'][string]): Promise<Uint8Array> {
  const bytes = await disk.read(part.file).catch((error: unknown) => {
    throw new CheckpointError(
      `${disk.place}: cannot read ${part.file}, which the checkpoint needs. ${String(error)}`,
    )
  })
  if (bytes.length !== part.bytes || (await sha256(bytes)) !== part.sha256) {
    throw new CheckpointError(
      `${disk.place}: ${part.file} is damaged; its bytes are not those that were saved.`,
    )
  }
  return bytes
}

/** Whether the folder holds a checkpoint, damaged or not. */
export async function hasCheckpoint(disk: Disk): Promise<boolean> {
  return (await disk.list()).includes(manifestName)
}

/** What a checkpoint consists of. Throws CheckpointError if there is no such checkpoint, or its manifest is damaged. */
export async function readManifest(disk: Disk, { kept }: WhichCheckpoint = {}): Promise<Manifest> {
  const name = kept === undefined ? manifestName : keptName(kept)
  if (!(await disk.list()).includes(name)) {
    throw new CheckpointError(`${disk.place}: there is no checkpoint here (no ${name}).`)
  }
  const text = new TextDecoder().decode(await disk.read(name))
  let manifest: Partial<Manifest> | null
  try {
    manifest = JSON.parse(text) as Partial<Manifest> | null
  } catch (error) {
    throw new CheckpointError(`${disk.place}: ${name} is damaged. ${String(error)}`)
  }
  if (manifest?.format !== format) {
    throw new CheckpointError(`${disk.place}: ${name} is not the manifest of a ${format}.`)
  }
  if (manifest.version !== version) {
    throw new CheckpointError(
      `${disk.place}: this checkpoint has version ${manifest.version}; this burgeon reads version ${version}.`,
    )
  }
  const { sha256: expected, ...content } = manifest
  if ((await sha256OfJson(content)) !== expected || !isParts(manifest.parts)) {
    throw new CheckpointError(`${disk.place}: ${name} is damaged; its text is not the one that was saved.`)
  }
  return manifest as Manifest
}

function isParts(parts: unknown): parts is Manifest['parts'] {
  if (typeof parts !== 'object' || parts === null) return false
  return Object.values(parts as Record<string, Partial<Manifest['parts'][string]> | null>).every(
    (part) => /^[a-z]+-\d+\.safetensors$/.test(part?.file ?? '') && Number.isSafeInteger(part?.bytes),
  )
}

const partFile = /^[a-z]+-(\d+)\.safetensors$/
const keptFile = /^kept-(\d+)\.json$/

/** The manifest of the checkpoint that was saved with this sequence number, once it is kept. */
export const keptName = (sequence: number): string => `kept-${String(sequence).padStart(6, '0')}.json`

/** The sequence numbers of the checkpoints that are kept, lowest first. A file of theirs has that number in its name. */
export function keptSequences(names: readonly string[]): number[] {
  return names
    .flatMap((name) => keptFile.exec(name)?.[1] ?? [])
    .map(Number)
    .toSorted((a, b) => a - b)
}

async function highestSequence(disk: Disk): Promise<number> {
  return Math.max(0, ...(await disk.list()).map((name) => Number(partFile.exec(name)?.[1] ?? 0)))
}

async function removeLeftovers(disk: Disk, manifest: Manifest): Promise<void> {
  const names = await disk.list()
  const needed = new Set(Object.values(manifest.parts).map(({ file }) => file))
  const kept = new Set(keptSequences(names))
  const isLeft = (name: string): boolean => {
    const sequence = partFile.exec(name)?.[1]
    if (sequence !== undefined) return !needed.has(name) && !kept.has(Number(sequence))
    return name === `${manifestName}.new` || /^kept-\d+\.json\.new$/.test(name)
  }
  for (const name of names) if (isLeft(name)) await disk.remove(name)
}

function plain(raw: RawTensor): { shape: readonly number[]; data: StateArray } {
  return { shape: raw.shape, data: arrayFromRaw(raw) as StateArray }
}

/** What is parsed and written again is the same text, so the checksum may stand inside the file that it is of. */
function sha256OfJson(content: unknown): Promise<string> {
  return sha256(new TextEncoder().encode(JSON.stringify(content)))
}

async function sha256(bytes: Uint8Array): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
