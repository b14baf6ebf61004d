/** More tokens. */
import { extended, type Key, OptionError, unchanged } from '@burgeon/tensor'
import type { GptConfig } from '../../gpt-config.ts'
import type { GrowVocabulary } from '../growth-request.ts'
import { parametersBetween, type PlannedGrowth } from '../planned-growth.ts'

/** What part of its first part's probability a new token starts with where none is given. */
const usualShare = 0.01

/**
 * New tokens made of old ones. The embedding of a new token, which is also its row of the head, is the mean of its parts'; a bias on its
 * logit, ln(share), makes it as improbable as wanted. Where the head had no biases it gets them, 0 for the old tokens.
 *
 * The logits of old tokens stay. The distribution over them cannot stay exactly: the new tokens take what `grow` reports as `freshShare`,
 * and the old ones keep their proportions.
 */
export function planVocabulary(config: GptConfig, request: GrowVocabulary, key: Key): PlannedGrowth {
  const { vocabulary: from, headBias = false } = config
  const to = from + request.tokens.length
  if (to === from) throw new OptionError('grow vocabulary: got no tokens; expected one or more.')
  // Parts that are new themselves stand for their own parts.
  const parts: number[][] = []
  for (const [i, token] of request.tokens.entries()) {
    const { share = usualShare } = token
    const isToken = (part: number): boolean => Number.isInteger(part) && part >= 0 && part < from + i
    if (token.parts.length === 0 || !token.parts.every(isToken) || !(share > 0 && share <= 1)) {
      throw new OptionError(
        `grow vocabulary: got parts ${token.parts.join(', ')} and share ${share} for token ${from + i}; ` +
          'expected earlier tokens, and a share above 0, at most 1.',
      )
    }
    parts.push(token.parts.flatMap((part) => (part < from ? [part] : parts[part - from])))
  }
  const biases = request.tokens.map(({ share = usualShare }) => Math.log(share))
  const fresh = { kind: 'values', values: [...Array.from({ length: from }, () => 0), ...biases] } as const
  const after = { ...config, vocabulary: to, headBias: true }
  const rows = extended(from, to)
  return {
    request,
    plan: {
      summary: `vocabulary ${from} → ${to}`,
      key,
      changes: [
        {
          kind: 'resize',
          path: 'embed.token.weight',
          dimensions: [rows, unchanged(config.embed)],
          fresh: { kind: 'average', axis: 0, of: parts },
        },
        headBias
          ? { kind: 'resize', path: 'head.bias', dimensions: [rows], fresh }
          : { kind: 'add', path: 'head.bias', axes: ['vocabulary'], shape: [to], initial: fresh },
      ],
    },
    config: after,
    parameters: parametersBetween(config, after),
  }
}
