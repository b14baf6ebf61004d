/** Saves a life and wakes it up again. */
import { Learner, type LearnerState } from '@burgeon/continual'
import {
  aGrowingTokenizer,
  CheckpointError,
  type Disk,
  type GrowingTokenizer,
  readCheckpoint,
  type WhichCheckpoint,
  writeCheckpoint,
} from '@burgeon/gpt'
import { type Check, checkArgument, checkOptions, checks, checkState, optional } from '@burgeon/tensor'
import { tokenizerFromState, tokenizerState } from '../../models/saved-tokenizer.ts'
import { commitAudit } from '../audit/commit-audit.ts'
import { rebuildLearner } from './build-learner.ts'
import { anOrigin, type LifeOrigin, newOrigin } from './life-origin.ts'
import { type LifeRecord, recordFromState } from '../record/life-record.ts'
import { changeChecks, type LifeSettings, settingsFromState, someSettings } from './life-settings.ts'
import { aRecord } from '../record/record-checks.ts'

/** A life between two steps. */
export interface Life {
  readonly settings: LifeSettings
  readonly learner: Learner
  readonly record: LifeRecord
  /** The command that made it and the sources it has read; unknown unless given. */
  readonly origin?: LifeOrigin
  /** The tokenizer that pre-trained weights came with; none of a life that was born here. */
  readonly tokenizer?: GrowingTokenizer
}

/** A life that knows where it comes from. */
export type KnownLife = Life & { readonly origin: LifeOrigin }

const aDisk: Check<Disk> = checks.role('a disk, as of nodeDisk', 'place', 'read', 'write')

/** Throws OptionError for what is no life, or has a part that is none. */
export function checkLife(who: string, life: Life): void {
  checkOptions(who, life, {
    settings: checks.required(someSettings),
    learner: checks.required(checks.instance('a Learner', Learner)),
    record: checks.required(aRecord),
    origin: anOrigin,
    tokenizer: aGrowingTokenizer,
  })
}

/**
 * Writes everything a life is, indivisibly: a killed process finds this one or the one before. What has
 * changed its weights since the last time goes into the audit log of the folder just before.
 *
 * @throws OptionError for what is no life; AuditError, CheckpointError, and what the disk throws.
 */
export async function saveLife(disk: Disk, life: Life): Promise<void> {
  checkArgument('saveLife', 'disk', disk, aDisk)
  checkLife('saveLife', life)
  const { settings, learner, record, origin = newOrigin('unknown'), tokenizer } = life
  const { model, ...rest } = await learner.toState()
  const takeBack = await commitAudit(disk, life, Date.now())
  const parts = { model, learner: rest, life: { settings, record, origin } }
  try {
    await writeCheckpoint(disk, tokenizer ? { ...parts, tokenizer: tokenizerState(tokenizer) } : parts)
  } catch (error) {
    takeBack()
    throw error
  }
}

/**
 * Reads a life: the present one of the folder, or one that was kept.
 *
 * @param changes Settings that are to be others from now on; only those that no part of a learner is made of
 *   can be.
 * @throws CheckpointError if there is none, it is damaged, or it is something else; StateError for a part
 *   that is damaged; OptionError for a change that cannot be.
 */
export async function loadLife(
  disk: Disk,
  changes: Partial<Pick<LifeSettings, 'maxParameters' | 'learningRate' | 'senses' | 'guard' | 'policy'>> = {},
  which: WhichCheckpoint = {},
): Promise<KnownLife> {
  checkArgument('loadLife', 'disk', disk, aDisk)
  checkOptions('loadLife', changes, changeChecks)
  checkOptions('loadLife', which, { kept: checks.integer({ from: 1 }) })
  const parts = await readCheckpoint(disk, which)
  if (!parts.model || !parts.learner || !parts.life) {
    throw new CheckpointError(
      `${disk.place}: this checkpoint holds ${Object.keys(parts).join(', ')}, which is no life.`,
    )
  }
  const who = `loadLife: ${disk.place}`
  const saved = checkState(who, parts.life, {
    settings: checks.object('settings'),
    record: checks.object('a record'),
    origin: optional(anOrigin),
  })
  const given = Object.entries(changes).filter(([, change]) => change !== undefined)
  const settings = { ...settingsFromState(who, saved.settings), ...Object.fromEntries(given) }
  const record = recordFromState(who, saved.record)
  const state = { ...parts.learner, model: parts.model } as LearnerState
  const origin = saved.origin ?? newOrigin('unknown')
  if (!settings.pretrained) {
    const learner = rebuildLearner(settings, state)
    return { settings, learner, record, origin }
  }
  // What a growing vocabulary has learnt comes with its own state.
  const isGrowing = settings.vocabulary !== undefined
  const tokenizer = tokenizerFromState(disk.place, parts.tokenizer, isGrowing)
  const learner = rebuildLearner(settings, state, { tokenizer })
  return { settings, learner, record, origin, tokenizer }
}
