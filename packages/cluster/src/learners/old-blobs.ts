/** Removes the blobs of a cluster that nobody needs any more. */
import type { ClusterPlace } from './coordinator.ts'
import { entryFromBytes } from './entries.ts'

/**
 * Knows by the log which blobs it names, and where last. What no entry names is not touched: it may be of an update
 * that is being sent, or of somebody else.
 */
export class OldBlobs {
  readonly #place: Pick<ClusterPlace, 'log' | 'blobs'>
  /** Where each blob was named last; those alone that were not removed. */
  readonly #named = new Map<string, number>()
  #position = 0
  /** What was named last before here is removed. */
  #removed = 1

  constructor(place: Pick<ClusterPlace, 'log' | 'blobs'>) {
    this.#place = place
  }

  /**
   * Removes what was named last before an entry. Nothing is read where that was done.
   *
   * @param position Of the entry by which the oldest state that stays was kept.
   * @throws What log and blobs throw; then it goes on the next time.
   */
  async removeBefore(position: number): Promise<void> {
    if (position === this.#removed) return
    for await (const written of this.#place.log.read(this.#position + 1)) {
      for (const digest of namedBy(written.payload)) this.#named.set(digest, written.position)
      this.#position = written.position
    }
    const there = new Set(await this.#place.blobs.list())
    for (const [digest, last] of this.#named) {
      if (last >= position) continue
      if (there.has(digest)) await this.#place.blobs.remove(digest)
      this.#named.delete(digest)
    }
    this.#removed = position
  }
}

/** Blobs that an entry names, whether it counts or not. */
function namedBy(payload: Uint8Array): readonly string[] {
  const entry = entryFromBytes(payload)
  if (entry?.kind === 'born' || entry?.kind === 'kept') return [entry.version]
  if (entry?.kind === 'update') return [entry.update]
  return entry?.kind === 'closed' ? entry.accepted.map(({ update }) => update) : []
}
