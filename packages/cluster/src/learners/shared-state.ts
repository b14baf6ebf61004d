/** What a member of a cluster knows by the log: where the cluster stands, and the weights that all share. */
import type { RandomKey } from '@burgeon/tensor'
import type { GrowthRequest } from '@burgeon/gpt/growth'
import { ClusterError } from '../errors.ts'
import type { Blobs } from '../seams/blobs.ts'
import type { Log } from '../seams/log.ts'
import { type Course, courseAfter, fits } from './course.ts'
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
  readonly #who: string
  #course: Course
  #outer: OuterState
  /** Updates of the open round that have been fetched, by their digest. */
  readonly #fetched = new Map<string, Numbers>()

  private constructor(who: string, log: Log, blobs: Blobs, course: Course, outer: OuterState) {
    this.#who = who
    this.log = log
    this.blobs = blobs
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
   * @param fromBirth Whether every round is worked out again from the beginning. False unless given.
   * @throws ClusterError for a log that no cluster has begun, or one that leads to other weights than it says;
   *   what log and blobs throw.
   */
  static async open(who: string, log: Log, blobs: Blobs, fromBirth: boolean = false): Promise<SharedState> {
    let course: Course | null = null
    let from: Course | null = null
    for await (const entry of log.read(1)) {
      course = courseAfter(course, entry, entryFromBytes(entry.payload))
      const isKept = course?.kept.position === entry.position
      if (course !== null && (from === null || (isKept && !fromBirth))) from = course
    }
    if (from === null) {
      throw new ClusterError(
        `${who}: the log has ${course === null ? 'no' : 'a broken'} beginning; found a cluster first.`,
      )
    }
    const { version } = from.kept
    const outer = outerFromBytes(await blobs.get(version))
    const shared = new SharedState(who, log, blobs, from, outer)
    await shared.#check(version)
    await shared.advance()
    return shared
  }

  /** Follows the log to its present end. Throws as `open`; the state is then that before the entry. */
  async advance(followed: Followed = {}): Promise<void> {
    for await (const written of this.log.read(this.#course.position + 1)) {
      const entry = entryFromBytes(written.payload)
      if (entry !== null && fits(this.#course, entry, written.author)) {
        await this.#follow(entry, followed)
        if (entry.kind === 'left' && written.author === entry.worker) followed.asked?.(entry)
      }
      this.#course = courseAfter(this.#course, written, entry) ?? this.#course
    }
  }

  async #follow(entry: ClusterEntry, { closed, grown }: Followed): Promise<void> {
    if (entry.kind === 'closed') {
      this.#outer = await this.after(entry)
      this.#fetched.clear()
      await this.#check(entry.version)
      closed?.(entry)
    }
    if (entry.kind === 'grown') {
      await grown?.(entry.request, entry.key)
      const { outer } = await grownOuter(this.#outer, entry.request, entry.key)
      this.#outer = outer
      await this.#check(entry.version)
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

  /** Throws ClusterError unless the shared state is the one that the log says. */
  async #check(version: string): Promise<void> {
    const own = await versionOf(this.#outer)
    if (own === version) return
    throw new ClusterError(
      `${this.#who}: its weights are ${own.slice(0, 12)}, and the cluster has agreed on ${version.slice(0, 12)}; open it again.`,
    )
  }
}
