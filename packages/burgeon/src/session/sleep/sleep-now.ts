/** Has a life sleep at once: also one that never sleeps by itself. */
import { Learner, type LearnerState, neverTrigger, type SleepReport } from '@burgeon/continual'
import { flopsPerToken } from '@burgeon/gpt'
import { tokenizerFromState, tokenizerState } from '../../models/saved-tokenizer.ts'
import { partsOf, type PretrainedParts, rebuildLearner } from '../life/build-learner.ts'
import type { KnownLife } from '../life/life-checkpoint.ts'
import { sleptShare, usualSleep } from '../life/life-sleep.ts'
import { type LifeRecord, recordEvents } from '../record/life-record.ts'
import { heldOutProbes } from './held-out-probes.ts'

/** What a sleep was judged by, and what it came to. */
export interface SleptNow {
  /** The life after it; the one before must not be used any more. */
  readonly life: KnownLife
  readonly report: SleepReport
  /** Rows that could judge what was learnt. */
  readonly judges: number
}

/** Steps for which a life pays that never sleeps by itself, at most: no night is endless. */
const mostSteps = 5000

/**
 * Sleeps once, within a twentieth of the operations of the steps since the last sleep. A life that never
 * sleeps by itself is judged by the text that it holds out, and sleeps as lives do.
 *
 * @param steps For so many steps, whatever was done since the last sleep. Not so unless given.
 */
export async function sleepNow(life: KnownLife, steps?: number): Promise<SleptNow> {
  const { learner, record, settings } = life
  const isOwn = settings.sleepEvery !== undefined
  const sleeper = isOwn ? learner : await borrowed(life)
  const awake = steps ?? (isOwn ? null : Math.min(mostSteps, stepsSinceSleep(record, learner.step)))
  const before = new Set(sleeper.journal)
  const report = await sleeper.sleep(awake === null ? {} : { operations: operationsFor(life, awake) })
  const events = sleeper.journal.filter((event) => !before.has(event))
  const judges = sleeper.strategy.probes?.rows ?? 0
  const own = isOwn ? life : { ...life, ...(await givenBack(life, sleeper)) }
  recordEvents(record, events, own.learner.model.parameters.size)
  return { life: own, report, judges }
}

function stepsSinceSleep({ events }: LifeRecord, step: number): number {
  const last = events.findLast(({ event }) => event.kind === 'sleep')
  return step - (last?.event.step ?? 0)
}

/** The share of so many steps, with as many old rows as new ones ask for. */
function operationsFor({ learner, settings }: KnownLife, steps: number): number {
  const { rows, rehearsalShare, memoryRows, model } = settings
  const learnt = rows * (1 + (memoryRows > 0 ? rehearsalShare : 0)) * model.context
  return sleptShare * steps * learnt * flopsPerToken(learner.model.config).training
}

/** A learner that is the one of the life, and can sleep. Judges come from text that was never learnt. */
async function borrowed(life: KnownLife): Promise<Learner> {
  const { learner, settings } = life
  const more = { probes: await heldOutProbes(life), sleep: usualSleep(settings, neverTrigger) }
  const state = await learner.toState()
  // Parts that are new to it begin as they are in a learner that has not begun.
  const parts = partsOf(settings, ownTokenizer(life))
  const fresh = new Learner({ ...parts, model: learner.model, strategy: { ...parts.strategy, ...more } })
  const begun = (await fresh.toState()).parts.filter(isBorrowed)
  fresh.dispose()
  const whole = { ...state, parts: [...state.parts, ...begun] }
  return rebuildLearner(settings, whole, ownTokenizer(life), more)
}

/** The learner of the life again, after what it did asleep. */
async function givenBack(
  life: KnownLife,
  sleeper: Learner,
): Promise<Pick<KnownLife, 'learner' | 'tokenizer'>> {
  const { parts, ...rest } = await sleeper.toState()
  const state: LearnerState = { ...rest, parts: parts.filter((part) => !isBorrowed(part)) }
  const pretrained = ownTokenizer(life)
  const learner = rebuildLearner(life.settings, state, pretrained)
  for (const old of [sleeper, life.learner]) {
    old.dispose()
    old.model.parameters.dispose()
  }
  return { learner, ...(pretrained && { tokenizer: pretrained.tokenizer }) }
}

const isBorrowed = ({ role }: { readonly role: string }): boolean => role === 'probes' || role === 'sleep'

/** The tokenizer of pre-trained weights once more: one that grows belongs to one learner. */
function ownTokenizer({ tokenizer, settings }: KnownLife): PretrainedParts | undefined {
  if (tokenizer === undefined) return undefined
  const isGrowing = settings.vocabulary !== undefined
  return { tokenizer: tokenizerFromState('sleep', tokenizerState(tokenizer), isGrowing) }
}
