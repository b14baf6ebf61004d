/**
 * Checkpoints: a folder of safetensors files and one JSON manifest that names them.
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

const manifestName = 'checkpoint.json'
const format = 'burgeon checkpoint'
const version = 1

interface Manifest {
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
  await disk.write(`${manifestName}.new`, new TextEncoder().encode(JSON.stringify(manifest)))
  await disk.sync()
  await disk.rename(`${manifestName}.new`, manifestName)
  await disk.sync()
  await removeLeftovers(disk, manifest)
}

/**
 * Reads the checkpoint of a folder.
 *
 * @returns The states by name, as they were given to `writeCheckpoint`.
 * @throws CheckpointError if there is none or a file of it is missing or damaged.
 */
export async function readCheckpoint(disk: Disk): Promise<Record<string, unknown>> {
  const manifest = await readManifest(disk)
  const parts: Record<string, unknown> = {}
  for (const [name, part] of Object.entries(manifest.parts)) {
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
    const tensors = [...readSafetensors(bytes).tensors].map(([place, raw]) => [place, plain(raw)] as const)
    parts[name] = rejoin({ json: part.state, tensors: new Map(tensors) })
  }
  return parts
}

/** Whether the folder holds a checkpoint, damaged or not. */
export async function hasCheckpoint(disk: Disk): Promise<boolean> {
  return (await disk.list()).includes(manifestName)
}

async function readManifest(disk: Disk): Promise<Manifest> {
  if (!(await hasCheckpoint(disk))) {
    throw new CheckpointError(`${disk.place}: there is no checkpoint here (no ${manifestName}).`)
  }
  const text = new TextDecoder().decode(await disk.read(manifestName))
  let manifest: Partial<Manifest> | null
  try {
    manifest = JSON.parse(text) as Partial<Manifest> | null
  } catch (error) {
    throw new CheckpointError(`${disk.place}: ${manifestName} is damaged. ${String(error)}`)
  }
  if (manifest?.format !== format) {
    throw new CheckpointError(`${disk.place}: ${manifestName} is not the manifest of a ${format}.`)
  }
  if (manifest.version !== version) {
    throw new CheckpointError(
      `${disk.place}: this checkpoint has version ${manifest.version}; this burgeon reads version ${version}.`,
    )
  }
  const { sha256: expected, ...content } = manifest
  if ((await sha256OfJson(content)) !== expected || !isParts(manifest.parts)) {
    throw new CheckpointError(
      `${disk.place}: ${manifestName} is damaged; its text is not the one that was saved.`,
    )
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

async function highestSequence(disk: Disk): Promise<number> {
  return Math.max(0, ...(await disk.list()).map((name) => Number(partFile.exec(name)?.[1] ?? 0)))
}

async function removeLeftovers(disk: Disk, manifest: Manifest): Promise<void> {
  const needed = new Set(Object.values(manifest.parts).map(({ file }) => file))
  for (const name of await disk.list()) {
    if ((partFile.test(name) && !needed.has(name)) || name === `${manifestName}.new`) await disk.remove(name)
  }
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
