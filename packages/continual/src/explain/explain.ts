/** Explains an answer: all that there is to say of it, each with its own error. */
import { checkArgument, checkOptions, checks, OptionError } from '@burgeon/tensor'
import { Learner } from '../learner.ts'
import { aRecall, type Recall } from '../memory/recall.ts'
import { type Recalled, recalledOf } from '../memory/recalled.ts'
import { aTokenBatch, rowOf, type TokenBatch } from '../stream/batch.ts'
import { directLogits, type Writer } from './inside/direct-logits.ts'
import { attentionFlow } from './inside/attention-flow.ts'
import { integratedGradients } from './inside/integrated-gradients.ts'
import { type LensLayer, logitLens } from './inside/logit-lens.ts'
import { influence, type InfluenceOptions } from './experience/influence.ts'
import { aRetracedLife, type RetracedLife } from './experience/retrace.ts'
import { rememberedRows } from './experience/remembered-rows.ts'
import { whatIf } from './experience/what-if.ts'
import { patch, type PatchEffect } from './patching/patch.ts'
import { anExplained, type Explained, readerOf } from './question/explained.ts'
import {
  askedOf,
  lossOfAnswer,
  type Question,
  type ReadToken,
  textOf,
  textOrTokens,
  type TextOrTokens,
} from './question/question.ts'

/** Runs a piece of work, and awaits it. */
type Turn = <R>(piece: () => Promise<R>) => Promise<R>

/** What an explanation goes by, and how much it costs. */
export interface ExplainOptions extends Pick<Question, 'instead'>, InfluenceOptions {
  /** See `integratedGradients`. */
  readonly baseline?: TextOrTokens
  /** See `patch`. */
  readonly corrupt?: TextOrTokens
  /**
   * Rows that may have taught the answer, of which the most influential are told. What a learner rehearses
   * unless given; nothing of other models.
   */
  readonly rows?: TokenBatch
  /** The learner as it was earlier, whose gradients count as well; as it is alone unless given. */
  readonly checkpoints?: readonly Explained[]
  /** Experiences that are told, from 0. 5 unless given. */
  readonly experiences?: number
  /** What is recalled beside the weights; that of a learner unless given. */
  readonly recall?: Recall
  /** The life of the learner: then what is told of experiences is exact, by one replay for each. */
  readonly life?: RetracedLife
  /**
   * Runs each piece of the work when its turn has come; at once unless given. The model must be the same in
   * each.
   */
  readonly turn?: Turn
}

/** A token that was read, and what it does for the answer. Plain data. */
export interface ExplainedToken extends ReadToken {
  /** Integrated gradients, in logits. */
  readonly attribution: number
  /** Share of the attention that flows to it, from 0 to 1. */
  readonly attention: number
}

/** A part of the model that the answer needs. Plain data. */
export interface Cause extends Omit<PatchEffect, 'share'> {
  /** Share of the score that goes where the part does not know what was read; null where there is none. */
  readonly share: number | null
}

/** An experience that speaks for the answer. Plain data. */
export interface ToldExperience {
  /** Number of the experience; null where nobody said. */
  readonly id: number | null
  readonly source: string | null
  readonly domain: string
  /** The row that was learnt, as text. */
  readonly text: string
  /** From −1 to 1, see `influence`. */
  readonly score: number
  /** How much larger the loss of the answer is without it, in nats, by a replay; null where none was made. */
  readonly effect: number | null
  /** Whether `effect` was measured. */
  readonly exact: boolean
}

/** Why a model answers as it does. Plain data. */
export interface Explanation {
  /** What was read: the prompt, and the answer but for its last token. */
  readonly bytes: readonly ExplainedToken[]
  readonly answer: readonly ReadToken[]
  /** Score of the answer, in logits (see `Question`). */
  readonly score: number
  /** Score where nothing is known of what was read. */
  readonly baselineScore: number
  /** Log-probability of the answer, in nats. */
  readonly logProbability: number
  /** Where in the model the answer appears, from the bottom to the top. */
  readonly layers: readonly LensLayer[]
  /** What each part of the model adds to the score by itself. */
  readonly writers: readonly Writer[]
  /** What the answer needs, measured, the most important first. */
  readonly causes: readonly Cause[]
  /**
   * What was learnt that speaks for the answer, the most influential first; null where nothing is known
   * of it.
   */
  readonly experiences: readonly ToldExperience[] | null
  /** What memory gives beside the weights; null where nothing recalls. */
  readonly recalled: readonly Recalled[] | null
  /** The errors, in logits; of influence as a share, null where there is none. */
  readonly gaps: {
    readonly bytes: number
    readonly writers: number
    readonly attention: number
    readonly experiences: number | null
  }
}

/** Rows of what is rehearsed that are looked at, at most. */
const maxRemembered = 2000

/**
 * Explains why a model would answer a prompt as it is said: by the tokens that it reads, its layers, its
 * parts, what it has learnt, and what it recalls. It changes nothing.
 *
 * @throws OptionError for a question that cannot be asked; ExplanationError where an explanation does not add
 *   up.
 * @example
 * ```ts
 * const why = await explain(model, 'The keeper of Zorvath is ', 'Melkin')
 * console.log(why.bytes.map(({ text, attribution }) => [text, attribution]), why.gaps.bytes)
 * console.log(why.causes[0]) // { block: 'b1', part: 'head', head: 2, effect: …, share: … }
 * ```
 */
