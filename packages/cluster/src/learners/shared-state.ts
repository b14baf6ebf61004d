/** What a member of a cluster knows by the log: where the cluster stands, and the weights that all share. */
import type { RandomKey } from '@burgeon/tensor'
import type { GrowthRequest } from '@burgeon/gpt/growth'
import { BlobError, ClusterError } from '../errors.ts'
import type { Blobs } from '../seams/blobs.ts'
import type { Log, LogEntry } from '../seams/log.ts'
import { type Course, courseAfter, fits, type KeptState } from './course.ts'
import { type ClusterEntry, type ClosedEntry, entryFromBytes, type LeftEntry } from './entries.ts'
import { grownOuter } from './outer/grown-outer.ts'
import { differenceAt } from './outer/judge-update.ts'
import { type Numbers, outerFromBytes, type OuterState, versionOf } from './outer/outer-state.ts'
import { outerStep } from './outer/outer-step.ts'

/** What a member is told of while it catches up. */
export interface Followed {
  /** A round has ended; the shared state is the one after it. */
  readonly closed?: (entry: ClosedEntry) => void
  /** All grow; the shared state is still the one before. */
  readonly grown?: (request: GrowthRequest, key: RandomKey) => Promise<void>
  /** A worker has left because it, or somebody in its name, said so. */
  readonly asked?: (entry: LeftEntry) => void
}

/** The log of a cluster, followed: its course, and the shared state, worked out anew by each member. */
export class SharedState {
  readonly log: Log
  readonly blobs: Blobs
  /** The kept state that it was opened with. */
  readonly from: KeptState
  readonly #who: string
  #course: Course
  #outer: OuterState
  /** Whether the numbers are those of a round long gone: only their sizes are right then. */
  #isBehind = false
  /** Updates of the open round that have been fetched, by their digest. */
  readonly #fetched = new Map<string, Numbers>()

  private constructor(who: string, log: Log, blobs: Blobs, course: Course, outer: OuterState) {
    this.#who = who
    this.log = log
    this.blobs = blobs
    this.from = course.kept
    this.#course = course
    this.#outer = outer
  }

  get course(): Course {
    return this.#course
  }

  get outer(): OuterState {
    return this.#outer
  }

  /**
   * Reads the log, and takes up the shared state where it was last kept whole.
   *
   * @param choose The kept state to go on from; the last unless given.
   * @throws ClusterError for a log that no cluster has begun, or one that leads to other weights than it says;
   *   what log, blobs and `choose` throw.
   */
  static async open(
    who: string,
    log: Log,
    blobs: Blobs,
    choose: (course: Course) => KeptState = ({ kept }) => kept,
  ): Promise<SharedState> {
    for (let tried = 0; ; ) {
      const begun = await readCourse(log)
      if (begun === null) {
        throw new ClusterError(`${who}: the log has no beginning; found a cluster first.`)
      }
      const { position, version } = choose(begun.course)
      const from = begun.at.get(position) as Course
      try {
        const outer = outerFromBytes(await blobs.get(version))
        const shared = new SharedState(who, log, blobs, from, outer)
        await shared.#check(version)
        await shared.advance()
        return shared
      } catch (error) {
        // Of what was removed meanwhile there is something newer.
        if (!(error instanceof BlobError) || position <= tried) throw error
        tried = position
      }
    }
  }

