/** What a worker of a cluster is made of, and what it keeps for itself. */
import { Learner, type LearnerState } from '@burgeon/continual'
import { type Disk, type Gpt, hasCheckpoint, readCheckpoint, writeCheckpoint } from '@burgeon/gpt'
import { checks, fields } from '@burgeon/tensor'
import { partsOf, rebuildLearner } from '../life/build-learner.ts'
import { type LifeSettings, someSettings } from '../life/life-settings.ts'

/** What the founder of a cluster says of the learners of its members: the settings of a life. */
export const birthOf = (life: LifeSettings): Readonly<Record<string, unknown>> => ({ life })

/** The settings of the life that a cluster was born with; null where another program has begun it. */
export function bornSettings(birth: Readonly<Record<string, unknown>> | null): LifeSettings | null {
  const life = birth?.['life']
  return someSettings.accepts(life) ? life : null
}

/**
 * Settings of a worker: those of the life, without what would change the size of its model, or what would stay with
 * this worker alone and be of use to the shared model only.
 */
export function workerSettings(settings: LifeSettings): LifeSettings {
  const { model, seed, rows, learningRate, memoryRows, rehearsalShare, protection, maxParameters } = settings
  const kept = { model, seed, rows, learningRate, memoryRows, rehearsalShare, protection, maxParameters }
  return { ...kept, plateau: 0, vocabulary: 256 }
}

/** What a worker keeps: all that its learner knows but the weights, which the cluster has. */
interface KeptWorker {
  readonly cluster: string
  readonly worker: string
  readonly settings: LifeSettings
}

const aKeptWorker = fields<KeptWorker>('a worker', {
  ...{ cluster: checks.text, worker: checks.text, settings: someSettings },
})

/** Writes what a worker keeps, indivisibly: its optimizer, what it remembers, its counts. */
export async function saveWorker(disk: Disk, kept: KeptWorker, learner: Learner): Promise<void> {
  const { model: _, ...state } = await learner.toState()
  await writeCheckpoint(disk, { learner: state, worker: kept })
}

/**
 * The learner of a worker, with the shared weights and what the worker has kept; a new one where it has kept nothing.
 *
 * @param note Is told where what was kept is of no use.
 */
export async function workerLearner(
  disk: Disk,
  own: KeptWorker,
  shared: Gpt,
  note: (text: string) => void,
): Promise<Learner> {
  const kept = await keptBy(disk, own, note)
  if (kept !== null) {
    try {
      const state = { ...kept, model: await shared.toState() } as LearnerState
      const learner = rebuildLearner(own.settings, state)
      shared.dispose()
      return learner
    } catch (error) {
      note(`what ${own.worker} has kept is of no use to the model as it is now (${(error as Error).message})`)
    }
  }
  return new Learner({ model: shared, ...partsOf(own.settings) })
}

async function keptBy(
  disk: Disk,
  { cluster, worker, settings }: KeptWorker,
  note: (text: string) => void,
): Promise<object | null> {
  if (!(await hasCheckpoint(disk))) return null
  const { learner, worker: kept } = await readCheckpoint(disk)
  const isOwn =
    aKeptWorker.accepts(kept) &&
    kept.cluster === cluster &&
    kept.worker === worker &&
    JSON.stringify(kept.settings) === JSON.stringify(settings)
  if (isOwn) return learner as object
  note(`${disk.place} holds what another worker, or one of another cluster, has kept: it is replaced`)
  return null
}
