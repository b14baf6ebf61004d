/** How well a model predicts a text of any length, each token with as much before it as a window allows. */
import {
  aGrowingTokenizer,
  type AppliedAdapter,
  BytePairTokenizer,
  type Gpt,
  type GrowingTokenizer,
  type QuantizedGpt,
} from '@burgeon/gpt'
import { checkArgument, checkOptions, checks, OptionError, scope } from '@burgeon/tensor'
import type { TextContext } from './context/context-labels.ts'
import { byName, contextMixture } from './context/context-mixture.ts'
import { placed } from './context/rows-in-context.ts'
import { bitsPerByte } from './metrics/prequential.ts'
import { rowsOn } from './stream/batch-tensors.ts'
import { encodedAnew } from './vocabulary/encode-batch.ts'
import { aRecall, type Recall } from './memory/recall.ts'
import { type Spelling, spellingOf } from './memory/spelling.ts'

/** How a text is read. */
export interface EvaluateOptions {
  /** Every token is a byte unless given. */
  readonly tokenizer?: GrowingTokenizer
  /** An adapter beside the model; none unless given. */
  readonly adapter?: AppliedAdapter
  /**
   * Contexts that the text may stand in, such as `contextsOf` of `contextLabels` returns: it is inferred in
   * which it does (`contextMixture`). None unless given.
   */
  readonly contexts?: readonly TextContext[]
  /** Probability that the next token begins another context, in [0, 1). Default 0: the text has one. */
  readonly switching?: number
  /**
   * Tokens that a prediction may see, from 1 to the context less the labels of a context, which it is unless
   * given.
   */
  readonly window?: number
  /** Tokens that each window but the first predicts anew, from 1 to `window`; half of it unless given. */
  readonly stride?: number
  /** Windows computed at a time; 8 unless given. */
  readonly rows?: number
  /** Remembers texts beside the model: the loss is measured with it, too. None unless given. */
  readonly recall?: Recall
  /** Is called and awaited before each pass with the tokens predicted so far, and all of them. */
  readonly onProgress?: (predicted: number, all: number) => unknown
}

/** Loss of a text. */
export interface TextEvaluation {
  /** Loss of all predicted tokens, in bits, by the bytes that they stand for. */
  readonly bitsPerByte: number
  /**
   * The same with what a recall remembers mixed in, each token by the mixture as those before it have made
   * it. The recall stays as it is. Absent without one.
   */
  readonly mixedBitsPerByte?: number
  /** Mean loss of a predicted token, in nats. */
  readonly natsPerToken: number
  /** e to the power of `natsPerToken`. */
  readonly perplexity: number
  /** Tokens that were predicted. */
  readonly tokens: number
  /** Bytes of text that they stand for. */
  readonly bytes: number
  readonly window: number
  readonly stride: number
  /** With contexts: how probable each is in the end, the likeliest first. */
  readonly context?: Readonly<Record<string, number>>
}

/** A text in tokens, apart from the one before it that is only read. */
export interface EncodedText {
  readonly before: number
  /** Whether `before` is a special token, which stands before every window. */
  readonly isSpecial: boolean
  readonly predicted: Int32Array
  /** Bytes that the predicted tokens stand for. */
  readonly bytes: number
}

const aModel = checks.role<Gpt | QuantizedGpt>('a Gpt or a QuantizedGpt', 'config', 'device', 'losses')
const bytePairs = new BytePairTokenizer()
const aText = checks.either(checks.text, checks.instance('bytes', Uint8Array))

/**
 * Bits per byte, nats per token and perplexity of a text.
 *
 * The text is read in windows of `window` tokens, each `stride` tokens after the one before; a window counts
 * the tokens that no window before it has. So every token is predicted once, and all but the first `window`
 * with at least `window − stride` tokens before it. Where the tokenizer puts a special token before a text,
 * it stands before every window. Without one the first token is only read.
 *
 * @param text At least two tokens, as it is or as bytes.
 * @throws OptionError for a shorter text, or a tokenizer that is not the model's.
 */
