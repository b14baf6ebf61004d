/** Begins a life for text of the user's own, or takes up the one that a folder holds. */
import { hasCheckpoint } from '@burgeon/gpt'
import { nodeDisk } from '@burgeon/gpt/node'
import { buildLearner } from '../../session/life/build-learner.ts'
import { type KnownLife, loadLife } from '../../session/life/life-checkpoint.ts'
import { newOrigin } from '../../session/life/life-origin.ts'
import type { LifeSettings } from '../../session/life/life-settings.ts'
import { emptyRecord } from '../../session/record/life-record.ts'
import { readSource } from '../../sources/read-source.ts'
import { recordsAt } from '../../sources/records/record-address.ts'
import type { CommandContext } from '../../terminal/command-context.ts'
import { printable } from '../../terminal/terminal.ts'
import { UsageError } from '../../terminal/usage-error.ts'
import type { SinkFiles } from '../../session/sinks/sink-files.ts'
import type { GuardSettings } from '../../session/guard/guard-settings.ts'
import { wantedChanges } from './wanted-changes.ts'
import type { HeldPolicy } from '../../models/held-policy.ts'
import { readPolicyFile } from '../../session/policy/read-policy-file.ts'
import { readGuards } from '../../session/guard/read-guards.ts'
import { beginFrom } from './begin-from.ts'
import { checkOutput } from './check-output.ts'

export interface LearnOptions extends SinkFiles {
  /** Folder for checkpoint and report. */
  readonly out: string
  /** Goes on from the checkpoint in `out`. */
  readonly resume: boolean
  /** Goes on from it with a source that is new from its first byte, whatever was read of it. */
  readonly append: boolean
  /** Checkpoint, folder or file of a model whose weights it goes on from. */
  readonly from?: string
  /** Rows of that model's own text that are rehearsed. */
  readonly ownText?: number
  /** EWC's λ; protects nothing unless given. */
  readonly protection?: number
  /** How many times the source is read in all. */
  readonly passes?: number
  readonly seed?: number
  /** How far a step goes; that of the checkpoint, or 0.001 for a new life, unless given. */
  readonly learningRate?: number
  /** Max parameters the model may grow to. */
  readonly maxParameters?: number
  /** Max tokens the vocabulary may grow to; the 256 bytes stay alone at 256. */
  readonly vocabulary?: number
  /** Bytes that recall takes beside the weights; nothing is recalled unless given. */
  readonly recall?: number
  /** Steps from one sleep to the next; it never sleeps by itself unless given. */
  readonly sleepEvery?: number
  /** How often sets of tokens are to hold what comes; it keeps no account of that unless given. */
  readonly coverage?: number
  /** Decay of the average of its weights that it answers with; the weights as they are unless given. */
  readonly average?: number
  /** Whether the domain of each row stands before it as a label. */
  readonly labels?: boolean
  /** Learns pictures, sound and tables of numbers as such, beside text. */
  readonly senses?: boolean
  /** File of JSON: guards by name, with their options. Everything is learnt unless given. */
  readonly guard?: string
  /** File of JSON: what may be learnt, said and grown. Everything unless given. */
  readonly policy?: string
  /** Keeps a checkpoint of every size, so that each can be restored. */
  readonly keepSizes: boolean
  /** Share of common pieces from which on a record counts as one that came before. */
  readonly similarity?: number
  /** MB of learnt records that the journal keeps. */
  readonly keepExperience?: number
  /** Column of tables that is read alone. */
  readonly column?: string
}

/** Settings of a life for the user's own text, and the size that its model starts with. */
export function learnSettings(
  {
    seed = 0,
    maxParameters = 4_000_000,
    senses = false,
    vocabulary = senses ? 256 : 1536,
    learningRate = 1e-3,
    protection = 0,
    recall,
    sleepEvery,
    coverage,
    average,
    labels = false,
  }: Partial<LearnOptions>,
  guard?: GuardSettings,
  policy?: HeldPolicy,
): LifeSettings {
  return {
    model: { context: 128, embed: 128, heads: 4, layers: 3, mlpHidden: 256 },
    seed,
    rows: 2,
    learningRate,
    memoryRows: 2000,
    feedback: 2000,
    rehearsalShare: 1,
    protection,
    plateau: 200,
    maxParameters,
    vocabulary,
    watchesBytes: true,
    ...(recall !== undefined && { recall }),
    ...(sleepEvery !== undefined && { sleepEvery }),
    ...(coverage !== undefined && { coverage }),
    ...(average !== undefined && { average }),
    ...(labels && { labels }),
    ...(senses && { senses }),
    ...(guard !== undefined && { guard }),
    ...(policy !== undefined && { policy }),
  }
}

