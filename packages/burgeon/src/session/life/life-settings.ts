/** The settings of a life, and what each may be: said once, for a caller and for a checkpoint. */
import { lossWindow } from '@burgeon/continual'
import { type GptSizes, gptConfig } from '@burgeon/gpt'
import {
  type Check,
  checkOptions,
  checks,
  type ChecksOf,
  checkState,
  fields,
  OptionError,
  optional,
  type StateChecks,
} from '@burgeon/tensor'
import { aHeldPolicy, type HeldPolicy } from '../../models/held-policy.ts'
import { type GuardSettings, someGuards } from '../guard/guard-settings.ts'

/**
 * Settings that a life is made with. Plain data: it is kept in the checkpoint, so that a resumed life is
 * built the same way.
 */
export interface LifeSettings {
  readonly model: GptSizes
  readonly seed: number
  /** Rows of a batch, each of `model.context` predictions; a positive integer. */
  readonly rows: number
  /** ≥ 0. */
  readonly learningRate: number
  /** Rows kept for rehearsal; 0 rehearses nothing. */
  readonly memoryRows: number
  /** Old rows learnt per new row; positive where something is rehearsed. */
  readonly rehearsalShare: number
  /** EWC's λ; 0 protects nothing by it. */
  readonly protection: number
  /** Steps over which a plateau is looked for, 8 to 2,000; 0 never grows. */
  readonly plateau: number
  /** Max parameters the model may have. */
  readonly maxParameters: number
  /** Max tokens the vocabulary may come to, from 256 on; the 256 bytes alone unless given. */
  readonly vocabulary?: number
  /**
   * Whether a change of the bytes is noticed beside one of the loss. False in a life of an earlier version.
   */
  readonly watchesBytes?: boolean
  /**
   * The life goes on from weights that were trained elsewhere, with their tokenizer. `model` then says the sizes
   * that it began with, and its `context` the predictions of a row. False unless given.
   */
  readonly pretrained?: boolean
  /** Rows of the model's own text that are rehearsed, beside what is remembered; 0 unless given. */
  readonly ownText?: number
  /** Bytes that recall takes beside the weights, ≥ 2^18; nothing is recalled unless given. */
  readonly recall?: number
  /** Pieces of feedback on its answers that are kept, ≥ 1; none is learnt unless given. */
  readonly feedback?: number
  /**
   * Steps from one sleep to the next, ≥ 1. A life that sleeps holds a fiftieth of what it reads back, to judge
   * by. It never sleeps by itself unless given.
   */
  readonly sleepEvery?: number
  /**
   * How often sets of tokens are to hold what comes, in (0, 1): the life keeps account of how sure it may be. It
   * keeps none unless given.
   */
  readonly coverage?: number
  /**
   * Decay of the average of its weights that it answers with, in [0, 1). It answers with its weights as they are
   * unless given.
   */
  readonly average?: number
  /**
   * Whether the domain of each row stands before it as a label. Rows are one prediction shorter then. False
   * unless given.
   */
  readonly labels?: boolean
  /**
   * Whether pictures, sound and tables of numbers are learnt as such. They are passed over, and tables learnt as
   * text, unless given.
   */
  readonly senses?: boolean
  /** Guards by name, with their options: what may be learnt at all. Everything is learnt unless given. */
  readonly guard?: GuardSettings
  /** What it may learn, say and grow, with the digest of that. Everything unless given. */
  readonly policy?: HeldPolicy
}

/** Fewest bytes in which anything can be recalled. */
export const leastRecall: number = 2 ** 18

const { required } = checks
const aWindow = checks.integer({ from: 8, to: lossWindow })
const aPlateau: Check<number> = {
  expected: `0, or ${aWindow.expected}`,
  accepts: (value): value is number => value === 0 || aWindow.accepts(value),
}

/** Settings that may be changed when a life is resumed. */
export const changeChecks: {
  readonly [K in 'learningRate' | 'maxParameters' | 'senses' | 'guard' | 'policy']: Check<
    Required<LifeSettings>[K]
  >
} = {
  learningRate: checks.number({ from: 0 }),
  maxParameters: checks.number({ from: 0, infinite: true }),
  senses: checks.boolean,
  guard: someGuards,
  policy: aHeldPolicy,
}

const settingsChecks: ChecksOf<LifeSettings> = {
  model: required(
    // What else a model is made of, `gptConfig` looks at.
    fields('sizes of a model', { context: checks.integer({ from: 1 }) }) as unknown as Check<GptSizes>,
  ),
  seed: required(checks.seed),
  rows: required(checks.integer({ from: 1 })),
  learningRate: required(changeChecks.learningRate),
  memoryRows: required(checks.integer({ from: 0 })),
  rehearsalShare: required(checks.number({ from: 0 })),
  protection: required(checks.number({ from: 0 })),
  plateau: required(aPlateau),
  maxParameters: required(changeChecks.maxParameters),
  vocabulary: checks.integer({ from: 256 }),
  watchesBytes: checks.boolean,
  pretrained: checks.boolean,
  ownText: checks.integer({ from: 0 }),
  recall: checks.integer({ from: leastRecall }),
  feedback: checks.integer({ from: 1 }),
  sleepEvery: checks.integer({ from: 1 }),
  coverage: checks.number({ above: 0, below: 1 }),
  average: checks.number({ from: 0, below: 1 }),
  labels: checks.boolean,
  senses: changeChecks.senses,
  guard: changeChecks.guard,
  policy: changeChecks.policy,
}

const {
  vocabulary,
  watchesBytes,
  pretrained,
  ownText,
  recall,
  feedback,
  sleepEvery,
  coverage,
  average,
  labels,
  senses,
  guard,
  policy,
  ...ofEveryVersion
} = settingsChecks
const savedChecks: StateChecks<LifeSettings> = {
  ...ofEveryVersion,
  vocabulary: optional(vocabulary),
  watchesBytes: optional(watchesBytes),
  pretrained: optional(pretrained),
  ownText: optional(ownText),
  recall: optional(recall),
  feedback: optional(feedback),
  sleepEvery: optional(sleepEvery),
  coverage: optional(coverage),
  average: optional(average),
  labels: optional(labels),
  senses: optional(senses),
  guard: optional(guard),
  policy: optional(policy),
}

/** Settings, of this version or another, as a part of a life. */
export const someSettings: Check<LifeSettings> = fields('settings of a life', savedChecks)

/** Throws OptionError for a setting that does not exist, is missing or outside its range. */
export function checkSettings(who: string, settings: LifeSettings): void {
  checkOptions(who, settings, settingsChecks)
  const { memoryRows, rehearsalShare, ownText = 0, feedback } = settings
  if (memoryRows > 0 && rehearsalShare === 0) {
    throw new OptionError(
      `${who}: got rehearsalShare 0 with memoryRows ${memoryRows}; expected a positive number, or memoryRows 0.`,
    )
  }
  if (ownText > 0 && memoryRows === 0) {
    throw new OptionError(
      `${who}: got ownText ${ownText} with memoryRows 0; expected memoryRows above 0, or no own text.`,
    )
  }
  if (feedback !== undefined && memoryRows === 0) {
    throw new OptionError(
      `${who}: got feedback ${feedback} with memoryRows 0; expected memoryRows above 0, for feedback alone ruins a model.`,
    )
  }
  if (!settings.pretrained) gptConfig(settings.model)
}

/** The settings of a checkpoint. Throws StateError for one that is damaged. */
export function settingsFromState(who: string, state: unknown): LifeSettings {
  return checkState(who, state, savedChecks)
}
