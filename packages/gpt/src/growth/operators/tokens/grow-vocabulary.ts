/** More tokens. */
import { extendAxis, OptionError, type ParameterChange, keepAxis } from '@burgeon/tensor'
import type { GptConfig } from '../../../config/gpt-config.ts'
import type { GrowVocabulary, NewToken } from '../../requests/growth-request.ts'
import { checkLimit } from '../../../config/size-limits.ts'
import { zero } from '../../changes/parameter-changes.ts'
import { type GrowthStep, type Operator, planned, type PlannedGrowth } from '../../changes/planned-growth.ts'
import { checkMix } from '../../requests/check-values.ts'

/** Share of its first part's probability that a new token starts with where none is given. */
const usualShare = 0.01

/**
 * Offset of a token of share 0: so far below all logits that its probability is 0 to the last bit, and a
 * number that half precision has.
 */
const readOnlyOffset = -30_000

/** The configuration with more tokens. */
function configAfter(config: GptConfig, request: GrowVocabulary): GptConfig {
  const { vocabulary: from } = config
  const to = from + request.tokens.length
  if (to === from) throw new OptionError('grow growVocabulary: got no tokens; expected one or more.')
  checkLimit('grow growVocabulary', 'vocabulary', to)
  checkMix('growVocabulary', from, to - from)
  const offsets = [...(config.logitOffsets ?? Array.from({ length: from }, () => 0))]
  // Parts that are new themselves stand for their own parts, whose number can double from token to token.
  const lengths: number[] = []
  for (const token of request.tokens) {
    checkToken(token, offsets.length)
    lengths.push(token.parts.reduce((total, part) => total + (part < from ? 1 : lengths[part - from]), 0))
    const { share = usualShare } = token
    offsets.push(share === 0 ? readOnlyOffset : offsets[token.parts[0]] + Math.log(share))
    token.takes?.forEach((take, i) => (offsets[token.parts[i]] += Math.log1p(-take)))
  }
  const parts = lengths.reduce((a, b) => a + b, 0)
  if (parts > maxParts) {
    throw new OptionError(
      `grow growVocabulary: got tokens that come to ${parts} old ones; expected at most ${maxParts}. Ask for fewer at a time.`,
    )
  }
  return { ...config, vocabulary: to, headBias: true, logitOffsets: offsets }
}

/** Old tokens that all new ones of a request may be made of. */
const maxParts = 2 ** 20

/**
 * New tokens made of old ones. The embedding of a new token, which is also its row of the head, is the mean
 * of its parts', and so is its row of a head with a matrix of its own; its bias is that of its first part,
 * and an offset of ln(share) makes it as improbable as wanted. A share of 0 is for good: no gradient reaches
 * what has no probability. Where the head had no biases it gets them, 0
 * at first.
 *
 * The logits of old tokens stay, but for those of parts of which something is taken: they fall by −ln(1 −
 * take). If a token ab took all that it stands for, p(ab) = p(a)·p(b | a) and p′(a) = p(a)·(1 − p(b | a)):
 * with share = take = p(b | a), and rows like that of a, the other tokens keep their probability. So share
 * and takes that are counted in the stream move a model's predictions of texts least. Whatever they are,
 * `grow` reports what the new tokens have got as `freshShare`.
 */
function plan(request: GrowVocabulary, { config, after, key }: GrowthStep): PlannedGrowth {
  const { vocabulary: from, headBias = false } = config
  const { vocabulary: to } = after
  const parts: number[][] = []
  for (const token of request.tokens)
    parts.push(token.parts.flatMap((part) => (part < from ? [part] : parts[part - from])))
  const rows = extendAxis(from, to)
  const firsts = parts.map(([first]) => [first])
  const tables = ['embed.token.weight', ...(config.untiedHead ? ['head.weight'] : [])]
  const embeddings = tables.map((path): ParameterChange => {
    const dimensions = [rows, keepAxis(config.embed)]
    return { kind: 'resize', path, dimensions, fresh: { kind: 'average', axis: 0, of: parts } }
  })
  const biases: ParameterChange = headBias
    ? {
        kind: 'resize',
        path: 'head.bias',
        dimensions: [rows],
        fresh: { kind: 'average', axis: 0, of: firsts },
      }
    : { kind: 'add', path: 'head.bias', axes: ['vocabulary'], shape: [to], initial: zero }
  const summary = `vocabulary ${from} → ${to}`
  return planned(request, { config, after, key, summary, changes: [...embeddings, biases] })
}

/** Throws OptionError unless the token can have number `id`. */
function checkToken({ parts, share = usualShare, takes }: NewToken, id: number): void {
  const isToken = (part: number): boolean => Number.isInteger(part) && part >= 0 && part < id
  if (parts.length === 0 || !parts.every(isToken) || !(share >= 0 && share <= 1)) {
    throw new OptionError(
      `grow growVocabulary: got parts ${parts.join(', ')} and share ${share} for token ${id}; ` +
        'expected earlier tokens, and a share from 0 to 1.',
    )
  }
  if (takes && !(takes.length === parts.length && takes.every((take) => take >= 0 && take < 1))) {
    throw new OptionError(
      `grow growVocabulary: got takes ${takes.join(', ')} for token ${id} of ${parts.length} parts; ` +
        'expected a number from 0 to below 1 for each part.',
    )
  }
}

/** The operator of `GrowVocabulary`. */
export const growVocabulary: Operator<GrowVocabulary> = { configAfter, plan }