/**
 * A new life; or the one in the folder, if the command is to go on and may; null if the user stopped it
 * before it began.
 */
export async function begunOrTakenUp(
  path: string,
  options: LearnOptions,
  context: CommandContext,
): Promise<KnownLife | null> {
  const { out, seed, vocabulary, maxParameters, learningRate, passes, from, ownText, protection } = options
  const { recall, sleepEvery, coverage, average, labels, senses = false } = options
  const guard = options.guard === undefined ? undefined : await readGuards('learn', options.guard)
  const policy = options.policy === undefined ? undefined : await readPolicyFile('learn', options.policy)
  const isRead = path === '-' ? 'standard input' : recordsAt(path)?.name
  if (isRead !== undefined && (passes ?? 1) > 1)
    throw new UsageError(`learn: got --passes for ${printable(isRead)}, which can be read only once.`)
  if (senses) checkSenses(options, isRead)
  const disk = nodeDisk(out)
  if (!options.resume && !options.append) {
    if (await hasCheckpoint(disk)) {
      throw new UsageError(
        `learn: ${out} already holds a checkpoint. Go on with --resume, or give another --out.`,
      )
    }
    if (from !== undefined) {
      if (labels === true) {
        throw new UsageError(
          'learn: got --labels with --from; expected a life that is born here, whose rows leave room for them.',
        )
      }
      const asked = {
        ownText,
        protection,
        learningRate,
        maxParameters,
        vocabulary,
        recall,
        sleepEvery,
        coverage,
        average,
        guard,
        policy,
        seed,
      }
      const given = Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined))
      await checkBeforeLearning(path, options)
      return beginFrom(from, given, context)
    }
    if (ownText !== undefined) {
      throw new UsageError(
        'learn: got --own-text without --from; expected the model whose own text it is, or no such option.',
      )
    }
    const settings = learnSettings(options, guard, policy)
    const learner = buildLearner(settings)
    const record = emptyRecord(learner.model.parameters.size)
    return { settings, learner, record, origin: newOrigin('learn') }
  }
  if (from !== undefined) {
    throw new UsageError(
      `learn: got --from ${printable(from)} with --resume or --append, but the life in ${printable(out)} has weights of its own. Leave it out.`,
    )
  }
  const wanted = await wantedChanges('learn', disk, { maxParameters, policy }, context)
  const life = await loadLife(disk, {
    ...wanted,
    ...(learningRate !== undefined && { learningRate }),
    ...(senses && { senses }),
    ...(guard !== undefined && { guard }),
  })
  const { settings } = life
  for (const [option, got, kept] of [
    ['--seed', seed, settings.seed],
    ['--vocabulary', vocabulary, settings.vocabulary ?? 256],
    ['--own-text', ownText, settings.ownText ?? 0],
    ['--protection', protection, settings.protection],
    ['--recall', recall, settings.recall ?? 0],
    ['--sleep-every', sleepEvery, settings.sleepEvery ?? 'none'],
    ['--coverage', coverage, settings.coverage ?? 'none'],
    ['--average', average, settings.average ?? 'none'],
    ['--labels', labels, settings.labels ?? false],
  ] as const) {
    if (got !== undefined && got !== kept) {
      throw new UsageError(
        `learn: got ${option} ${got}, but the life in ${out} was begun with ${kept}, which cannot change. Leave it out.`,
      )
    }
  }
  return life
}

/** Throws UsageError for options beside which no sense can be learnt. */
function checkSenses(
  { from, labels = false, vocabulary = 256 }: LearnOptions,
  isRead: string | undefined,
): void {
  const why =
    isRead !== undefined
      ? `for ${printable(isRead)}; expected a file or folder`
      : from !== undefined
        ? 'with --from; expected a life that is born here, of bytes'
        : vocabulary > 256
          ? `with --vocabulary ${vocabulary}; expected 256, the bytes alone`
          : labels
            ? 'with --labels; expected one of the two'
            : undefined
  if (why !== undefined) throw new UsageError(`learn: got --senses ${why}.`)
}

/** What could be found out later is found out before a model writes for minutes. */
async function checkBeforeLearning(path: string, { out, column }: LearnOptions): Promise<void> {
  await checkOutput('learn', out)
  if (path !== '-' && recordsAt(path) === null) await readSource(path, { holdOut: true, out, column })
}