  /**
   * Follows the log to its present end. Where what lies between is removed, it goes on from the state that was kept
   * last. Throws as `open`; the state is then that before the entry.
   */
  async advance(followed: Followed = {}): Promise<void> {
    for (let tried = 0; ; ) {
      const written: LogEntry[] = []
      for await (const each of this.log.read(this.#course.position + 1)) written.push(each)
      const end = written.reduce<Course>(
        (course, each) => courseAfter(course, each, entryFromBytes(each.payload)) ?? course,
        this.#course,
      )
      const isRemoved = this.#isBehind || end.states[0].position > this.#course.position
      try {
        const kept = isRemoved ? await this.#keptOf(end) : null
        this.#isBehind ||= isRemoved
        for (const each of written) await this.#take(each, followed, kept)
        return
      } catch (error) {
        // Or it was removed just now: then there is something newer.
        if (!(error instanceof BlobError) || end.kept.position <= tried) throw error
        tried = end.kept.position
      }
    }
  }

  async #keptOf({ kept: { position, version } }: Course): Promise<{ position: number; outer: OuterState }> {
    const outer = outerFromBytes(await this.blobs.get(version))
    await this.#check(version, outer)
    return { position, outer }
  }

  async #take(
    written: LogEntry,
    followed: Followed,
    kept: { readonly position: number; readonly outer: OuterState } | null,
  ): Promise<void> {
    const entry = entryFromBytes(written.payload)
    if (entry !== null && fits(this.#course, entry, written.author)) {
      if (this.#isBehind) await this.#passOver(entry, followed)
      else await this.#follow(entry, followed)
      if (entry.kind === 'left' && written.author === entry.worker) followed.asked?.(entry)
    }
    if (written.position === kept?.position) {
      this.#outer = kept.outer
      this.#isBehind = false
    }
    this.#course = courseAfter(this.#course, written, entry) ?? this.#course
  }

  async #follow(entry: ClusterEntry, { closed, grown }: Followed): Promise<void> {
    if (entry.kind === 'closed') {
      const outer = await this.after(entry)
      await this.#check(entry.version, outer)
      this.#outer = outer
      this.#fetched.clear()
      closed?.(entry)
    }
    if (entry.kind === 'grown') {
      await grown?.(entry.request, entry.key)
      const { outer } = await grownOuter(this.#outer, entry.request, entry.key)
      await this.#check(entry.version, outer)
      this.#outer = outer
    }
  }

  /** As `#follow`, on the way to a state that was kept: what the weights were meanwhile nobody knows any more. */
  async #passOver(entry: ClusterEntry, { closed, grown }: Followed): Promise<void> {
    if (entry.kind === 'closed') {
      this.#fetched.clear()
      closed?.(entry)
    }
    if (entry.kind === 'grown') {
      await grown?.(entry.request, entry.key)
      const { outer } = await grownOuter(this.#outer, entry.request, entry.key)
      this.#outer = outer
    }
  }

  /**
   * What an update says; it is fetched once in a round. Throws as `differenceAt`.
   *
   * @param own What it says, where that is known and need not be fetched.
   */
  async differenceOf(update: string, own?: Numbers): Promise<Numbers> {
    const difference =
      own ?? this.#fetched.get(update) ?? (await differenceAt(update, this.#outer, this.blobs))
    this.#fetched.set(update, difference)
    return difference
  }

  /** The shared state after a round. */
  async after({ accepted }: Pick<ClosedEntry, 'accepted'>): Promise<OuterState> {
    const learnt = []
    for (const { steps, update } of accepted) {
      learnt.push({ steps, difference: await this.differenceOf(update) })
    }
    return outerStep(this.#outer, learnt, this.#course.settings)
  }

  /** Throws ClusterError unless a shared state is the one that the log says. */
  async #check(version: string, outer: OuterState = this.#outer): Promise<void> {
    const own = await versionOf(outer)
    if (own === version) return
    throw new ClusterError(
      `${this.#who}: its weights are ${own.slice(0, 12)}, and the cluster has agreed on ${version.slice(0, 12)}; open it again.`,
    )
  }
}

/** Where a cluster stands at the end of its log, and where it stood at each state that was kept; null before it begins. */
async function readCourse(
  log: Log,
): Promise<{ readonly course: Course; readonly at: ReadonlyMap<number, Course> } | null> {
  let course: Course | null = null
  const at = new Map<number, Course>()
  for await (const written of log.read(1)) {
    course = courseAfter(course, written, entryFromBytes(written.payload))
    if (course?.kept.position === written.position) at.set(written.position, course)
  }
  return course && { course, at }
}