export async function explain(
  explained: Explained,
  prompt: TextOrTokens,
  answer: TextOrTokens,
  options: ExplainOptions = {},
): Promise<Explanation> {
  const who = 'explain'
  checkArgument(who, 'explained', explained, anExplained)
  checkArgument(who, 'prompt', prompt, textOrTokens)
  checkArgument(who, 'answer', answer, textOrTokens)
  checkOptions(who, options, {
    ...{ instead: textOrTokens, baseline: textOrTokens, corrupt: textOrTokens, rows: aTokenBatch },
    checkpoints: checks.list('a list of models or learners', anExplained),
    ...{ experiences: checks.count, life: aRetracedLife, recall: aRecall, turn: checks.callback() },
    closely: checks.integer({ from: 1 }),
  })
  const { instead, baseline, corrupt } = options
  const turn = eachIn(options.turn ?? ((piece) => piece()))
  const question: Question = { prompt, answer, ...(instead !== undefined && { instead }) }
  const patched = { ...question, ...(corrupt !== undefined && { corrupt }) }
  const reader = readerOf(who, explained)
  const asked = askedOf(who, reader, question)
  const before = reader.tokenizer.decodeBytes(asked.read.subarray(0, asked.from + 1))
  const recalled = await turn(async () => recalledBy(options.recall ?? recallOf(explained), before))
  const own = await turn(() =>
    integratedGradients(explained, question, baseline === undefined ? {} : { baseline }),
  )
  const flow = await turn(() => attentionFlow(explained, question))
  const layers = await turn(() => logitLens(explained, question))
  const direct = await turn(() => directLogits(explained, question))
  const { effects } = await turn(() => patch(explained, patched, { direction: 'noise' }))
  const loss = await turn(() => lossOfAnswer(reader, asked))
  const experiences = await experiencesOf(explained, question, { ...options, turn })
  return {
    bytes: own.tokens.map((token, i) => ({ ...token, attention: flow.tokens[i].share })),
    answer: Array.from(asked.answer, (token) => ({ token, text: textOf(reader.tokenizer, token) })),
    ...{ score: own.score, baselineScore: own.baselineScore, logProbability: -loss },
    ...{ layers, writers: direct.writers, causes: effects },
    experiences: experiences?.told ?? null,
    recalled,
    gaps: {
      ...{ bytes: own.gap, writers: direct.gap, attention: flow.gap },
      experiences: experiences?.gap ?? null,
    },
  }
}

/** Turns that are known to run what they are given, whatever they return. */
function eachIn(turn: Turn): Turn {
  return async <R>(piece: () => Promise<R>): Promise<R> => {
    const done: R[] = []
    await turn(async () => void done.push(await piece()))
    if (done.length === 1) return done[0]
    throw new OptionError(`explain: turn ran a piece of the work ${done.length} times; expected once.`)
  }
}

const recallOf = (explained: Explained): Recall | undefined =>
  explained instanceof Learner ? explained.strategy.recall : undefined

/** What comes to mind after some bytes; null where nothing recalls. */
function recalledBy(recall: Recall | undefined, bytes: ArrayLike<number>): readonly Recalled[] | null {
  if (recall === undefined) return null
  const recollection = recall.recollect(Uint8Array.from(bytes))
  return recollection === null ? [] : [recalledOf(recollection)]
}

async function experiencesOf(
  explained: Explained,
  question: Question,
  {
    rows: given,
    checkpoints = [],
    experiences = 5,
    closely,
    life,
    turn,
  }: ExplainOptions & Required<Pick<ExplainOptions, 'turn'>>,
): Promise<{ readonly told: readonly ToldExperience[]; readonly gap: number } | null> {
  const rows = given ?? (explained instanceof Learner ? rememberedRows(explained, maxRemembered) : null)
  if (rows === null) return null
  if (experiences === 0) return { told: [], gap: 0 }
  const { rows: found, gap } = await turn(() =>
    influence([...checkpoints, explained], question, rows, closely === undefined ? {} : { closely }),
  )
  const { tokenizer } = readerOf('explain', explained)
  const told: ToldExperience[] = []
  const known = new Set<string>()
  for (const { row, origin, domain, score } of found) {
    // Of an experience of several rows the one that speaks most is told.
    const name = origin === null ? `row ${row}` : `${origin.source} ${origin.id} ${origin.at}`
    if (known.has(name) || told.length === experiences) continue
    known.add(name)
    const bytes = tokenizer.decodeBytes(rowOf(rows, row).filter((token) => token >= 0))
    const id = origin?.id ?? null
    const effect =
      life === undefined || id === null
        ? null
        : await turn(() => whatIf(life, question, { without: { ids: [id] } })).then((own) => own.effect)
    told.push({
      ...{ id, source: origin?.source ?? null, domain, score, effect, exact: effect !== null },
      text: decoder.decode(Uint8Array.from(bytes)),
    })
  }
  return { told, gap }
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
