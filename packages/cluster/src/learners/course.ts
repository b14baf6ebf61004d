/** Where a cluster stands, by its log alone: who takes part, which round is open, which records are learnt. */
import type { LogEntry } from '../seams/log.ts'
import type { BornEntry, ClusterEntry, ClosedEntry, RoundEntry, UpdateEntry } from './entries.ts'
import { positionsOf } from './runs.ts'
import type { ClusterSettings } from './settings.ts'

/** A round that has not ended. */
export interface OpenRound extends Pick<RoundEntry, 'round' | 'version'> {
  /** Positions of the records that each worker is to learn. */
  readonly shares: Readonly<Record<string, readonly number[]>>
  /** Those that came, the first of each worker, in order. */
  readonly updates: readonly UpdateEntry[]
  /** Workers whose update is still to come. */
  readonly awaited: readonly string[]
}

/** A shared state that was kept whole. */
export interface KeptState {
  /** Of the entry that says so. */
  readonly position: number
  readonly version: string
  /** Rounds that had ended. */
  readonly round: number
}

/** Where a cluster stands. Plain data. */
export interface Course {
  /** Of the entry by which it is known. */
  readonly position: number
  readonly settings: Required<ClusterSettings>
  /** What members make their learners of, as whoever founded the cluster said it; null where nothing was said. */
  readonly birth: Readonly<Record<string, unknown>> | null
  /** The shared state that it began with, … */
  readonly born: string
  /** … and the present one. */
  readonly version: string
  /** In alphabetical order. */
  readonly members: readonly string[]
  /** Rounds that have begun. */
  readonly round: number
  readonly open: OpenRound | null
  /** Records that were dealt out, up to this position, … */
  readonly dealt: number
  /** … and those of them that are to be dealt out again. */
  readonly left: readonly number[]
  /** Records that are learnt; `skipped` more could not be. */
  readonly learnt: number
  readonly skipped: number
  /** Norms of the latest updates that counted. */
  readonly norms: readonly number[]
  /** Refused updates by worker. */
  readonly refusals: Readonly<Record<string, number>>
  /** Where the state was last kept whole. */
  readonly kept: KeptState
  /** States that were kept and lie there still, oldest first: from each of them on all can be worked out again. */
  readonly states: readonly KeptState[]
}

/** Norms that are remembered. */
const normWindow = 20
/** Refused updates after which a worker may join no more. */
export const maxRefusals = 3

/**
 * Where the cluster stands after an entry. An entry that has no place there changes nothing: everyone leaves out
 * the same.
 *
 * @param course null before the first entry, which must be the beginning.
 */
export function courseAfter(
  course: Course | null,
  { position, author }: Pick<LogEntry, 'position' | 'author'>,
  entry: ClusterEntry | null,
): Course | null {
  if (course === null)
    return entry?.kind === 'born' && mayWrite(author, entry) ? begun(position, entry) : null
  const here = { ...course, position }
  if (entry === null || !fits(course, entry, author)) return here
  switch (entry.kind) {
    case 'joined':
      return { ...here, members: [...course.members, entry.worker].toSorted() }
    case 'left':
      return {
        ...here,
        members: course.members.filter((name) => name !== entry.worker),
        open: course.open && awaiting(course.open, (name) => name !== entry.worker),
      }
    case 'round':
      return opened(here, entry)
    case 'update':
      return {
        ...here,
        open: course.open && {
          ...awaiting(course.open, (name) => name !== entry.worker),
          updates: [...course.open.updates, entry],
        },
      }
    case 'closed':
      return closed(here, entry)
    case 'grown':
      return { ...here, version: entry.version }
    case 'kept': {
      const kept = { position, version: entry.version, round: course.round }
      return { ...here, kept, states: [...course.states, kept] }
    }
    case 'removed':
      return { ...here, states: course.states.filter((state) => state.position >= entry.before) }
    case 'born':
      return here
  }
}

