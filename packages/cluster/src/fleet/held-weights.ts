/** Weights as a replica has them, made of what was announced. */
import { Gpt, type ParameterSpec } from '@burgeon/gpt'
import type { Device } from '@burgeon/tensor'
import type { Blobs } from '../seams/blobs.ts'
import { WeightsError } from './weights-error.ts'
import { type Announcement, digestOfNumbers, nameOf, readBlob, rootOf } from './weights-message.ts'

/** Weights of one announcement. */
export interface Held {
  readonly model: Gpt
  announcement: Announcement
  readonly digests: Readonly<Record<string, string>>
  /** What belongs to them, and its digest; null where nothing does. */
  readonly attached: { readonly digest: string; readonly bytes: Uint8Array } | null
  users: number
}

/**
 * Makes the weights of an announcement, of its blob and of those before, which stay as they are.
 *
 * @throws WeightsError if they are not what was announced, BlobError if they cannot be had.
 */
export async function takeWeights(
  announcement: Announcement,
  before: Held | null,
  { blobs, device }: { readonly blobs: Blobs; readonly device: Device },
): Promise<Held> {
  const { changed, of: _, ...manifest } = readBlob(await blobs.get(announcement.blob))
  const { config, digests, attached } = manifest
  if ((await rootOf(manifest)) !== announcement.root) {
    throw new WeightsError(
      `weights: the manifest of ${nameOf(announcement)} is not the one that was announced.`,
    )
  }
  const unchanged = (path: string): Promise<ArrayLike<number>> => {
    if (before !== null && before.digests[path] === digests[path])
      return before.model.parameters.get(path).tensor.read()
    throw new WeightsError(`weights: ${path} is neither in what was announced nor as it was.`)
  }
  const numbersOf = async ({ path, shape }: ParameterSpec): Promise<ArrayLike<number>> => {
    const numbers = changed.get(path) ?? (await unchanged(path))
    if ((await digestOfNumbers(shape, numbers)) === digests[path]) return numbers
    throw new WeightsError(`weights: ${path} of ${nameOf(announcement)} is not what was announced.`)
  }
  const bytesOf = async (digest: string) =>
    before?.attached?.digest === digest ? before.attached : { digest, bytes: await blobs.get(digest) }
  const own = attached === null ? null : await bytesOf(attached)
  const model = await Gpt.fromReader(config, numbersOf, device)
  return { model, announcement, digests, attached: own, users: 0 }
}
