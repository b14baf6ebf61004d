/** Writes answers: the part that completions and chats have in common. */
import { randomInt } from 'node:crypto'
import type {
  FinishReason,
  Generated,
  GeneratedToken,
  GrowingTokenizer,
  LogitsProcessor,
  PooledOptions,
} from '@burgeon/gpt'
import { ApiError } from '../http/api-error.ts'
import type { ServedOutput } from '../served/served-output.ts'
import type { RecalledPassage, ServedRecall } from '../served/served-recall.ts'
import type { Services } from '../services.ts'
import type { WritingRequest } from './requests.ts'

/** What is to be written. */
export interface Task {
  readonly request: WritingRequest
  /** Each gets `n` answers, side by side. */
  readonly prompts: readonly Int32Array[]
  /**
   * Pictures and sound that stand in the one prompt: how many, and what it says with U+FFFC in the place of each.
   */
  readonly pieces?: { readonly count: number; readonly text: string } | undefined
  /** That of the prompts. */
  readonly tokenizer: GrowingTokenizer
  /** Tokens of an answer at most; as many as the context holds unless given. */
  readonly tokens: number | undefined
  readonly stopTexts: readonly string[]
  /** What the voice that answers said before each prompt ends, oldest first. */
  readonly said: readonly (readonly string[])[]
  /** Likeliest tokens whose log-probabilities are told; none unless given. */
  readonly alternatives: number | undefined
  readonly signal: AbortSignal
}

/** Answers that are being written. */
export interface Writing {
  /** Which weights write them: all tokens come from the same. */
  readonly version: string
  /** What comes, piece by piece; a piece is made when it is asked for. */
  readonly pieces: AsyncGenerator<GeneratedToken, void, void>
  /** All answers, once the pieces have ended: those to the first prompt, then those to the next. */
  whole(): readonly Generated[]
  /** The passages that each was written from; undefined where the model recalls nothing. */
  recalled(): readonly (readonly RecalledPassage[])[] | undefined
  /** Lets go of the weights, also where no piece was ever asked for; a second call does nothing. */
  end(): void
}

/**
 * Begins to write. Returns when the first token is there, so that a mistake is an answer of its own and no
 * half of a stream.
 */
export async function begin(task: Task, services: Services): Promise<Writing> {
  const { turns, metrics, served, writers } = services
  const { tokenizer } = task
  const start = services.now()
  const output = served.output?.()
  if (output !== undefined && task.alternatives !== undefined) {
    throw new ApiError(
      400,
      'logprobs: what this model may say is filtered, and tokens are not; leave it out.',
      {
        ...{ param: 'logprobs', code: 'filtered' },
      },
    )
  }
  let recall: ServedRecall | undefined
  const { version, generation, together } = await turns.take('generate', async () => {
    // Tokens of another life say something else.
    if (served.tokenizer !== tokenizer) {
      throw new ApiError(503, 'the model was rolled back before this text began; ask again.', {
        ...{ type: 'server_error', code: 'rolled_back', headers: { 'Retry-After': '0' } },
      })
    }
    recall = served.recall?.()
    const prompts: Int32Array[] = []
    for (const prompt of task.prompts) prompts.push((await served.labelled?.(prompt)) ?? prompt)
    const rows = prompts.flatMap((prompt) => Array.from({ length: task.request.n ?? 1 }, () => prompt))
    return writers.begin(rows, optionsOf({ ...task, prompts }, services, recall, output))
  })
  let first: readonly GeneratedToken[]
  try {
    first = await together.next(generation)
  } catch (error) {
    generation.end()
    throw error
  }
  metrics.time(
    'burgeon_time_to_first_token_seconds',
    'From the request to its first token.',
    services.now() - start,
  )
  const prompted = task.prompts.reduce((sum, { length }) => sum + length, 0)
  metrics.count('burgeon_tokens_total', 'Tokens read and written.', prompted, { kind: 'prompt' })
  async function* pieces(): AsyncGenerator<GeneratedToken, void, void> {
    for (let step = first; ; step = await together.next(generation)) {
      const written = step.filter(({ token }) => token !== undefined).length
      metrics.count('burgeon_tokens_total', 'Tokens read and written.', written, { kind: 'completion' })
      yield* step
      if (generation.isDone) return
    }
  }
  return {
    ...{ version, pieces: pieces(), whole: () => generation.results(), end: () => generation.end() },
    recalled: () =>
      recall &&
      generation
        .results()
        .map((one, row) => (recall?.recalledIn(row, one) ?? []).map((passage) => mayBeSaid(passage, output))),
  }
}

const mayBeSaid = (passage: RecalledPassage, output: ServedOutput | undefined): RecalledPassage =>
  output === undefined ? passage : { ...passage, bytes: output.clean(passage.bytes) }

/** The second has its say after the first. */
function inOrder(
  first: LogitsProcessor | undefined,
  second: LogitsProcessor | undefined,
): LogitsProcessor | undefined {
  if (first === undefined || second === undefined) return first ?? second
  return (logits, text, row) => second(first(logits, text, row), text, row)
}

function optionsOf(
  { request, prompts, pieces, tokens, stopTexts, said, alternatives, signal }: Task,
  { served, limits }: Services,
  recall: ServedRecall | undefined,
  output: ServedOutput | undefined,
): PooledOptions {
  const each = request.n ?? 1
  const logitsProcessor = inOrder(recall?.logitsProcessor, output?.logitsProcessor)
  const { temperature, top_p, top_k, min_p, repetition_penalty, presence_penalty, frequency_penalty } =
    request
  const { context } = served.model.config
  // A patch of several tokens takes one place.
  const room = pieces ? context : context - Math.min(...prompts.map(({ length }) => length))
  return {
    tokens: Math.min(tokens ?? room, limits.tokens),
    seed: request.seed ?? randomInt(2 ** 32),
    tokenizer: served.tokenizer,
    stopTokens: served.endTokens,
    stopTexts: [...stopTexts, ...[request.stop ?? []].flat()],
    onContextFull: 'stop',
    signal,
    ...(logitsProcessor && { logitsProcessor }),
    ...(output && { textFilter: (row: number) => output.begin(said[Math.floor(row / each)] ?? []) }),
    ...(temperature != null && { temperature }),
    ...(top_p != null && { topP: top_p }),
    ...(top_k !== undefined && { topK: top_k }),
    ...(min_p !== undefined && { minP: min_p }),
    ...(repetition_penalty !== undefined && { repetitionPenalty: repetition_penalty }),
    ...(presence_penalty != null && { presencePenalty: presence_penalty }),
    ...(frequency_penalty != null && { frequencyPenalty: frequency_penalty }),
    // Feedback is learnt by what the model thought when it answered.
    ...((alternatives !== undefined || served.feedback?.learn !== undefined) && {
      logProbabilities: alternatives ?? 0,
    }),
  }
}

/** Why an answer ended, in the words of OpenAI. */
export const finishOf = (reason: FinishReason): 'length' | 'stop' =>
  reason === 'tokens' || reason === 'context' ? 'length' : 'stop'

/** How many tokens were read and written. */
export interface Usage {
  readonly prompt_tokens: number
  readonly completion_tokens: number
  readonly total_tokens: number
}

export function usageOf(prompts: readonly Int32Array[], written: number): Usage {
  const read = prompts.reduce((sum, { length }) => sum + length, 0)
  return { prompt_tokens: read, completion_tokens: written, total_tokens: read + written }
}
