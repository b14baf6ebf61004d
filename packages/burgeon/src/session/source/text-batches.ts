/** A stream of bytes as batches in the tokens of a pre-trained model. */
import { type TokenBatch, batchOfTokens, type Chunk, type PlacedBatch } from '@burgeon/continual'
import type { GrowingTokenizer } from '@burgeon/gpt'

/** Bytes that are encoded for each token of a batch: most tokens stand for fewer. */
const bytesPerToken = 8

/** No token depends on bytes farther behind it. */
const lookAhead = 64

/** The form of the batches. */
export interface TextBatchesOptions {
  readonly rows: number
  /** Predictions per row. */
  readonly length: number
  readonly tokenizer: GrowingTokenizer
}

/**
 * Batches of up to `rows` rows of up to `length` predictions. A change of domain ends a batch early.
 *
 * Every row begins with the special token that the tokenizer puts before a text, and each byte is predicted
 * once. Where there is none, a row begins with the last token of the one before.
 *
 * What a batch holds depends on nothing but the bytes from its position on: a reader that starts there gets
 * the same batches as one that never stopped.
 */
export async function* textBatches<P>(
  chunks: AsyncIterable<Chunk<P>> | Iterable<Chunk<P>>,
  options: TextBatchesOptions,
): AsyncGenerator<PlacedBatch<P>, void, void> {
  let waiting: WaitingBytes<P> | undefined
  for await (const chunk of chunks) {
    if (waiting !== undefined && waiting.domain !== chunk.domain) {
      yield* batchesOf(waiting, options, true)
      waiting = undefined
    }
    waiting ??= new WaitingBytes(chunk.domain)
    waiting.add(chunk)
    yield* batchesOf(waiting, options, false)
  }
  if (waiting !== undefined) yield* batchesOf(waiting, options, true)
}

/** Bytes of one domain that are in no batch yet, and where they come from. */
class WaitingBytes<P> {
  readonly domain: string
  #bytes = new Uint8Array()
  #parts: { chunk: Chunk<P>; used: number }[] = []

  constructor(domain: string) {
    this.domain = domain
  }

  get length(): number {
    return this.#bytes.length
  }

  add(chunk: Chunk<P>): void {
    const all = new Uint8Array(this.#bytes.length + chunk.tokens.length)
    all.set(this.#bytes)
    all.set(Uint8Array.from(chunk.tokens), this.#bytes.length)
    this.#bytes = all
    this.#parts.push({ chunk, used: 0 })
  }

  first(count: number): Uint8Array {
    return this.#bytes.subarray(0, count)
  }

  /** Takes bytes away; returns the position behind them. */
  take(count: number): P {
    this.#bytes = this.#bytes.subarray(count)
    for (let left = count; ; ) {
      const [part] = this.#parts
      const here = Math.min(left, part.chunk.tokens.length - part.used)
      part.used += here
      left -= here
      if (left === 0) return part.chunk.positionAfter(part.used)
      this.#parts.shift()
    }
  }
}

function* batchesOf<P>(
  waiting: WaitingBytes<P>,
  { rows, length, tokenizer }: TextBatchesOptions,
  isEnd: boolean,
): Generator<PlacedBatch<P>, void, void> {
  const begin = beginOf(tokenizer)
  const wanted = rows * length + (begin === undefined ? 1 : 0)
  const window = wanted * bytesPerToken + lookAhead
  const least = isEnd ? 1 : window
  while (waiting.length >= least) {
    const isLast = isEnd && waiting.length <= window
    const all = tokenizer.encodeBytes(waiting.first(window))
    const tokens = all.subarray(0, Math.min(wanted, isLast ? all.length : certain(all, tokenizer)))
    const isDone = isLast && tokens.length === all.length
    // The last token is read once more, before what comes after it.
    const taken = begin === undefined && !isDone ? tokens.subarray(0, -1) : tokens
    const batch = batchFrom(tokens, begin, length, waiting.domain)
    const position = waiting.take(tokenizer.decodeBytes(taken).length)
    if (batch !== null) yield { batch, position }
  }
}

/** Tokens at the beginning that bytes behind the last one could not change; two at least. */
function certain(tokens: Int32Array, tokenizer: GrowingTokenizer): number {
  let count = tokens.length
  for (let bytes = 0; bytes < lookAhead && count > 2; count--) {
    bytes += tokenizer.bytesOf(tokens[count - 1]).length
  }
  return count
}

function batchFrom(
  tokens: Int32Array,
  begin: number | undefined,
  length: number,
  domain: string,
): TokenBatch | null {
  if (begin === undefined) return tokens.length < 2 ? null : batchOfTokens(tokens, length, domain)
  const rows = Math.ceil(tokens.length / length)
  const all = new Int32Array(rows * (length + 1)).fill(-1)
  for (let row = 0; row < rows; row++) {
    all[row * (length + 1)] = begin
    all.set(tokens.subarray(row * length, (row + 1) * length), row * (length + 1) + 1)
  }
  return { rows, length, tokens: all, domains: new Array<string>(rows).fill(domain) }
}

/** The token that a tokenizer puts before every text; undefined if there is none. */
export function beginOf(tokenizer: GrowingTokenizer): number | undefined {
  const [first] = tokenizer.encode('')
  return first === undefined || tokenizer.bytesOf(first).length > 0 ? undefined : first
}
