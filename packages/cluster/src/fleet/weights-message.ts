/** What a learner says of its weights: which they are, by digests, and where the numbers lie that have changed. */
import { configFromState, type GptConfig } from '@burgeon/gpt'
import {
  arrayFromRaw,
  BadFileError,
  type NumericArray,
  type Tensor,
  rawFromArray,
  readSafetensors,
  writeSafetensors,
} from '@burgeon/tensor'
import { aDigest } from '../seams/blobs.ts'
import { digestOf } from '../seams/digest.ts'
import { WeightsError } from './weights-error.ts'

/** Weights of one moment, by digests. */
export interface WeightsManifest {
  readonly config: GptConfig
  /** SHA-256 of each parameter's shape and numbers, by path. */
  readonly digests: Readonly<Record<string, string>>
  /** Digest of what belongs to the weights, such as the tokenizer of a text model; null where nothing does. */
  readonly attached: string | null
}

/** What is announced. */
export interface Announcement {
  /** Name of the source. One that is opened again has another, and counts from 1 again. */
  readonly source: string
  /** Counts what one source has announced, from 1. */
  readonly version: number
  /** Steps that the weights have learnt. */
  readonly step: number
  /** Digest of the manifest: whoever has the same has the same weights. */
  readonly root: string
  /** That of the weights before, on which these build; null for the whole. */
  readonly from: string | null
  /** Digest of the blob. */
  readonly blob: string
}

/** A blob: whose it is, the manifest, and the parameters that are not as they were. */
export interface WeightsBlob extends WeightsManifest {
  readonly of: Pick<Announcement, 'source' | 'version' | 'step'>
  readonly changed: ReadonlyMap<string, NumericArray>
}

const textBytes = (text: string): Uint8Array => new TextEncoder().encode(text)

/** The digest of a parameter. */
export async function digestOfTensor(tensor: Tensor): Promise<string> {
  return digestOfNumbers(tensor.shape, await tensor.read())
}

/** The digest of numbers of a shape. */
export function digestOfNumbers(shape: readonly number[], numbers: ArrayLike<number>): Promise<string> {
  const floats = Float32Array.from(numbers)
  const head = textBytes(`[${shape.join()}]`)
  const bytes = new Uint8Array(head.length + floats.byteLength)
  bytes.set(head)
  bytes.set(new Uint8Array(floats.buffer), head.length)
  return digestOf(bytes)
}

/** The digest of a manifest, whatever the order of its parameters: growth appends some that a reader does not. */
export function rootOf({ config, digests, attached }: WeightsManifest): Promise<string> {
  const all = Object.entries(digests).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return digestOf(textBytes(JSON.stringify([configFromState(config), all, attached])))
}

/** The bytes of a blob. */
export function writeBlob(
  { source, version, step }: WeightsBlob['of'],
  manifest: WeightsManifest,
  changed: ReadonlyMap<string, Float32Array>,
): Uint8Array {
  const tensors = [...changed].map(([path, data]) => [path, rawFromArray(data, [data.length])] as const)
  return writeSafetensors(new Map(tensors), {
    manifest: JSON.stringify(manifest),
    of: `${source} ${version} ${step}`,
  })
}

/** @throws WeightsError for bytes that are no weights. */
export function readBlob(bytes: Uint8Array): WeightsBlob {
  try {
    const { tensors, metadata } = readSafetensors(bytes)
    const manifest = JSON.parse(metadata.get('manifest') ?? 'null') as WeightsManifest
    const [source, version, step] = (metadata.get('of') ?? '').split(' ')
    const of = { source, version: Number(version), step: Number(step) }
    const changed = new Map([...tensors].map(([path, raw]) => [path, arrayFromRaw(raw) as Float32Array]))
    return { ...manifest, config: configFromState(manifest.config), of, changed }
  } catch (error) {
    throw new WeightsError(`weights: got ${bytes.length} bytes that are none: ${(error as Error).message}`, {
      cause: error instanceof BadFileError ? undefined : error,
    })
  }
}

/** The bytes of an announcement. */
export const writeAnnouncement = (announcement: Announcement): Uint8Array =>
  textBytes(JSON.stringify(announcement))

/** @throws WeightsError for bytes that are no announcement. */
export function readAnnouncement(payload: Uint8Array): Announcement {
  let said: Partial<Announcement> | null = null
  try {
    said = JSON.parse(new TextDecoder().decode(payload)) as Partial<Announcement> | null
  } catch {
    // Said below.
  }
  const { source, version, step, root, from, blob } = said ?? {}
  const areCounts = [version, step].every((count) => Number.isSafeInteger(count) && (count as number) >= 0)
  if (
    areCounts &&
    typeof source === 'string' &&
    aDigest.accepts(root) &&
    aDigest.accepts(blob) &&
    (from === null || aDigest.accepts(from))
  ) {
    return said as Announcement
  }
  throw new WeightsError(
    `weights: got ${payload.length} bytes that announce none; expected those of a WeightsSource.`,
  )
}

/** A name for weights as answers carry it: the steps, and the beginning of their digest. */
export const nameOf = ({ step, root }: Pick<Announcement, 'step' | 'root'>): string =>
  `${step}-${root.slice(0, 12)}`
