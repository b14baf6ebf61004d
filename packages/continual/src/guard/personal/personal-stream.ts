/** Finds personal data in text that comes in pieces. */
import { checkArgument, checks, OptionError } from '@burgeon/tensor'
import { type PersonalSpan, redacted, scanned } from './find-personal-data.ts'
import { longestBlock } from './finders/secrets.ts'

/**
 * Characters that are held back, so that what they begin is known: the longest start of anything with blanks
 * in it.
 */
const held = 128
/** Longest word that is waited for: an e-mail address (RFC 5321). */
const longestWord = 320
/** What stays known of the text that is out, for what its end says about the next. */
const known = 512

/** Redacts text that comes in pieces. */
export interface PersonalStream {
  /** Takes a piece; returns the text that has become certain. */
  push(text: string): string
  /** The rest: nothing comes any more. */
  end(): string
}

/**
 * Redacts a text that comes in pieces, wherever it is cut: all that comes out is what `redactPersonalData`
 * makes of the whole, but for a word longer than 320 characters, of which more than one piece may be judged
 * by itself.
 *
 * At most 128 characters are held back, and the word at the border; of what may be a secret, as much as it
 * has, up to 16 KiB.
 *
 * @throws OptionError for a piece that is no text, or one after the end.
 * @example
 * ```ts
 * const stream = personalStream()
 * const pieces = ['Write to anna@exa', 'mple.org'].map((piece) => stream.push(piece))
 * console.log(pieces.join('') + stream.end()) // → Write to [email]
 * ```
 */
export function personalStream(): PersonalStream {
  /** Text that is out, and text that is not. */
  let [before, text] = ['', '']
  let hasEnded = false
  const take = (isEnd: boolean): string => {
    const whole = before + text
    const { spans } = scanned(whole)
    const to = isEnd ? whole.length : borderOf(whole, spans, before.length)
    const own = spans.filter((span) => span.to <= to && span.from >= before.length)
    const out = redacted(whole.slice(0, to), own).slice(before.length)
    const kept = Math.max(0, to - known)
    ;[before, text] = [whole.slice(blankBehind(whole, kept, to), to), whole.slice(to)]
    return out
  }
  return {
    push(piece) {
      checkArgument('PersonalStream.push', 'text', piece, checks.text)
      if (hasEnded) throw new OptionError('PersonalStream: got a piece after the end; expected none.')
      text += piece
      return text.length <= held ? '' : take(false)
    },
    end() {
      if (hasEnded) return ''
      hasEnded = true
      return take(true)
    },
  }
}

/** Where the text that is certain ends: at the begin of a word, and in no place that was found. */
export function borderOf(text: string, spans: readonly PersonalSpan[], least: number): number {
  let to = Math.max(least, text.length - held)
  const word = to
  while (to > least && word - to < longestWord && !isBlank(text.charCodeAt(to - 1))) to--
  if (word - to >= longestWord) to = word
  for (const span of spans.toReversed()) {
    // What touches the end may go on; what is as long as anything can be goes on no more.
    if (span.from >= to || span.to < to || span.from < least) continue
    to = text.length - span.from < longestBlock ? span.from : span.to
  }
  return to
}

/** The begin of the first word behind a place, so that no half of a word is taken for a whole one. */
function blankBehind(text: string, from: number, to: number): number {
  if (from === 0) return 0
  let at = from
  while (at < to && !isBlank(text.charCodeAt(at))) at++
  return at
}

const isBlank = (code: number): boolean => code === 32 || (code >= 9 && code <= 13)