export async function evaluateText(
  model: Gpt | QuantizedGpt,
  text: string | Uint8Array,
  options: EvaluateOptions = {},
): Promise<TextEvaluation> {
  const who = 'evaluateText'
  checkArgument(who, 'model', model, aModel)
  checkArgument(who, 'text', text, aText)
  const { vocabulary } = model.config
  const contexts = contextsIn(who, options)
  const context = model.config.context - contexts[0].tokens.length
  checkOptions(who, options, {
    tokenizer: aGrowingTokenizer,
    adapter: checks.role<AppliedAdapter>('a LoraAdapter', 'config', 'weights'),
    contexts: someContexts,
    switching: checks.number({ from: 0, below: 1 }),
    window: checks.integer({ from: 1, to: context }),
    stride: checks.integer({ from: 1 }),
    rows: checks.integer({ from: 1 }),
    recall: aRecall,
    onProgress: checks.callback(),
  })
  const { tokenizer = bytePairs, window = context, rows = 8, onProgress = () => {} } = options
  const { stride = Math.ceil(window / 2), adapter, recall, switching = 0 } = options
  if (stride > window) {
    throw new OptionError(
      `${who}: got stride ${stride} and window ${window}; expected a stride of at most the window, so that every token is predicted.`,
    )
  }
  if (tokenizer.vocabulary > vocabulary) {
    throw new OptionError(
      `${who}: got a tokenizer of ${tokenizer.vocabulary} tokens for a model of ${vocabulary}; expected the model's own.`,
    )
  }
  const encoded = encodedText(who, text, tokenizer)
  const { predicted, bytes } = encoded
  const all = new Float64Array(predicted.length)
  const mixture = contextMixture(contexts.length, { switching })
  let counted = 0
  const windows = windowsOf(predicted.length, window, stride)
  for (let at = 0; at < windows.length; at += rows) {
    await onProgress(counted, predicted.length)
    const some = windows.slice(at, at + rows)
    const { read, targets } = rowsOfWindows(encoded, some, window)
    const found: ArrayLike<number>[] = []
    for (const { tokens: before } of contexts) {
      const rowsBefore = some.map(() => before)
      const rowsOfAll = placed({ read, targets, length: window }, rowsBefore)
      using losses = scope(() => {
        const tokens = rowsOn(model.device, rowsOfAll.inputs, rowsOfAll.length)
        const shape = [rowsOfAll.targets.length]
        const wanted = model.device.tensor(rowsOfAll.targets, { shape, dtype: 'i32' }, 'targets')
        return model.losses(tokens, wanted, undefined, adapter ? { adapters: adapter } : {})
      })
      const values = await losses.read()
      found.push(Array.from(rowsOfAll.places, (place) => values[place]))
    }
    for (const [row, { start, from, to }] of some.entries()) {
      for (let i = from; i < to; i++) {
        const place = row * window + i - start
        all[i] = found.length === 1 ? found[0][place] : mixture.update(found.map((losses) => losses[place]))
      }
      counted += to - from
    }
  }
  const total = all.reduce((a, b) => a + b, 0)
  const mixed = recall && mixedLosses(recall, encoded, all, spellingOf(vocabulary, tokenizer))
  const natsPerToken = total / predicted.length
  return {
    bitsPerByte: bitsPerByte(total / bytes),
    ...(mixed && { mixedBitsPerByte: bitsPerByte(mixed.reduce((a, b) => a + b, 0) / bytes) }),
    natsPerToken,
    perplexity: Math.exp(natsPerToken),
    tokens: predicted.length,
    bytes,
    window,
    stride,
    ...(options.contexts && { context: byName(contexts, mixture.probabilities) }),
  }
}

const someContexts = checks.list(
  'a list of contexts { name, tokens }',
  checks.role<TextContext>('a context', 'name', 'tokens'),
)

/** The contexts that are asked for; one without labels where there are none. */
function contextsIn(who: string, options: EvaluateOptions): readonly TextContext[] {
  const { contexts = [] } = options ?? {}
  checkArgument(who, 'contexts', contexts, someContexts)
  const other = contexts.find(({ tokens }) => tokens.length !== contexts[0].tokens.length)
  if (other === undefined) return contexts.length === 0 ? [{ name: '', tokens: [] }] : contexts
  throw new OptionError(
    `${who}: got a context of ${contexts[0].tokens.length} labels and one of ${other.tokens.length}; expected as many for each.`,
  )
}

/**
 * A text in the tokens of a model. Of byte pairs the first byte is a token of its own, which is only read; a
 * pre-trained tokenizer encodes text as it was trained to, and bytes that are no text as they are.
 *
 * @throws OptionError for a text in which there is nothing to predict.
 */
export function encodedText(
  who: string,
  text: string | Uint8Array,
  tokenizer: GrowingTokenizer,
): EncodedText {
  const all = typeof text === 'string' ? new TextEncoder().encode(text) : text
  const tokens = tokenizer instanceof BytePairTokenizer ? encodedAnew(all, tokenizer) : own(all, tokenizer)
  const [before] = tokens
  const isSpecial = tokens.length > 0 && tokenizer.bytesOf(before).length === 0
  // What a tokenizer adds behind a text is no part of it.
  let end = tokens.length
  while (end > 1 && tokenizer.bytesOf(tokens[end - 1]).length === 0) end--
  const predicted = tokens.subarray(1, end)
  const bytes = all.length - (isSpecial ? 0 : tokens.length > 0 ? tokenizer.bytesOf(before).length : 0)
  if (predicted.length > 0 && bytes > 0) return { before, isSpecial, predicted, bytes }
  throw new OptionError(
    `${who}: got a text of ${all.length} bytes; expected at least 2 tokens, one to read and one to predict.`,
  )
}

function own(bytes: Uint8Array, tokenizer: GrowingTokenizer): Int32Array {
  try {
    return tokenizer.encode(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes))
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    return tokenizer.encodeBytes(bytes)
  }
}

function mixedLosses(
  recall: Recall,
  { before, predicted }: EncodedText,
  losses: Float64Array,
  spelling: Spelling,
): Float64Array {
  const tokens = new Int32Array(predicted.length + 1)
  tokens[0] = before
  tokens.set(predicted, 1)
  return recall.read({ tokens, losses, domain: 'text', origin: null }, spelling)
}

/** The predictions of a window that count, `from` to `to`, and the first that it makes. */
interface Window {
  readonly start: number
  readonly from: number
  readonly to: number
}

function windowsOf(count: number, window: number, stride: number): Window[] {
  const windows: Window[] = []
  for (let start = 0, done = 0; done < count; start += stride) {
    const to = Math.min(count, start + window)
    if (to > done) windows.push({ start, from: done, to })
    done = to
  }
  return windows
}

/** What windows read, `[windows · window]`, and what they are to predict; negative where nothing counts. */
function rowsOfWindows(
  { before, isSpecial, predicted }: EncodedText,
  windows: readonly Window[],
  window: number,
): { read: Int32Array; targets: Int32Array } {
  const read = new Int32Array(windows.length * window)
  const targets = new Int32Array(windows.length * window).fill(-1)
  for (const [row, { start, from, to }] of windows.entries()) {
    read[row * window] = isSpecial || start === 0 ? before : predicted[start - 1]
    for (let i = start; i < to; i++) {
      const place = row * window + i - start
      if (i + 1 < to) read[place + 1] = predicted[i]
      if (i >= from) targets[place] = predicted[i]
    }
  }
  return { read, targets }
}
