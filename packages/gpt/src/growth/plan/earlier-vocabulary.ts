/** Predictions of a model in its earlier vocabulary, so that they can be compared with those of that time. */
import {
  add,
  checkArgument,
  checks,
  exp,
  log,
  matmul,
  max,
  OptionError,
  subtract,
  type Tensor,
} from '@burgeon/tensor'
import { tokensOfSense } from '../operators/tokens/add-sense.ts'
import { aLog, type GrowthLog, grownFromState } from './growth-log.ts'

/**
 * For each token of the present vocabulary the token that its text begins with, in the vocabulary of an
 * earlier time.
 *
 * @param log The model's `growthLog`.
 * @param vocabulary As many tokens as there were then.
 * @throws OptionError for a number of tokens that the model never had.
 */
export function earlierTokens(log: GrowthLog, vocabulary: number): number[] {
  checkArgument('earlierTokens', 'log', log, aLog)
  checkArgument('earlierTokens', 'vocabulary', vocabulary, checks.integer({ from: 1 }))
  const { birth, entries } = log
  const sizes = [birth.vocabulary]
  // What was grown and stands, each with the first part of each new token.
  const grown: (readonly number[])[] = []
  for (const entry of entries) {
    if (entry.kind === 'taken back') {
      sizes.pop()
      grown.pop()
    } else if (entry.kind === 'grown') {
      const { request } = grownFromState(entry)
      const added = request.kind === 'addSense' ? tokensOfSense(request) : request
      const firsts = added.kind === 'growVocabulary' ? added.tokens.map(({ parts: [first] }) => first) : []
      grown.push(firsts)
      sizes.push(sizes[sizes.length - 1] + firsts.length)
    }
  }
  if (!sizes.includes(vocabulary)) {
    throw new OptionError(
      `earlierTokens: got a vocabulary of ${vocabulary}; expected one that the model has had: ${[...new Set(sizes)].join(', ')}.`,
    )
  }
  const first = Array.from({ length: birth.vocabulary }, (_, token) => token)
  for (const part of grown.flat()) first.push(first.length < vocabulary ? first.length : first[part])
  return first
}

/**
 * The logits that a model has for the tokens of an earlier time: those of new tokens are counted for the
 * earlier token that they begin with. The probability that the text goes on with it is the same, whichever
 * token says so. What an ancestor said, as itself or as stored logits, can so be held against what its grown
 * descendant says, and gradients flow back.
 *
 * @param logits `f32 [N, V]`.
 * @param first Of each of the V tokens the earlier one: see `earlierTokens`.
 * @returns `f32 [N, W]` of the W earlier tokens: ln Σ e^logit, except that shares below 1e-30 of a row's
 *   largest are cut off there.
 * @throws OptionError unless there is an earlier token for every column.
 * @example
 * ```ts
 * const first = earlierTokens(model.growthLog, 256)
 * const bytes = logitsOfEarlier(model.forward(tensor([1, 2, 3], { shape: [1, 3], dtype: 'i32' })), first)
 * console.log(bytes.shape) // → [ 3, 256 ]
 * ```
 */
export function logitsOfEarlier(logits: Tensor, first: readonly number[]): Tensor {
  checkArgument('logitsOfEarlier', 'logits', logits, checks.tensor)
  checkArgument('logitsOfEarlier', 'first', first, checks.tokens)
  const [, V] = logits.shape
  if (first.length !== V || V === 0) {
    throw new OptionError(
      `logitsOfEarlier: got first of ${first.length} earlier tokens for ${V} columns; expected one for each.`,
    )
  }
  const W = first.reduce((a, b) => Math.max(a, b), -Infinity) + 1
  if (W === V) return logits
  const members = new Float32Array(V * W)
  first.forEach((earlier, token) => (members[token * W + earlier] = 1))
  const largest = max(logits, { axes: [1], keepDims: true }) // [N, 1]
  const shares = matmul(
    exp(subtract(logits, largest)),
    logits.device.tensor(members, { shape: [V, W], dtype: 'f32' }, 'earlier tokens'),
  )
  return add(log(add(shares, 1e-30)), largest) // [N, W]
}
