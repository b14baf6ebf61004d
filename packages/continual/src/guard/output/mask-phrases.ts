/** Keeps a model from drawing the token that would complete a phrase. */
import type { GrowingTokenizer, LogitsProcessor } from '@burgeon/gpt'
import { PhraseAutomaton } from './phrase-automaton.ts'

/**
 * Masks each token with which a phrase would end, after the text so far. Where every token would, none is
 * masked.
 *
 * @param tokenizer That of the model.
 */
export function maskPhrases(phrases: readonly string[], tokenizer: GrowingTokenizer): LogitsProcessor {
  const automaton = new PhraseAutomaton(phrases)
  /** By state, for a vocabulary of one size. */
  let [size, known] = [0, new Map<number, readonly number[]>()]
  let spelled: readonly Uint8Array[] = []
  const bannedIn = (state: number, vocabulary: number): readonly number[] => {
    if (size !== vocabulary) {
      ;[size, known] = [vocabulary, new Map()]
      spelled = Array.from({ length: Math.min(vocabulary, tokenizer.vocabulary) }, (_, token) =>
        tokenizer.bytesOf(token),
      )
    }
    const found = known.get(state)
    if (found !== undefined) return found
    const banned: number[] = []
    for (const [token, bytes] of spelled.entries()) {
      let at = state
      for (const byte of bytes) {
        at = automaton.step(at, byte)
        if (!automaton.ends(at)) continue
        banned.push(token)
        break
      }
    }
    known.set(state, banned)
    return banned
  }
  return (logits, text) => {
    const banned = bannedIn(stateAfter(text, automaton, tokenizer), logits.length)
    if (banned.length === 0 || banned.length >= logits.length) return logits
    const masked = Float64Array.from(logits)
    for (const token of banned) masked[token] = -Infinity
    return masked
  }
}

/** A blank of a phrase may be so many in a text. */
const mostBlanks = 8

/**
 * The state after the last tokens of a text; what stands farther back than a phrase is long changes nothing.
 */
function stateAfter(
  text: readonly number[],
  automaton: PhraseAutomaton,
  tokenizer: GrowingTokenizer,
): number {
  const parts: Uint8Array[] = []
  let count = 0
  for (let i = text.length - 1; i >= 0 && count < mostBlanks * automaton.longest; i--) {
    const bytes = text[i] < tokenizer.vocabulary ? tokenizer.bytesOf(text[i]) : new Uint8Array()
    parts.push(bytes)
    count += bytes.length
  }
  let state = 0
  for (const part of parts.toReversed()) for (const byte of part) state = automaton.step(state, byte)
  return state
}
