/** What stands in the log of a cluster: one JSON object an entry. */
import type { GrowthRequest } from '@burgeon/gpt/growth'
import { type Check, checks, fields, optional, type RandomKey } from '@burgeon/tensor'
import { aDigest } from '../seams/blobs.ts'
import { aWord } from '../seams/subject.ts'
import { aRun, type Run } from './runs.ts'
import type { ClusterSettings } from './settings.ts'

/** The first entry: what the cluster begins with. `version` is also the digest of the state among the blobs. */
export interface BornEntry {
  readonly kind: 'born'
  readonly settings: Required<ClusterSettings>
  readonly version: string
  /** What members are to make their learners of; nothing unless given. */
  readonly birth?: Readonly<Record<string, unknown>> | undefined
}

/** A worker takes part from the next round on. */
export interface JoinedEntry {
  readonly kind: 'joined'
  readonly worker: string
}

/** A worker takes part no more; why. */
export interface LeftEntry {
  readonly kind: 'left'
  readonly worker: string
  readonly reason: string
}

/** A round begins: which records each worker is to learn, by their positions, as runs. */
export interface RoundEntry {
  readonly kind: 'round'
  readonly round: number
  readonly version: string
  readonly shares: Readonly<Record<string, readonly Run[]>>
}

/** A worker has learnt its share. */
export interface UpdateEntry {
  readonly kind: 'update'
  readonly round: number
  readonly worker: string
  /** The state that it began with. */
  readonly version: string
  /** Digest of what it has learnt, among the blobs. */
  readonly update: string
  /** Records that it has learnt. */
  readonly steps: number
  /** Records of its share that could not be learnt. */
  readonly skipped: number
  /** Mean prequential loss of its records, in bits per byte. */
  readonly bitsPerByte: number
}

/** An update that counts. */
export interface AcceptedUpdate {
  readonly worker: string
  readonly update: string
  readonly steps: number
  readonly norm: number
}

/** An update that does not count; why. */
export interface RefusedUpdate {
  readonly worker: string
  readonly reason: string
}

/** A round ends, and the shared state becomes another. */
export interface ClosedEntry {
  readonly kind: 'closed'
  readonly round: number
  readonly accepted: readonly AcceptedUpdate[]
  readonly refused: readonly RefusedUpdate[]
  /** The state after it. */
  readonly version: string
}

/** Between two rounds, all grow in one way. */
export interface GrownEntry {
  readonly kind: 'grown'
  readonly request: GrowthRequest
  readonly key: RandomKey
  /** The state after it. */
  readonly version: string
}

/** The shared state of a version lies whole among the blobs. */
export interface KeptEntry {
  readonly kind: 'kept'
  readonly version: string
}

/** Updates and states of before a state that was kept are removed: nothing before it can be worked out again. */
export interface RemovedEntry {
  readonly kind: 'removed'
  /** Position of the entry by which that state was kept. */
  readonly before: number
}

/** An entry of the log of a cluster. */
export type ClusterEntry =
  | BornEntry
  | JoinedEntry
  | LeftEntry
  | RoundEntry
  | UpdateEntry
  | ClosedEntry
  | GrownEntry
  | KeptEntry
  | RemovedEntry

type Checked = { readonly [K in ClusterEntry['kind']]: Check<ClusterEntry & { readonly kind: K }> }

const round = checks.integer({ from: 1 })
const runs = checks.list('runs of positions', aRun)
const anUpdate = { worker: aWord, update: aDigest, steps: checks.count }

const entryChecks: Checked = {
  born: fields<BornEntry>('the beginning', {
    ...{ kind: checks.oneOf('born'), version: aDigest },
    birth: optional(checks.object<Readonly<Record<string, unknown>>>('an object')),
    settings: checks.role<Required<ClusterSettings>>(
      'settings',
      ...(['localSteps', 'rate', 'momentum', 'form', 'share', 'outlier', 'keepEvery'] as const),
    ),
  }),
  joined: fields<JoinedEntry>('a worker', { kind: checks.oneOf('joined'), worker: aWord }),
  left: fields<LeftEntry>('a worker', { kind: checks.oneOf('left'), worker: aWord, reason: checks.text }),
  round: fields<RoundEntry>('a round', {
    ...{ kind: checks.oneOf('round'), round, version: aDigest },
    shares: checks.record('runs of positions by worker', runs),
  }),
  update: fields<UpdateEntry>('an update', {
    ...{ kind: checks.oneOf('update'), round, version: aDigest, ...anUpdate },
    ...{ skipped: checks.count, bitsPerByte: checks.number({ from: 0 }) },
  }),
  closed: fields<ClosedEntry>('the end of a round', {
    ...{ kind: checks.oneOf('closed'), round, version: aDigest },
    accepted: checks.list(
      'updates',
      fields<AcceptedUpdate>('an update', { ...anUpdate, norm: checks.number({ from: 0 }) }),
    ),
    refused: checks.list(
      'updates',
      fields<RefusedUpdate>('an update', { worker: checks.text, reason: checks.text }),
    ),
  }),
  grown: fields<GrownEntry>('a growth', {
    ...{ kind: checks.oneOf('grown'), version: aDigest, key: checks.key },
    request: checks.role<GrowthRequest>('a request', 'kind'),
  }),
  kept: fields<KeptEntry>('a state', { kind: checks.oneOf('kept'), version: aDigest }),
  removed: fields<RemovedEntry>('a removal', { kind: checks.oneOf('removed'), before: round }),
}

/** An entry as bytes, the same for the same entry. */
export const bytesOfEntry = (entry: ClusterEntry): Uint8Array =>
  new TextEncoder().encode(JSON.stringify(entry))

/** The entry of such bytes; null for any others, which nobody heeds. */
export function entryFromBytes(bytes: Uint8Array): ClusterEntry | null {
  try {
    const entry = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as ClusterEntry
    if (!Object.hasOwn(entryChecks, entry.kind)) return null
    return entryChecks[entry.kind].accepts(entry) ? entry : null
  } catch {
    return null
  }
}
