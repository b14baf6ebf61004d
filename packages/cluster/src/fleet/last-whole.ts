/** What a source has left in a store, for who comes when it has gone. */
import { BlobError } from '../errors.ts'
import type { Blobs } from '../seams/blobs.ts'
import { WeightsError } from './weights-error.ts'
import { type Announcement, readBlob, rootOf, type WeightsBlob } from './weights-message.ts'

/**
 * The last weights that lie whole in a store: of one source those that it announced last, whatever they have learnt,
 * for it may have gone back; of several, where one was killed before it removed what another had left, those that
 * have learnt most. Every blob is fetched, one after the other.
 *
 * @returns null where there are none.
 * @throws BlobError where the store cannot be read.
 */
export async function lastWhole(blobs: Blobs): Promise<Announcement | null> {
  let last: Announcement | null = null
  for (const digest of await blobs.list()) {
    const found = await blobAt(blobs, digest)
    if (found === null) continue
    const { of, changed, ...manifest } = found
    if (!Object.keys(manifest.digests).every((path) => changed.has(path))) continue
    if (last !== null && !isLater(of, last)) continue
    last = { ...of, root: await rootOf(manifest), from: null, blob: digest }
  }
  return last
}

const isLater = (one: WeightsBlob['of'], other: WeightsBlob['of']): boolean =>
  one.source === other.source ? one.version > other.version : one.step > other.step

/** Null for what is removed meanwhile, is attached to weights, or was left by a version that did not say whose it is. */
async function blobAt(blobs: Blobs, digest: string): Promise<WeightsBlob | null> {
  try {
    const found = readBlob(await blobs.get(digest))
    return Number.isSafeInteger(found.of.version) && Number.isSafeInteger(found.of.step) ? found : null
  } catch (error) {
    if (error instanceof BlobError || error instanceof WeightsError) return null
    throw error
  }
}
