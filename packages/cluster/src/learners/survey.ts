/** What can be seen of a cluster by its log alone, without its weights. */
import { checkArgument, checks } from '@burgeon/tensor'
import { aLog, type Log, type LogEntry } from '../seams/log.ts'
import { type Course, courseAfter, fits } from './course.ts'
import { type ClosedEntry, entryFromBytes, type RefusedUpdate } from './entries.ts'

/** What is known of a worker. */
export interface SurveyedWorker {
  readonly name: string
  readonly isMember: boolean
  /** Records of the open round that it has to learn and has not sent. */
  readonly share: number
  /** Updates that counted, … */
  readonly updates: number
  /** … records in them, … */
  readonly steps: number
  /** … and of the latest of them the mean loss of its records before they were learnt, in bits per byte. */
  readonly bitsPerByte: number | null
  readonly refused: number
  /** Why it left, where it did. */
  readonly left: string | null
}

/** An update that did not count. */
export interface SurveyedRefusal {
  readonly round: number
  readonly worker: string
  readonly reason: string
}

/** Where a cluster stands, and what became of its workers. Plain data. */
export interface ClusterSurvey {
  readonly course: Course
  /** In alphabetical order: all that ever joined. */
  readonly workers: readonly SurveyedWorker[]
  /** The latest hundred. */
  readonly refused: readonly SurveyedRefusal[]
}

/** Refusals that are told. */
const told = 100

/**
 * Reads the log of a cluster. It needs no weights, and changes nothing.
 *
 * @param heard Called with each round that has ended, in order: its updates that counted, and where its records lie.
 * @returns null where no cluster has begun.
 * @throws What the log throws.
 */
export async function surveyCluster(
  log: Log,
  heard: (round: SurveyedRound) => void = () => {},
): Promise<ClusterSurvey | null> {
  checkArgument('surveyCluster', 'log', log, aLog)
  checkArgument('surveyCluster', 'heard', heard, checks.callback<typeof heard>())
  let survey: ClusterSurvey | null = null
  for await (const written of log.read(1)) survey = surveyAfter(survey, written, heard)
  return survey
}

/** A round that has ended: of each update that counted the positions of its records, and their mean loss. */
export interface SurveyedRound {
  readonly round: number
  readonly version: string
  readonly learnt: readonly {
    readonly worker: string
    readonly records: readonly number[]
    readonly bitsPerByte: number
  }[]
  readonly refused: readonly RefusedUpdate[]
}

/**
 * A survey after one more entry of the log.
 *
 * @param survey null before the first.
 */
export function surveyAfter(
  survey: ClusterSurvey | null,
  written: LogEntry,
  heard: (round: SurveyedRound) => void = () => {},
): ClusterSurvey | null {
  const entry = entryFromBytes(written.payload)
  const before = survey?.course ?? null
  const course = courseAfter(before, written, entry)
  if (course === null) return null
  if (survey === null || before === null || entry === null || !fits(before, entry, written.author)) {
    return { workers: [], refused: [], ...survey, course }
  }
  const known = new Map(survey.workers.map((worker) => [worker.name, worker]))
  const change = (name: string, own: Partial<SurveyedWorker>): void => {
    const worker = known.get(name)
    if (worker !== undefined) known.set(name, { ...worker, ...own })
  }
  let { refused } = survey
  if (entry.kind === 'joined')
    known.set(entry.worker, { ...(known.get(entry.worker) ?? born(entry.worker)), left: null })
  if (entry.kind === 'left') change(entry.worker, { left: entry.reason })
  if (entry.kind === 'closed') {
    const round = endedRound(before, entry)
    for (const { worker, records, bitsPerByte } of round.learnt) {
      const { updates = 0, steps = 0 } = known.get(worker) ?? {}
      change(worker, { updates: updates + 1, steps: steps + records.length, bitsPerByte })
    }
    for (const { worker } of entry.refused) change(worker, { refused: (known.get(worker)?.refused ?? 0) + 1 })
    refused = [...refused, ...entry.refused.map((each) => ({ round: entry.round, ...each }))].slice(-told)
    heard(round)
  }
  const workers = [...known.values()].map((worker) => ({ ...worker, ...standing(course, worker.name) }))
  return { course, workers: workers.toSorted((a, b) => (a.name < b.name ? -1 : 1)), refused }
}

const born = (name: string): SurveyedWorker => ({
  ...{ name, isMember: true, share: 0, updates: 0, steps: 0, bitsPerByte: null, refused: 0, left: null },
})

const standing = ({ members, open }: Course, name: string): Pick<SurveyedWorker, 'isMember' | 'share'> => ({
  isMember: members.includes(name),
  share: open?.awaited.includes(name) ? open.shares[name].length : 0,
})

function endedRound({ open }: Course, { round, version, accepted, refused }: ClosedEntry): SurveyedRound {
  const learnt = accepted.map(({ worker }) => ({
    worker,
    records: open?.shares[worker] ?? [],
    bitsPerByte: open?.updates.find((update) => update.worker === worker)?.bitsPerByte ?? 0,
  }))
  return { round, version, learnt, refused }
}
