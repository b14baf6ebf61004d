/** Has a recall take part in texts that are written, and says what of them it gave. */
import { aGrowingTokenizer, type Generated, type GrowingTokenizer, type LogitsProcessor } from '@burgeon/gpt'
import { checkArgument, checks } from '@burgeon/tensor'
import { mixedNext } from './mixed-next.ts'
import { aRecall, type Recall, type Recollection } from './recall.ts'
import { type Recalled, recalledOf } from './recalled.ts'
import { type Spelling, spellingOf } from './spelling.ts'

/** A recall beside a generation. */
export interface RecallWhileWriting {
  /** The option of `generate`. Where nothing comes to mind, the logits stay as they are, to the bit. */
  readonly logitsProcessor: LogitsProcessor
  /**
   * The passages that a text was written from, in their order: tokens that owe at least half of their
   * probability to the recall. `weight` is the share that they owe to it, on average over the tokens.
   *
   * @param row Of the generation.
   * @param written What it wrote.
   */
  recalledIn(row: number, written: Pick<Generated, 'tokens' | 'text'>): readonly Recalled[]
}

/** A token is of the recall from this share of its probability on. */
const ownShare = 0.5

/** What came to mind at a place. */
interface Note {
  readonly recollection: Recollection
  /** Share that the recall has in the probability of each token that it expected. */
  readonly shares: ReadonlyMap<number, number>
}

/** What came to mind while a row was written. */
interface RowNotes {
  /** Tokens of the prompt. */
  readonly from: number
  /** By the number of tokens before. */
  readonly byPlace: Map<number, Note>
}

/**
 * Has texts be written by a model and a recall together: what comes to mind after the text so far is mixed
 * into what the model expects next, before anything else changes that. What is remembered or forgotten while
 * a text is written counts from its next token on.
 *
 * @param tokenizer That of the model; every token is a byte unless given.
 * @returns For one generation.
 * @throws OptionError for what is no recall, or no tokenizer.
 * @example
 * ```ts
 * const memory = episodicMemory({ bytes: 1_000_000 })
 * const { logitsProcessor, recalledIn } = recallWhileWriting(memory)
 * const written = await model.generate([65, 66], { tokens: 20, logitsProcessor })
 * console.log(recalledIn(0, written))
 * ```
 */
export function recallWhileWriting(recall: Recall, tokenizer?: GrowingTokenizer): RecallWhileWriting {
  checkArgument('recallWhileWriting', 'recall', recall, aRecall)
  if (tokenizer !== undefined) checkArgument('recallWhileWriting', 'tokenizer', tokenizer, aGrowingTokenizer)
  const rows = new Map<number, RowNotes>()
  let known: Spelling | undefined
  /** The weights that write may have fewer tokens than there are by now. */
  const spelling = (vocabulary: number): Spelling => {
    if (known?.vocabulary !== vocabulary) known = knownSpelling(vocabulary, tokenizer)
    return known
  }
  return {
    logitsProcessor(logits, text, row) {
      const notes = rows.get(row) ?? { from: text.length, byPlace: new Map<number, Note>() }
      rows.set(row, notes)
      const own = spelling(logits.length)
      const recollection = recall.recollect(bytesOf(text, own))
      const beginnings = recollection === null ? [] : own.beginningsOf(recollection.bytes)
      if (recollection === null || beginnings.length === 0) {
        // A draft may have come here before.
        notes.byPlace.delete(text.length)
        return logits
      }
      const mixed = mixedNext(probabilitiesOf(logits), recollection, own)
      const { weight, spread } = recollection
      const shares = new Map(
        beginnings.map(([token, share]) => [token, (weight * (1 - spread) * share) / mixed[token]]),
      )
      notes.byPlace.set(text.length, { recollection, shares })
      return mixed.map(Math.log)
    },
    recalledIn(row, written) {
      checkArgument('recallWhileWriting: recalledIn', 'written', written, checks.object('a Generated'))
      const notes = rows.get(row)
      return notes === undefined || known === undefined ? [] : passagesIn(written, notes, known)
    },
  }
}

/** The latest of each tokenizer, and the tokens it was made of: to look at all of them takes its time. */
const spellings = new WeakMap<GrowingTokenizer, { readonly spelling: Spelling; readonly tokens: number }>()

function knownSpelling(vocabulary: number, tokenizer: GrowingTokenizer | undefined): Spelling {
  if (tokenizer === undefined) return spellingOf(vocabulary)
  const tokens = Math.min(vocabulary, tokenizer.vocabulary)
  const found = spellings.get(tokenizer)
  if (found?.spelling.vocabulary === vocabulary && found.tokens === tokens) return found.spelling
  const spelling = spellingOf(vocabulary, tokenizer)
  spellings.set(tokenizer, { spelling, tokens })
  return spelling
}

/** A passage in the making. */
interface Passage {
  readonly recollection: Recollection
  readonly bytes: number[]
  readonly shares: number[]
}

function passagesIn(
  { tokens, text }: Pick<Generated, 'tokens' | 'text'>,
  { from, byPlace }: RowNotes,
  spelling: Spelling,
): Recalled[] {
  const passages: Passage[] = []
  // A text that ends the row is among the tokens, and not of what was written.
  let left = text === undefined ? Infinity : new TextEncoder().encode(text).length
  let goesOn = false
  for (const [i, token] of tokens.entries()) {
    const bytes = spelling.bytesOf(token).subarray(0, left)
    left -= bytes.length
    const note = byPlace.get(from + i)
    const share = note?.shares.get(token) ?? 0
    const isOwn = note !== undefined && share >= ownShare && bytes.length > 0
    if (isOwn) {
      const last = passages.at(-1)
      const passage =
        goesOn && last !== undefined && isSame(last.recollection, note.recollection)
          ? last
          : { recollection: note.recollection, bytes: [], shares: [] }
      if (passage !== last) passages.push(passage)
      passage.bytes.push(...bytes)
      passage.shares.push(share)
    }
    goesOn = isOwn
  }
  return passages.map(({ recollection, bytes, shares }) => ({
    ...recalledOf(recollection, Uint8Array.from(bytes)),
    weight: shares.reduce((sum, share) => sum + share, 0) / shares.length,
  }))
}

/** Whether two are of the same experience. */
const isSame = (a: Recollection, b: Recollection): boolean =>
  a.domain === b.domain && a.origin?.id === b.origin?.id && a.origin?.source === b.origin?.source

function bytesOf(text: readonly number[], spelling: Spelling): Uint8Array {
  const parts = text.map((token) => spelling.bytesOf(token))
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

/** Softmax. */
function probabilitiesOf(logits: ArrayLike<number>): Float64Array {
  let [top, total] = [-Infinity, 0]
  for (let i = 0; i < logits.length; i++) top = Math.max(top, logits[i])
  const weights = Float64Array.from(logits, (logit) => Math.exp(logit - top))
  for (const weight of weights) total += weight
  return weights.map((weight) => weight / total)
}
