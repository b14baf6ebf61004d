/** The bodies of requests, as clients of OpenAI send them. What a model here cannot do is refused by its name. */
import { z } from 'zod'
import type { Limits } from '../limits.ts'

const unsupported = (name: string) =>
  z.never({ error: `${name} is not supported here; leave it out` }).optional()

/** What completions and chats have in common. */
export interface WritingRequest {
  readonly model: string
  readonly temperature?: number | null | undefined
  readonly top_p?: number | null | undefined
  readonly top_k?: number | undefined
  readonly min_p?: number | undefined
  readonly repetition_penalty?: number | undefined
  readonly presence_penalty?: number | null | undefined
  readonly frequency_penalty?: number | null | undefined
  readonly n?: number | null | undefined
  readonly seed?: number | null | undefined
  readonly stop?: string | readonly string[] | null | undefined
  readonly stream?: boolean | null | undefined
  readonly stream_options?: { readonly include_usage?: boolean | undefined } | null | undefined
}

export interface CompletionRequest extends WritingRequest {
  readonly prompt: string | readonly string[] | readonly number[] | readonly (readonly number[])[]
  readonly max_tokens?: number | null | undefined
  readonly logprobs?: number | null | undefined
}

/** A part of a message: text, a picture or sound. */
export type ContentPart =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'image_url'; readonly image_url: { readonly url: string } }
  | { readonly type: 'input_audio'; readonly input_audio: { readonly data: string; readonly format: 'wav' } }

/** A message, whole or in parts. */
export interface RequestMessage {
  readonly role: 'system' | 'developer' | 'user' | 'assistant'
  readonly content: string | readonly ContentPart[]
}

export interface ChatRequest extends WritingRequest {
  readonly messages: readonly RequestMessage[]
  readonly max_tokens?: number | null | undefined
  readonly max_completion_tokens?: number | null | undefined
  readonly logprobs?: boolean | null | undefined
  readonly top_logprobs?: number | null | undefined
}

export interface EmbeddingRequest {
  readonly model: string
  readonly input: CompletionRequest['prompt']
  readonly encoding_format?: 'float' | 'base64' | undefined
  readonly dimensions?: number | undefined
}

const text = z.string()
const tokenId = z.int().min(0)

const writingFields = (limits: Limits) => ({
  model: text,
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().gt(0).max(1).nullish(),
  top_k: z.int().min(1).optional(),
  min_p: z.number().min(0).max(1).optional(),
  repetition_penalty: z.number().gt(0).max(10).optional(),
  presence_penalty: z.number().min(-2).max(2).nullish(),
  frequency_penalty: z.number().min(-2).max(2).nullish(),
  n: z.int().min(1).max(limits.choices).nullish(),
  seed: z
    .int()
    .min(0)
    .max(2 ** 32 - 1)
    .nullish(),
  stop: z.union([text.min(1), z.array(text.min(1)).max(limits.stops)]).nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.strictObject({ include_usage: z.boolean().optional() }).nullish(),
  user: text.optional(),
  logit_bias: unsupported('logit_bias'),
})

const answerTokens = (limits: Limits) => z.int().min(1).max(limits.tokens).nullish()

const somePrompts = (limits: Limits) =>
  z.union(
    [
      text.min(1),
      z.array(text.min(1)).min(1).max(limits.prompts),
      z.array(tokenId).min(1),
      z.array(z.array(tokenId).min(1)).min(1).max(limits.prompts),
    ],
    {
      error: `expected a text, tokens, or a list of at most ${limits.prompts} of either, none of them empty`,
    },
  )

/** Body of `/v1/completions`. */
export const completionRequest = (limits: Limits): z.ZodType<CompletionRequest> =>
  z.strictObject({
    ...writingFields(limits),
    prompt: somePrompts(limits),
    max_tokens: answerTokens(limits),
    logprobs: z.int().min(0).max(limits.alternatives).nullish(),
    best_of: unsupported('best_of'),
    echo: z.literal(false, { error: 'echo is not supported here; leave it out' }).nullish(),
    suffix: z.null().optional(),
  })

const contentPart = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('text'), text }),
  z.strictObject({
    type: z.literal('image_url'),
    image_url: z.strictObject({ url: text, detail: z.enum(['auto', 'low', 'high']).optional() }),
  }),
  z.strictObject({
    type: z.literal('input_audio'),
    input_audio: z.strictObject({ data: text, format: z.literal('wav') }),
  }),
])

/** Body of `/v1/chat/completions`. */
export const chatRequest = (limits: Limits): z.ZodType<ChatRequest> =>
  z.strictObject({
    ...writingFields(limits),
    messages: z
      .array(
        z.strictObject({
          role: z.enum(['system', 'developer', 'user', 'assistant']),
          content: z.union([text, z.array(contentPart)], {
            error:
              'expected a string, or a list of { type: "text", text }, { type: "image_url", image_url: { url } } with a PNG file ' +
              'as a data: URL, and { type: "input_audio", input_audio: { data, format: "wav" } }',
          }),
          name: text.optional(),
        }),
      )
      .min(1),
    max_tokens: answerTokens(limits),
    max_completion_tokens: answerTokens(limits),
    logprobs: z.boolean().nullish(),
    top_logprobs: z.int().min(0).max(limits.alternatives).nullish(),
    response_format: z.strictObject({ type: z.literal('text') }).optional(),
    tools: unsupported('tools'),
    tool_choice: unsupported('tool_choice'),
  })

/** Body of `/v1/embeddings`. */
export const embeddingRequest = (limits: Limits): z.ZodType<EmbeddingRequest> =>
  z.strictObject({
    model: text,
    input: somePrompts(limits),
    encoding_format: z.enum(['float', 'base64']).optional(),
    dimensions: z.int().min(1).optional(),
    user: text.optional(),
  })
