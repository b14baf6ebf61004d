/** What belongs to published weights: a model answers with its own tokenizer, and says only what it may. */
import type { GrowingTokenizer } from '@burgeon/gpt'
import { WeightsError } from '@burgeon/cluster'
import { BurgeonError, checks } from '@burgeon/tensor'

import { aHeldPolicy, type HeldPolicy } from '../../models/held-policy.ts'
import { outputOf, type OwnOutput, ownOutputOf } from '../../models/own-output.ts'
import { tokenizerFromState, tokenizerState } from '../../models/saved-tokenizer.ts'

/** What a learner attaches. */
export interface AttachedParts {
  readonly tokenizer: GrowingTokenizer
  /** Tokens that end a text. */
  readonly endTokens: readonly number[]
  readonly policy?: HeldPolicy | undefined
}

/** The bytes of it. */
export function writeParts({ tokenizer, endTokens, policy }: AttachedParts): Uint8Array {
  const parts = { form: 1, tokenizer: tokenizerState(tokenizer), endTokens, ...(policy && { policy }) }
  return new TextEncoder().encode(JSON.stringify(parts))
}

/** What a replica makes of it. */
export interface TakenParts extends Pick<AttachedParts, 'tokenizer' | 'endTokens'> {
  readonly output?: OwnOutput | undefined
}

/**
 * The parts in some bytes.
 *
 * @throws WeightsError for bytes that hold none, or those of another version of the program.
 */
export function readParts(bytes: Uint8Array | null): TakenParts {
  if (bytes === null) throw refused()
  try {
    const found = JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>
    const { form, tokenizer: state, endTokens, policy } = found
    const areTokens = checks.list('tokens', checks.integer({ from: 0 })).accepts(endTokens)
    if (form !== 1 || !areTokens || (policy !== undefined && !aHeldPolicy.accepts(policy))) throw refused()
    const tokenizer = tokenizerFromState('serve', state)
    const filter = outputOf(policy)
    return {
      ...{ tokenizer, endTokens },
      ...(filter && { output: ownOutputOf(filter, tokenizer) }),
    }
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof BurgeonError) throw refused(error)
    throw error
  }
}

function refused(cause?: unknown): WeightsError {
  return new WeightsError(
    'serve: what is published holds no tokenizer that is known here; expected that of burgeon serve --publish of this version.',
    { cause },
  )
}
