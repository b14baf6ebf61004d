/** A replica as a server has it. */
import type { Replica } from '@burgeon/cluster'
import type { ServedModel } from '@burgeon/server'
import { transcriptOf } from '../../models/transcript.ts'
import { servedExplain } from '../served-explain.ts'
import { readParts } from './attached-parts.ts'

/** How it is served. */
export interface ServedReplicaOptions {
  /** Name under which the learner publishes. */
  readonly name: string
  /** Its name for clients. */
  readonly id: string
  /** Writes a plain transcript, though the model has a chat template. */
  readonly plain: boolean
}

/**
 * Weights that follow a learner's, with the tokenizer and the policy that came with them.
 *
 * @throws WeightsError where they came without a tokenizer.
 */
export function servedReplica(replica: Replica, { name, id, plain }: ServedReplicaOptions): ServedModel {
  const taken = (bytes: Uint8Array | null) => {
    const parts = readParts(bytes)
    return { bytes, ...parts, transcript: transcriptOf(parts.tokenizer, plain) }
  }
  let last = taken(replica.attachment)
  const now = (): typeof last => {
    if (last.bytes !== replica.attachment) last = taken(replica.attachment)
    return last
  }
  return {
    id,
    get model() {
      return replica.model
    },
    get tokenizer() {
      return now().tokenizer
    },
    get endTokens() {
      return now().endTokens
    },
    get transcript() {
      return now().transcript
    },
    step: () => replica.step,
    output: () => now().output,
    explain: servedExplain(() => ({ model: replica.model, tokenizer: now().tokenizer })),
    following: () => ({ name, behind: replica.behind }),
  }
}