const begun = (position: number, { settings, version, birth }: BornEntry): Course => ({
  ...{
    position,
    // What was begun before anything was removed keeps all.
    settings: { ...settings, keepStates: settings.keepStates ?? Number.MAX_SAFE_INTEGER },
    birth: birth ?? null,
    born: version,
    version,
    members: [],
    round: 0,
    open: null,
    dealt: 0,
    left: [],
    learnt: 0,
    skipped: 0,
  },
  ...{ norms: [], refusals: {} },
  ...{ kept: { position, version, round: 0 }, states: [{ position, version, round: 0 }] },
})

/** The author of what only a coordinator may say. No worker has this name. */
export const coordinatorName = 'coordinator'

/** Whether an entry is by somebody who may say it: of itself a worker, of all else a coordinator. */
function mayWrite(author: string | null, entry: ClusterEntry): boolean {
  switch (entry.kind) {
    case 'joined':
    case 'update':
      return author === entry.worker && author !== coordinatorName
    case 'left':
      return author === entry.worker || author === coordinatorName
    case 'born':
    case 'round':
    case 'closed':
    case 'grown':
    case 'kept':
    case 'removed':
      return author === coordinatorName
  }
}

/** Whether an entry of an author has its place there. */
export function fits(course: Course, entry: ClusterEntry, author: string | null): boolean {
  if (!mayWrite(author, entry)) return false
  const { open, members, round, version } = course
  switch (entry.kind) {
    case 'joined':
      return !members.includes(entry.worker) && (course.refusals[entry.worker] ?? 0) < maxRefusals
    case 'left':
      return members.includes(entry.worker)
    case 'round': {
      const dealt = Object.values(entry.shares).flatMap(positionsOf)
      const isOwed = dealt.every((at) => at > course.dealt || course.left.includes(at))
      const isOnce = new Set(dealt).size === dealt.length && dealt.length > 0
      const isOfMembers = Object.keys(entry.shares).every((name) => members.includes(name))
      return (
        open === null &&
        entry.round === round + 1 &&
        entry.version === version &&
        isOwed &&
        isOnce &&
        isOfMembers
      )
    }
    case 'update':
      return open?.round === entry.round && open.awaited.includes(entry.worker)
    case 'closed':
      return open?.round === entry.round
    case 'grown':
      return open === null
    case 'kept':
      return open === null && entry.version === version
    case 'removed':
      return course.states.slice(1).some(({ position }) => position === entry.before)
    case 'born':
      return false
  }
}

const awaiting = (open: OpenRound, isMeant: (name: string) => boolean): OpenRound => ({
  ...open,
  awaited: open.awaited.filter(isMeant),
})

function opened(course: Course, { round, version, shares: runs }: RoundEntry): Course {
  const shares = Object.fromEntries(Object.entries(runs).map(([name, own]) => [name, positionsOf(own)]))
  const dealt = new Set(Object.values(shares).flat())
  const last = [...dealt].reduce((a, b) => Math.max(a, b), course.dealt)
  // What a round leaves out between those before and its last is still to be learnt.
  const between = Array.from({ length: last - course.dealt }, (_, i) => course.dealt + 1 + i)
  return {
    ...course,
    round,
    dealt: last,
    left: [...course.left, ...between].filter((at) => !dealt.has(at)),
    open: { round, version, shares, updates: [], awaited: Object.keys(shares) },
  }
}

function closed(course: Course, { accepted, refused, version }: ClosedEntry): Course {
  const { shares, updates } = course.open as OpenRound
  const isLearnt = (name: string): boolean => accepted.some(({ worker }) => worker === name)
  const again = Object.entries(shares).flatMap(([name, own]) => (isLearnt(name) ? [] : own))
  const skipped = updates
    .filter(({ worker }) => isLearnt(worker))
    .reduce((sum, each) => sum + each.skipped, 0)
  const refusals = { ...course.refusals }
  for (const { worker } of refused) refusals[worker] = (refusals[worker] ?? 0) + 1
  return {
    ...course,
    version,
    open: null,
    left: [...course.left, ...again].toSorted((a, b) => a - b),
    learnt: course.learnt + accepted.reduce((sum, { steps }) => sum + steps, 0),
    skipped: course.skipped + skipped,
    norms: [...course.norms, ...accepted.map(({ norm }) => norm)].slice(-normWindow),
    refusals,
    members: course.members.filter((name) => (refusals[name] ?? 0) < maxRefusals),
  }
}
