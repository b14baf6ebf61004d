/** A worker of a cluster: learns its share of the records, and sends what it has learnt. */
import type { Learner, TokenBatch } from '@burgeon/continual'
import { Gpt } from '@burgeon/gpt'
import {
  BurgeonError,
  type Check,
  checkArgument,
  checkOptions,
  checks,
  type Device,
  OptionError,
} from '@burgeon/tensor'
import { ClusterError } from '../errors.ts'
import { aWord } from '../seams/subject.ts'
import { type ClusterPlace, placeChecks } from './coordinator.ts'
import { coordinatorName, type Course, maxRefusals, type OpenRound } from './course.ts'
import { dismissWorker } from './dismiss-worker.ts'
import { bytesOfEntry, type ClosedEntry, type UpdateEntry } from './entries.ts'
import { grownOuter } from './outer/grown-outer.ts'
import { modelOf, type Numbers, numbersOf, setWeights, zerosLike } from './outer/outer-state.ts'
import { bytesOfUpdate, differenceOf, sumOf, updateFromBytes } from './outer/update.ts'
import { SharedState } from './shared-state.ts'

/** How a worker learns. */
export interface WorkerOptions {
  /** Its name in the cluster, one word. */
  readonly name: string
  /**
   * Makes what learns, of a model with the shared weights, and of what the founder of the cluster has said. No
   * adapter: the weights that all share are the model's.
   */
  readonly makeLearner: (model: Gpt, birth: Course['birth']) => Learner | Promise<Learner>
  /** What a learner is to observe of a record. Its text in UTF-8 unless given. */
  readonly dataOf?: (payload: Uint8Array) => TokenBatch | string
  /** The default device unless given. */
  readonly device?: Device
}

/** How a turn of a worker is taken. */
export interface WorkerTurn {
  /** Ends it between two records. Never unless given. */
  readonly signal?: AbortSignal
}

/** What becomes of an update in the end: what was left out of it, and what was before it. */
interface Sent {
  readonly update: string
  readonly leftOut: Numbers | null
}

const aLearner: Check<Learner> = checks.role<Learner>('a learner', 'model', 'observe')

const textOf = (payload: Uint8Array): string => new TextDecoder('utf-8', { fatal: true }).decode(payload)

/** A worker of a cluster. One that was killed is opened again, and goes on from what all share. */
export class ClusterWorker {
  readonly name: string
  readonly learner: Learner
  readonly #place: ClusterPlace
  readonly #shared: SharedState
  readonly #dataOf: (payload: Uint8Array) => TokenBatch | string
  /** Version of the weights that the learner has; null after local steps. */
  #has: string | null
  /** What was left out of the updates that counted; null where nothing is. */
  #leftOut: Numbers | null = null
  #sent: Sent | null = null
  #dismissed: string | null = null
  #latest: UpdateEntry | null = null

  private constructor(place: ClusterPlace, shared: SharedState, options: WorkerOptions, learner: Learner) {
    this.name = options.name
    this.learner = learner
    this.#place = place
    this.#shared = shared
    this.#dataOf = options.dataOf ?? textOf
    this.#has = shared.course.version
  }

  /**
   * Takes up the shared weights of a cluster. It takes part from its first turn on.
   *
   * @throws OptionError for options that are none, or a learner with an adapter; as `SharedState.open`.
   */
  static async open(place: ClusterPlace, options: WorkerOptions): Promise<ClusterWorker> {
    checkOptions('ClusterWorker.open: place', place, placeChecks)
    checkOptions('ClusterWorker.open', options, {
      name: checks.required(aWord),
      makeLearner: checks.required(checks.callback<WorkerOptions['makeLearner']>()),
      dataOf: checks.callback<NonNullable<WorkerOptions['dataOf']>>(),
      device: checks.device,
    })
    if (options.name === coordinatorName) {
      throw new OptionError(
        `ClusterWorker.open: got name ${coordinatorName}; expected another, for that is who decides.`,
      )
    }
    const shared = await SharedState.open(`worker ${options.name}`, place.log, place.blobs)
    const learner = await options.makeLearner(modelOf(shared.outer, options.device), shared.course.birth)
    checkArgument('ClusterWorker.open', 'from makeLearner', learner, aLearner)
    if (!(learner.model instanceof Gpt) || learner.adapter !== undefined) {
      throw new OptionError(
        'ClusterWorker.open: got a learner whose own weights do not learn; expected one of a Gpt, without an adapter.',
      )
    }
    return new ClusterWorker(place, shared, options, learner)
  }

  /** Where the cluster stands, as far as the worker has followed. */
  get course(): Course {
    return this.#shared.course
  }

