/** The coordinator of a cluster: deals out records, judges updates, and ends rounds. What it knows stands in the log. */
import type { Gpt } from '@burgeon/gpt'
import type { GrowthRequest } from '@burgeon/gpt/growth'
import { checkArgument, checkOptions, type ChecksOf, checks, keyFromSeed } from '@burgeon/tensor'
import { LogError } from '../errors.ts'
import { type Blobs, someBlobs } from '../seams/blobs.ts'
import { aLog, type Log } from '../seams/log.ts'
import { coordinatorName, type Course } from './course.ts'
import { dealRecords, owedOf } from './deal-records.ts'
import { bytesOfEntry, type ClosedEntry, type ClusterEntry, type RefusedUpdate } from './entries.ts'
import { OldBlobs } from './old-blobs.ts'
import { grownOuter } from './outer/grown-outer.ts'
import { outliersOf, type ReadUpdate, readUpdate } from './outer/judge-update.ts'
import { bytesOfOuter, outerStateOf, type OuterState, versionOf } from './outer/outer-state.ts'
import { clusterSettings, type ClusterSettings } from './settings.ts'
import { SharedState } from './shared-state.ts'

/** What all members of a cluster reach. */
export interface ClusterPlace {
  /** What the cluster has agreed on. */
  readonly log: Log
  /** What is to be learnt, one payload a step. */
  readonly records: Log
  /** States and updates. */
  readonly blobs: Blobs
}

/** Check of its parts. */
export const placeChecks: ChecksOf<ClusterPlace> = {
  log: checks.required(aLog),
  records: checks.required(aLog),
  blobs: checks.required(someBlobs),
}

/** How a turn of the coordinator is taken. */
export interface CoordinatorTurn {
  /**
   * Whether it is time to go on with what there is: a round ends without the workers that are late, which leave
   * the cluster by that, and one begins with fewer records than would fill it. False unless given.
   */
  readonly isLate?: boolean
}

/** The coordinator of a cluster. One that was killed is opened again, and goes on. */
export class Coordinator {
  readonly #place: ClusterPlace
  readonly #shared: SharedState
  readonly #old: OldBlobs
  #request: GrowthRequest | null = null

  private constructor(place: ClusterPlace, shared: SharedState) {
    this.#place = place
    this.#shared = shared
    this.#old = new OldBlobs(place)
  }

  /**
   * Begins a cluster with a model, unless its log has a beginning; then that counts.
   *
   * @param birth What members are to make their learners of, as plain JSON; it stands in the log, and
   *   `makeLearner` is given it. Nothing unless given.
   * @throws OptionError for arguments that are none; what log and blobs throw.
   */
  static async found(
    place: ClusterPlace,
    model: Gpt,
    settings: ClusterSettings = {},
    birth?: Readonly<Record<string, unknown>>,
  ): Promise<Coordinator> {
    checkOptions('Coordinator.found: place', place, placeChecks)
    checkArgument('Coordinator.found', 'model', model, checks.role<Gpt>('a Gpt', 'config', 'toState'))
    const own = clusterSettings('Coordinator.found: settings', settings)
    if (birth !== undefined) checkArgument('Coordinator.found', 'birth', birth, checks.object('an object'))
    if ((await place.log.last()) === 0) {
      const version = await place.blobs.put(bytesOfOuter(await outerStateOf(model)))
      const entry = bytesOfEntry({ kind: 'born', settings: own, version, ...(birth && { birth }) })
      await place.log.append(entry, { id: 'born', author: coordinatorName, after: 0 })
    }
    return Coordinator.open(place)
  }

  /** Takes up a cluster that has begun. Throws as `SharedState.open`. */
  static async open(place: ClusterPlace): Promise<Coordinator> {
    checkOptions('Coordinator.open: place', place, placeChecks)
    return new Coordinator(place, await SharedState.open('coordinator', place.log, place.blobs))
  }

  /** Where the cluster stands, as far as the coordinator has followed. */
  get course(): Course {
    return this.#shared.course
  }

  /** The shared state, as far as the coordinator has followed. */
  get state(): OuterState {
    return this.#shared.outer
  }

  /** Has all grow in one way between two rounds: in a next turn. */
  grow(request: GrowthRequest): void {
    checkArgument('Coordinator.grow', 'request', request, checks.role<GrowthRequest>('a request', 'kind'))
    this.#request = request
  }

