/** What came to mind, as it is told to whoever asks the learner. */
import type { Recollection } from './recall.ts'

/** A passage that was recalled. Plain data. */
export interface Recalled {
  /** Number of the experience that it is of; null where nobody said. */
  readonly id: number | null
  /** Name of the source that gave it; null where nobody said. */
  readonly source: string | null
  readonly domain: string
  /** The text that followed there. */
  readonly bytes: string
  /** Share that it had in what was expected, from 0 to 1. */
  readonly weight: number
}

/** @param bytes Those of the recollection that are meant; all unless given. */
export const recalledOf = (
  { domain, origin, weight, ...own }: Recollection,
  bytes: Uint8Array = own.bytes,
): Recalled => ({
  ...{ id: origin?.id ?? null, source: origin?.source ?? null, domain },
  ...{ bytes: decoder.decode(bytes), weight },
})

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
