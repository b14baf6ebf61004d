/** Experiences as batches whose rows say which experience they are. */
import { type AdmittedExperience, joinBatches, type PlacedBatch, type TokenBatch } from '@burgeon/continual'
import type { Life } from '../life/life-checkpoint.ts'
import type { ExperienceRead } from '../life/life-origin.ts'
import { lifeBatches } from './life-batches.ts'
import { within } from './within.ts'

/** A place in the journal, as a checkpoint holds it. */
export type ExperiencePlace = Pick<ExperienceRead, 'next' | 'bytes'>

/** Where the reading begins, and how long a batch may wait to be filled. */
export interface RecordBatchesOptions {
  readonly from: ExperiencePlace
  /** Milliseconds after which rows are learnt though there is room for more beside them. */
  readonly patience: number
  /** Called with each text when it is read. */
  readonly onText?: (text: string) => unknown
}

/** The bytes of an experience as they are learnt: on a line of its own. */
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(`\n${text}`)

/**
 * Batches of rows of one domain each, as many as a life learns at once, or fewer where no more come in time.
 * No row holds bytes of two experiences, and each byte is predicted once.
 */
export async function* recordBatches(
  life: Pick<Life, 'learner' | 'settings'>,
  experiences: AsyncIterable<AdmittedExperience>,
  { from, patience, onText }: RecordBatchesOptions,
): AsyncGenerator<PlacedBatch<ExperiencePlace>, void, void> {
  const { rows: wanted } = life.settings
  let waiting: PlacedBatch<ExperiencePlace>[] = []
  const rowsWaiting = (): number => waiting.reduce((sum, { batch }) => sum + batch.rows, 0)
  const taken = (): PlacedBatch<ExperiencePlace> => {
    const parts = waiting
    waiting = []
    const { position } = parts[parts.length - 1]
    return {
      batch: parts.length === 1 ? parts[0].batch : joinBatches(parts.map(({ batch }) => batch)),
      position,
    }
  }
  for await (const experience of inTime(experiences, patience, () => waiting.length > 0)) {
    if (experience === null) {
      yield taken()
      continue
    }
    onText?.(experience.text)
    const skipped = experience.origin.id === from.next ? from.bytes : 0
    for await (const placed of batchesOf(life, experience, skipped)) {
      const [domain] = placed.batch.domains
      if (waiting.length > 0 && waiting[0].batch.domains[0] !== domain) yield taken()
      waiting.push(placed)
      if (rowsWaiting() >= wanted) yield taken()
    }
  }
  if (waiting.length > 0) yield taken()
}

/** Batches of one experience. */
async function* batchesOf(
  life: Pick<Life, 'learner' | 'settings'>,
  { origin, text }: AdmittedExperience,
  skipped: number,
): AsyncGenerator<PlacedBatch<ExperiencePlace>, void, void> {
  const bytes = bytesOf(text)
  const { id, domain } = origin
  const chunk = {
    domain,
    tokens: bytes.subarray(skipped),
    positionAfter: (used: number): ExperiencePlace =>
      skipped + used < bytes.length ? { next: id, bytes: skipped + used } : { next: id + 1, bytes: 0 },
  }
  for await (const { batch, position } of lifeBatches(life, [chunk])) {
    yield { batch: withOrigin(batch, origin), position }
  }
}

const withOrigin = (batch: TokenBatch, origin: AdmittedExperience['origin']): TokenBatch => ({
  ...batch,
  origins: batch.domains.map(() => origin),
})

/** Items as they come, and null where one takes longer than `patience` while somebody waits. */
async function* inTime<T>(
  items: AsyncIterable<T>,
  patience: number,
  isWaiting: () => boolean,
): AsyncGenerator<T | null, void, void> {
  const iterator = items[Symbol.asyncIterator]()
  try {
    for (;;) {
      const next = iterator.next()
      // What fails while nobody waits is thrown when it is waited for.
      next.catch(() => {})
      if (isWaiting() && (await within(next, patience)) === null) yield null
      const { done, value } = await next
      if (done === true) return
      yield value
    }
  } finally {
    await iterator.return?.()
  }
}