  /**
   * Looks at the log, and does what is due: ends a round whose updates are all there, has the cluster grow, begins
   * a round, removes what nobody needs any more.
   *
   * @returns Whether there was anything to do.
   * @throws What log and blobs throw, ClusterError as `open`; GrowthRefusedError and OptionError for a growth that
   *   cannot be, which is forgotten then.
   */
  async turn(options: CoordinatorTurn = {}): Promise<boolean> {
    checkOptions('Coordinator.turn', options, { isLate: checks.boolean })
    const { isLate = false } = options
    await this.#shared.advance()
    const wasBusy = await this.#due(isLate)
    // Last, so that a store that lets nothing go holds nobody up; also what somebody has said, and was killed.
    await this.#old.removeBefore(this.course.states[0].position)
    return wasBusy
  }

  async #due(isLate: boolean): Promise<boolean> {
    const { open } = this.course
    if (open === null) return (await this.#grow()) || (await this.#begin(isLate))
    if (open.awaited.length > 0 && !isLate) return false
    for (const worker of open.awaited)
      await this.#say({ kind: 'left', worker, reason: 'its update was late' })
    return this.#close()
  }

  async #begin(isLate: boolean): Promise<boolean> {
    const { members, settings, round, version } = this.course
    const last = await this.#place.records.last()
    const owed = owedOf(this.course, last)
    if (members.length === 0 || owed === 0) return false
    if (owed < members.length * settings.localSteps && !isLate) return false
    const shares = dealRecords(this.course, last)
    return this.#say({ kind: 'round', round: round + 1, version, shares })
  }

  async #close(): Promise<boolean> {
    const { open, norms, settings } = this.course
    if (open === null || open.awaited.length > 0) return false
    const refused: RefusedUpdate[] = []
    const read: ReadUpdate[] = []
    for (const entry of open.updates) {
      const own = await readUpdate(entry, open, (update) => this.#shared.differenceOf(update))
      if (typeof own === 'string') refused.push({ worker: entry.worker, reason: own })
      else read.push(own)
    }
    const outliers = outliersOf(read, norms, settings.outlier)
    for (const { worker, norm } of outliers) {
      refused.push({ worker, reason: `a norm of ${norm.toPrecision(3)}, which stands out` })
    }
    const accepted = read
      .filter((each) => !outliers.includes(each))
      .map(({ worker, update, steps, norm }) => ({ worker, update, steps, norm }))
    const ended = { kind: 'closed', round: open.round, accepted, refused } as const
    const version = await versionOf(await this.#shared.after(ended))
    if (!(await this.#say({ ...ended, version } satisfies ClosedEntry))) return false
    if (open.round % settings.keepEvery === 0) await this.#keep()
    return true
  }

  async #grow(): Promise<boolean> {
    const request = this.#request
    if (request === null) return false
    this.#request = null
    const key = keyFromSeed(this.course.round)
    const { outer } = await grownOuter(this.state, request, key)
    const isSaid = await this.#say({ kind: 'grown', request, key, version: await versionOf(outer) })
    if (isSaid) await this.#keep()
    else this.#request = request
    return true
  }

  /** Keeps the state whole; says so until it is said, or the state is another by then. */
  async #keep(): Promise<void> {
    const version = await this.#place.blobs.put(bytesOfOuter(this.state))
    while (!(await this.#say({ kind: 'kept', version }))) {
      await this.#shared.advance()
      const { open, states, version: now } = this.course
      if (states.some((state) => state.version === version)) return
      if (open !== null || now !== version) return this.#place.blobs.remove(version)
    }
    const { states, settings } = this.course
    const oldest = states.at(-settings.keepStates)
    // Should somebody have been faster, the next time does.
    if (oldest !== undefined && oldest !== states[0])
      await this.#say({ kind: 'removed', before: oldest.position })
  }

  /**
   * Appends an entry if nothing has come since the coordinator looked, and follows it.
   *
   * @returns false if something has: then it is to look again.
   */
  async #say(entry: ClusterEntry): Promise<boolean> {
    try {
      const { position } = this.course
      await this.#place.log.append(bytesOfEntry(entry), { author: coordinatorName, after: position })
    } catch (error) {
      const last = await this.#place.log.last()
      if (error instanceof LogError && last > this.course.position) return false
      throw error
    }
    await this.#shared.advance()
    return true
  }
}
