/** The shared model of a cluster as an ordinary life in a folder, from which everything else goes on. */
import type { Course, OuterState, SurveyedRound } from '@burgeon/cluster'
import { bitsPerByteOf, Learner } from '@burgeon/continual'
import { type Disk, Gpt, hasCheckpoint } from '@burgeon/gpt'
import { UsageError } from '../../terminal/usage-error.ts'
import { printable } from '../../terminal/terminal.ts'
import { auditRead, noteAudit } from '../audit/audit-record.ts'
import { keeper } from '../keeper.ts'
import { partsOf, rebuildLearner } from '../life/build-learner.ts'
import { type KnownLife, loadLife } from '../life/life-checkpoint.ts'
import {
  type FollowedCluster,
  type JudgedText,
  heldOutOf,
  type LifeOrigin,
  newOrigin,
  rememberRead,
} from '../life/life-origin.ts'
import type { LifeSettings } from '../life/life-settings.ts'
import { emptyRecord, type LifeRecord, recordStep } from '../record/life-record.ts'
import type { SourceRead } from '../../sources/source-read.ts'
import { Judge } from './judge.ts'

/** What is known of a cluster where its life is saved. */
export interface SharedMoment {
  readonly state: OuterState
  readonly version: string
  readonly round: number
  readonly learnt: number
  /** Seconds since it was saved last. */
  readonly seconds: number
  /** How far the source was cut into records. */
  readonly source: { readonly label: string; readonly read: SourceRead }
  /** What was let in of it, and is not among the records yet. */
  readonly waiting: readonly JudgedText[]
}

/**
 * The life in the folder of a coordinator. Its record is worked out anew from the log, as all else; only what a log
 * cannot know, such as the audit log and the text that was held out, comes from the checkpoint.
 */
export class SharedLife {
  readonly settings: LifeSettings
  readonly origin: LifeOrigin
  readonly record: LifeRecord
  /** Judges what is to be learnt. */
  readonly judge: Judge
  readonly #followed: Omit<FollowedCluster, 'learnt'>
  #noted = ''
  #audited = ''

  private constructor(
    followed: Omit<FollowedCluster, 'learnt'>,
    settings: LifeSettings,
    origin: LifeOrigin,
    record: LifeRecord,
    judge: Judge,
  ) {
    this.#followed = followed
    this.judge = judge
    this.settings = settings
    this.origin = origin
    this.record = record
  }

  /**
   * The life of a cluster in a folder, or a new one where there is none.
   *
   * @throws UsageError for a folder with another life, or one that has gone on by itself.
   */
  static async open(
    disk: Disk,
    name: string,
    settings: LifeSettings,
    { born, learnt }: Pick<Course, 'born' | 'learnt'>,
    parameters: number,
  ): Promise<SharedLife> {
    const record = emptyRecord(parameters)
    const followed = { name, born }
    if (!(await hasCheckpoint(disk))) {
      const judge = await Judge.of(settings, null)
      return new SharedLife(followed, settings, newOrigin('cluster'), record, judge)
    }
    const life = await loadLife(disk)
    const { origin, learner } = life
    const { cluster } = origin
    const { step } = learner
    const state = await learner.toState()
    letGo(life)
    const isOfCluster = cluster?.name === name && cluster.born === born && cluster.learnt <= learnt
    // One that has gone on by itself has taken steps, or read another text.
    if (!isOfCluster || cluster.learnt !== step || origin.maker !== 'cluster') {
      throw new UsageError(
        `cluster start: ${printable(disk.place)} holds a life that is not where the cluster ${name} has left it. Give another --out.`,
      )
    }
    const { audit, seconds, good, measurements } = life.record
    Object.assign(record, { seconds, good, measurements, ...(audit && { audit }) })
    return new SharedLife(followed, settings, origin, record, await Judge.of(settings, state))
  }

  /** A round has ended: each update that counted is a step of the record. */
  heard(bytes: readonly number[], { learnt }: SurveyedRound, domain: string, parameters: number): void {
    for (const [i, { bitsPerByte }] of learnt.entries()) {
      const step = { domains: [domain], bitsPerByte, bytes: bytes[i], events: [], parameters }
      recordStep(this.record, step, null)
    }
  }

  /**
   * Saves the shared model. Throws CheckpointError as a keeper does.
   *
   * @param note Is told what people should know.
   * @param measures Whether what was held out is predicted first.
   */
  async save(
    disk: Disk,
    moment: SharedMoment,
    note: (text: string) => void,
    measures: boolean = false,
  ): Promise<void> {
    const { settings, origin, record } = this
    const { version, round, learnt, source } = moment
    rememberRead(origin, source.label, source.read)
    if (moment.waiting.length > 0) origin.judged = { label: source.label, waiting: moment.waiting }
    else delete origin.judged
    origin.cluster = { ...this.#followed, learnt }
    record.seconds += moment.seconds
    if (version !== this.#audited) {
      noteAudit(record, learnt, 'cluster', { name: this.#followed.name, round, version, learnt })
      this.#audited = version
    }
    this.#noted = auditRead(record, learnt, { ...source, before: this.#noted })
    const learner = await learnerOf(settings, moment.state, learnt, this.judge)
    const life = { settings, learner, record, origin }
    try {
      if (measures) await measure(life, `after ${source.label}`)
      await keeper(life, { disk, resumeCommand: 'burgeon learn FILE --resume' }, note).save()
    } finally {
      letGo(life)
    }
  }
}

function letGo({ learner }: Pick<KnownLife, 'learner'>): void {
  learner.dispose()
  learner.model.dispose()
}

/** A learner that has the shared weights and has learnt nothing by itself. */
async function learnerOf(
  settings: LifeSettings,
  { config, weights }: OuterState,
  step: number,
  judge: Judge,
): Promise<Learner> {
  const model = Gpt.fromState({ config, weights })
  const fresh = new Learner({ model, ...partsOf(settings) })
  try {
    return rebuildLearner(settings, await judge.notedIn({ ...(await fresh.toState()), step }))
  } finally {
    letGo({ learner: fresh })
  }
}

/** Predicts what was held out, once for each place. */
async function measure({ learner, record, origin }: KnownLife, stage: string): Promise<void> {
  const heldOut = heldOutOf(origin)
  if (heldOut.length === 0 || record.measurements.at(-1)?.bytes === record.bytes) return
  const bitsPerByte: Record<string, number> = {}
  for (const { name, bytes } of heldOut) bitsPerByte[name] = await bitsPerByteOf(learner.model, bytes)
  record.measurements.push({ bytes: record.bytes, stage, learnt: null, bitsPerByte })
}
