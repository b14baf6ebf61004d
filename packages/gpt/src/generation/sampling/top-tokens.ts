/** The likeliest tokens, without sorting the vocabulary where few are wanted. */
import { NonFiniteError } from '@burgeon/tensor'

/**
 * The likeliest token, the first of equals.
 *
 * @throws NonFiniteError for a logit that is NaN, and where every token is masked.
 */
export function likeliestToken(logits: ArrayLike<number>): number {
  let [best, top] = [-1, -Infinity]
  for (let token = 0; token < logits.length; token++) {
    const logit = logits[token]
    if (logit <= top) continue
    if (Number.isNaN(logit)) {
      throw new NonFiniteError(
        `sampling: got NaN as the logit of token ${token}; expected numbers. If they are a model's, its weights ` +
          'are ruined: go back to an earlier checkpoint.',
      )
    }
    best = token
    top = logit
  }
  if (best >= 0) return best
  throw new NonFiniteError(
    `sampling: got ${logits.length} logits, all −Infinity; expected at least one token that is not masked.`,
  )
}

/** Logits that are looked at to guess which of all are among the likeliest. */
const samples = 1024

/**
 * The `count` likeliest tokens, the likeliest first, of equals the earlier one.
 *
 * @param logits No NaN among them.
 */
export function topTokens(logits: ArrayLike<number>, count: number): number[] | Uint32Array {
  if (8 * count < logits.length) {
    const bound = boundOf(logits, count)
    const above: number[] = []
    for (let token = 0; token < logits.length; token++) if (logits[token] >= bound) above.push(token)
    // Most are left out, and all that are beat them; a guess that was too high is made good below.
    if (above.length >= count && 4 * above.length < logits.length) {
      return above.sort((a, b) => logits[b] - logits[a] || a - b).slice(0, count)
    }
  }
  return rankedTokens(logits).subarray(0, count)
}

/** A logit that about twice as many logits exceed as are wanted, by some at equal distances. */
function boundOf(logits: ArrayLike<number>, count: number): number {
  const size = Math.min(samples, logits.length)
  const some = Float64Array.from({ length: size }, (_, i) => logits[Math.floor((i * logits.length) / size)])
  const exceeding = Math.ceil((size * (2 * count + 32)) / logits.length) + 2
  return some.sort()[Math.max(0, size - exceeding)]
}

/**
 * All tokens, the likeliest first. Of single floats order and place make one number together, and numbers are
 * sorted many times faster than by comparing.
 */
function rankedTokens(logits: ArrayLike<number>): Uint32Array {
  const V = logits.length
  if (!(logits instanceof Float32Array) || V > 2 ** 20) {
    const tokens = Uint32Array.from({ length: V }, (_, token) => token)
    return tokens.sort((a, b) => logits[b] - logits[a] || a - b)
  }
  const values = new Float32Array(V)
  // Adding 0 makes one of both zeros.
  for (let token = 0; token < V; token++) values[token] = logits[token] + 0
  // Bits of a float as a signed integer rise with it above 0 and fall below.
  const bits = new Int32Array(values.buffer)
  const keys = new Float64Array(V)
  for (let token = 0; token < V; token++) {
    const order = bits[token] >= 0 ? bits[token] : -(bits[token] & 0x7fffffff)
    keys[token] = -order * 2 ** 20 + token
  }
  keys.sort()
  const tokens = new Uint32Array(V)
  for (let i = 0; i < V; i++) tokens[i] = keys[i] - Math.floor(keys[i] / 2 ** 20) * 2 ** 20
  return tokens
}
