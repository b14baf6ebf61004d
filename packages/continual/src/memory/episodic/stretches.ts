/** Stretches of a text: pieces of equal length, joined to episodes that begin where it surprises. */
import { longestEpisode } from './episodes.ts'
import type { ReadText } from '../recall.ts'
import type { Spelling } from '../spelling.ts'

/** Bytes of a stretch. */
const stretch = 64
/** Stretches by whose losses it is judged what is usual. */
export const usualOf = 64

/** A text in bytes. */
export interface SpelledText {
  readonly bytes: Uint8Array
  /** First byte of each token, and the end. */
  readonly starts: Int32Array
}

/** The bytes of all tokens. */
export function spelled(tokens: Int32Array, spelling: Spelling): SpelledText {
  const starts = new Int32Array(tokens.length + 1)
  for (let i = 0; i < tokens.length; i++) starts[i + 1] = starts[i] + spelling.bytesOf(tokens[i]).length
  const bytes = new Uint8Array(starts[tokens.length])
  for (let i = 0; i < tokens.length; i++) bytes.set(spelling.bytesOf(tokens[i]), starts[i])
  return { bytes, starts }
}

/** A stretch of text that belongs together. */
export interface Cut {
  readonly from: number
  readonly to: number
  /** Loss above what is usual, in bits per byte; 0 or more. */
  readonly loss: number
}

/**
 * Cuts a text where the loss of a stretch is above the mean of the latest ones by more than their standard
 * deviation (Fountas et al. 2024, equation 1, with stretches for tokens), and where an episode would be too
 * long.
 *
 * @param usual Losses of the latest stretches, in bits per byte; those of this text are added.
 */
export function cutsOf({ bytes, starts }: SpelledText, losses: ReadText['losses'], usual: number[]): Cut[] {
  const lossUpTo = summed(starts, losses, bytes.length)
  const mean = usual.reduce((a, b) => a + b, 0) / Math.max(usual.length, 1)
  const variance = usual.reduce((sum, loss) => sum + (loss - mean) ** 2, 0) / Math.max(usual.length, 1)
  const limit = mean + Math.sqrt(variance)
  const lossBetween = (from: number, to: number): number => {
    // The first token is only read.
    const predicted = to - Math.max(from, starts[1])
    return predicted <= 0 ? 0 : (lossUpTo[to] - lossUpTo[from]) / predicted
  }
  const borders: number[] = []
  for (let from = 0; from < bytes.length; from += stretch) {
    const loss = lossBetween(from, Math.min(from + stretch, bytes.length))
    const isNew = usual.length > 0 && loss > limit
    if (borders.length === 0 || isNew || from + stretch - borders[borders.length - 1] > longestEpisode) {
      borders.push(from)
    }
    usual.push(loss)
  }
  usual.splice(0, Math.max(0, usual.length - usualOf))
  return borders.map((from, i) => {
    const to = borders[i + 1] ?? bytes.length
    return { from, to, loss: lossBetween(from, to) }
  })
}

/** Bits lost up to each byte; a token's loss is spread evenly over its bytes. */
function summed(starts: Int32Array, losses: ReadText['losses'], end: number): Float64Array {
  const total = new Float64Array(end + 1)
  for (let token = 0; token + 1 < starts.length; token++) {
    const length = starts[token + 1] - starts[token]
    const each = token === 0 ? 0 : losses[token - 1] / Math.LN2 / length
    for (let at = starts[token]; at < starts[token + 1]; at++) total[at + 1] = total[at] + each
  }
  return total
}
