/** One session of the coordinator of a cluster: a text becomes records, rounds begin and end, the shared model is saved. */
import { type ClusterSurvey, type Coordinator, surveyAfter, type SurveyedRound } from '@burgeon/cluster'
import type { Disk } from '@burgeon/gpt'
import { orStopped } from '../../sources/or-stopped.ts'
import type { Source } from '../../sources/read-source.ts'
import { createProgressLine, type ProgressLine } from '../../terminal/progress-line.ts'
import { many } from '../../terminal/quantities.ts'
import type { Results } from '../../terminal/results.ts'
import { printable } from '../../terminal/terminal.ts'
import type { SourceNotes } from '../../terminal/source-notes.ts'
import { stopOf } from '../control/stop-file.ts'
import { recentBitsPerByte } from '../record/life-record.ts'
import type { ReachedBroker } from './broker.ts'
import { cutRecords } from './cut-records.ts'
import type { JudgedRecords } from './judged-records.ts'
import type { KnownRecords } from './known-records.ts'
import type { SharedLife } from './shared-life.ts'

/** What a session coordinates. */
export interface Coordinated {
  readonly coordinator: Coordinator
  readonly life: SharedLife
  readonly known: KnownRecords
  readonly source: Source
  readonly label: string
  /** Who lets in what of the text; null where all of it is learnt as it comes. */
  readonly judged: JudgedRecords | null
}

/** How it does. */
export interface CoordinationMeans extends Pick<ReachedBroker, 'place' | 'through'> {
  readonly disk: Disk
  /** Seconds without a word after which a round goes on without who is late. */
  readonly patience: number
  /** Bytes of a record. */
  readonly size: number
  readonly notes: SourceNotes
}

/** Seconds between two checkpoints. */
const saveEvery = 30
/** Milliseconds between two looks at a log that says nothing. */
const lookEvery = 100

/** A session of a coordinator. */
export class Coordination {
  readonly #own: Coordinated
  readonly #means: CoordinationMeans
  readonly #results: Results
  readonly #line: ProgressLine
  #survey: ClusterSurvey | null = null
  /** Rounds that have ended, and are not on record yet. */
  #ended: SurveyedRound[] = []
  /** Whether the whole text lies among the records. */
  #isCut = false
  /** Whether the text could not be read to its end. */
  #hasFailed = false
  #isStopped = false
  #savedAt: number
  #savedVersion = ''

  constructor(own: Coordinated, means: CoordinationMeans, results: Results) {
    this.#own = own
    this.#means = means
    this.#results = results
    const { status, environment, now } = results.context
    this.#line = createProgressLine({ output: status, environment, now })
    this.#savedAt = now()
  }