  /**
   * Looks at the log, and does what is due: takes up new shared weights, joins, learns its share of a round. Once
   * `signal` is aborted it learns no further record, and sends nothing of its share: leave, or take another turn.
   *
   * @returns Whether there was anything to do.
   * @throws ClusterError if its weights are no longer those of the cluster, or if it may not join any more: open it
   *   again, or look at what it sent. What log, blobs and learner throw.
   */
  async turn(options: WorkerTurn = {}): Promise<boolean> {
    checkOptions('ClusterWorker.turn', options, { signal: checks.instance('an AbortSignal', AbortSignal) })
    const before = this.course.position
    await this.#catchUp()
    const { members, open, refusals, position } = this.course
    if ((refusals[this.name] ?? 0) >= maxRefusals) {
      throw new ClusterError(
        `worker ${this.name}: ${maxRefusals} of its updates were refused; it takes part no more.`,
      )
    }
    if (open?.awaited.includes(this.name)) return this.#learn(open, options)
    if (members.includes(this.name) || this.#dismissed !== null) return position > before
    const joined = bytesOfEntry({ kind: 'joined', worker: this.name })
    await this.#place.log.append(joined, { id: `joined after ${position}`, author: this.name })
    return true
  }

  /** What it has sent last, whether it counts or not; null before the first. */
  get latest(): UpdateEntry | null {
    return this.#latest
  }

  /**
   * Why it takes part no more, where it, or somebody in its name, has said that it leaves since it was opened; null
   * unless so. It does not join again by itself then.
   */
  get dismissed(): string | null {
    return this.#dismissed
  }

  /** Takes part no more. Its share of an open round goes to others. Throws as the log. */
  async leave(reason: string = 'it wished to'): Promise<void> {
    checkArgument('ClusterWorker.leave', 'reason', reason, checks.text)
    await dismissWorker(this.#place.log, this.name, reason)
    this.#dismissed = reason
  }

  /** Lets go of what the learner and its model keep. */
  dispose(): void {
    this.learner.dispose()
    this.learner.model.dispose()
  }

  async #catchUp(): Promise<void> {
    await this.#shared.advance({
      closed: (entry) => this.#settle(entry),
      asked: ({ worker, reason }) => {
        if (worker === this.name) this.#dismissed = reason
      },
      grown: async (request, key) => {
        const { beside } = await grownOuter(this.#shared.outer, request, key, this.#leftOut)
        this.#leftOut = beside
        const { kind, summary } = await this.learner.grow(request, key)
        if (kind === 'growth') return
        throw new ClusterError(
          `worker ${this.name}: the cluster has grown, and its learner has not: ${summary}`,
        )
      },
    })
    if (this.#has === this.course.version) return
    setWeights(this.learner.model, this.#shared.outer.weights)
    this.#has = this.course.version
  }

  /** What was left out of an update is made up for if the update counts; if not, the next one has all anew. */
  #settle({ accepted }: ClosedEntry): void {
    const sent = this.#sent
    this.#sent = null
    this.#has = null
    if (sent && accepted.some(({ update, worker }) => worker === this.name && update === sent.update)) {
      this.#leftOut = sent.leftOut
    }
  }

  async #learn({ round, version, shares }: OpenRound, { signal }: WorkerTurn): Promise<boolean> {
    if (this.#has !== version) setWeights(this.learner.model, this.#shared.outer.weights)
    this.#has = null
    const learnt = await this.#observe(new Set(shares[this.name]), signal)
    if (learnt === null) return false
    const { steps, skipped, bitsPerByte } = learnt
    const weights = await numbersOf(this.learner.model.parameters.tensors())
    const { settings } = this.course
    const own = differenceOf(this.#shared.outer.weights, weights)
    const whole = this.#leftOut === null ? own : sumOf(own, this.#leftOut)
    const bytes = bytesOfUpdate(whole, settings.form, settings.share)
    const sent = updateFromBytes(bytes, zerosLike(whole))
    const leftOut = settings.form === 'f32' ? null : differenceOf(whole, sent)
    const update = await this.#place.blobs.put(bytes)
    await this.#shared.differenceOf(update, sent)
    this.#sent = { update, leftOut }
    const entry = {
      kind: 'update',
      round,
      worker: this.name,
      version,
      update,
      steps,
      skipped,
      bitsPerByte,
    } as const
    this.#latest = entry
    await this.#place.log.append(bytesOfEntry(entry), {
      id: `round ${round} of ${version}`,
      author: this.name,
    })
    return true
  }

  /** Learns records in the order of the log. One that is refused, or would spoil the weights, is left out. */
  async #observe(
    share: Set<number>,
    signal: AbortSignal | undefined,
  ): Promise<Pick<UpdateEntry, 'steps' | 'skipped' | 'bitsPerByte'> | null> {
    let [steps, skipped, bits] = [0, 0, 0]
    for await (const { position, payload } of this.#place.records.read(Math.min(...share))) {
      if (signal?.aborted) return null
      if (share.has(position)) {
        try {
          bits += (await this.learner.observe(this.#dataOf(payload))).bitsPerByte
          steps++
        } catch (error) {
          if (!(error instanceof BurgeonError || error instanceof TypeError)) throw error
          skipped++
        }
        share.delete(position)
      }
      if (share.size === 0) break
    }
    return { steps, skipped, bitsPerByte: steps === 0 ? 0 : bits / steps }
  }
}