  /**
   * Goes on until every record is learnt, or somebody asks to stop. Every way out saves.
   *
   * @returns Whether every record is learnt.
   * @throws CheckpointError if it cannot be saved at the end, StreamError if the text cannot be read any more.
   */
  async run(): Promise<boolean> {
    const { notes } = this.#means
    const { stop } = this.#results.context
    notes.listen((text) => this.#note(text))
    try {
      await this.#follow()
      // A folder that cannot be written to is noticed before anything is learnt; and what is held out stays so.
      await this.#save()
      const cutting = this.#cut()
      cutting.catch(() => {
        this.#hasFailed = true
      })
      let [position, heardAt] = [-1, this.#now()]
      while (!stop.aborted && !this.#isStopped && !this.#hasFailed && !this.#isDone()) {
        const isBusy = await this.#turn(this.#now() - heardAt > this.#means.patience)
        const { course } = this.#own.coordinator
        if (course.position !== position) heardAt = this.#now()
        ;({ position } = course)
        await this.#follow()
        if (this.#now() - this.#savedAt / 1000 > saveEvery) await this.#saveOrNote()
        this.#lookForStop()
        if (!isBusy) await orStopped(new Promise((resolve) => setTimeout(resolve, lookEvery)), [stop])
      }
      this.#isStopped ||= stop.aborted
      await Promise.allSettled([cutting])
      await this.#save(true)
      await cutting
      return this.#isDone()
    } finally {
      notes.listen(null)
      this.#line.end()
    }
  }

  /** Where it stands, for programs. */
  standing(): object {
    const { coordinator, known, life } = this.#own
    const { round, learnt, skipped, version } = coordinator.course
    const heldOut = life.record.measurements.at(-1)?.bitsPerByte ?? null
    const bitsPerByte = recentBitsPerByte(life.record)
    const { door } = life.judge
    const guard = door.isGuarded ? door.summary : null
    return { round, records: known.count, learnt, skipped, bitsPerByte, heldOut, version, guard }
  }

  #now(): number {
    return this.#results.context.now() / 1000
  }

  #isDone(): boolean {
    const { open, dealt, left } = this.#own.coordinator.course
    return this.#isCut && open === null && left.length === 0 && dealt === this.#own.known.count
  }

  /** A round that is open waits for who is late; one that could begin, for nobody but the rest of the text. */
  async #turn(isLate: boolean): Promise<boolean> {
    const { coordinator } = this.#own
    const isDue = coordinator.course.open === null ? this.#isCut : isLate
    return (await this.#means.through(() => coordinator.turn({ isLate: isDue }))) === true
  }

  /** Appends the records of the text. */
  async #cut(): Promise<void> {
    const { source, label, known, judged } = this.#own
    const { size } = this.#means
    const records =
      judged?.records(source, label, size, (end) => source.reached(end)) ?? cutRecords(source, label, size)
    for await (const { payload, id, position } of records) {
      const done = await this.#means.through(() => known.append(id, payload).then(() => true))
      if (done === null || this.#isStopped) return
      if (judged === null) source.reached(position)
    }
    source.finish()
    this.#isCut = true
  }

  /** Puts rounds on record that have ended. */
  async #follow(): Promise<void> {
    const { place, through } = this.#means
    await through(async () => {
      const from = (this.#survey?.course.position ?? 0) + 1
      for await (const written of place.log.read(from)) {
        this.#survey = surveyAfter(this.#survey, written, (round) => this.#ended.push(round))
      }
      for (let round = this.#ended.at(0); round !== undefined; round = this.#ended.at(0)) {
        await this.#putOnRecord(round)
        this.#ended.shift()
      }
    })
  }

  async #putOnRecord(round: SurveyedRound): Promise<void> {
    const { known, life, label, coordinator } = this.#own
    const bytes: number[] = []
    for (const { records } of round.learnt) bytes.push(await known.bytesOf(records))
    const parameters = parametersOf(coordinator)
    life.heard(bytes, round, label, parameters)
    const { learnt, refused } = round
    const bitsPerByte = recentBitsPerByte(life.record)
    const workers = learnt.map(({ worker }) => worker)
    const records = learnt.reduce((sum, each) => sum + each.records.length, 0)
    this.#results.print({ kind: 'round', round: round.round, workers, records, bitsPerByte, refused })
    for (const { worker, reason } of refused)
      this.#note(`round ${round.round}: ${worker} is refused: ${reason}`)
    const domain = `round ${round.round}, ${many(workers.length, 'worker')}`
    this.#line.update({ bytes: life.record.bytes, totalBytes: null, domain, bitsPerByte })
  }

  async #save(isEnd: boolean = false): Promise<void> {
    const { coordinator, life, source, label } = this.#own
    const { version, round, learnt } = coordinator.course
    const seconds = this.#now() - this.#savedAt / 1000
    const moment = { state: coordinator.state, ...{ version, round, learnt, seconds } }
    const read = { label, read: source.toState() }
    const waiting = this.#own.judged?.saved() ?? []
    await life.save(this.#means.disk, { ...moment, source: read, waiting }, (text) => this.#note(text), isEnd)
    this.#savedAt = this.#results.context.now()
    this.#savedVersion = version
  }

  /** There may be room again, or the end will say that there is none. */
  async #saveOrNote(): Promise<void> {
    if (this.#own.coordinator.course.version === this.#savedVersion) return
    await this.#save().catch((error: unknown) =>
      this.#note(`${(error as Error).message} The cluster goes on.`),
    )
  }

  #lookForStop(): void {
    const stopped = stopOf(this.#means.disk.place)
    if (stopped === null || this.#isStopped) return
    this.#isStopped = true
    this.#note('the life was stopped; the cluster goes on after burgeon stop --release')
  }

  #note(text: string): void {
    this.#line.event({ kind: 'note', text: printable(text) })
  }
}

const parametersOf = ({ state }: Coordinator): number =>
  Object.values(state.weights).reduce((sum, { data }) => sum + data.length, 0)
