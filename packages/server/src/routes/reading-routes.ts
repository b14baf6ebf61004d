/** Routes that read a text without going on with it: tokens and embeddings. */
import { meanHiddenState } from '../openai/mean-hidden-state.ts'
import { versionHeader } from '../openai/answers.ts'
import { checkModel, promptTokens } from '../openai/prompts.ts'
import { embeddingRequest } from '../openai/requests.ts'
import { usageOf } from '../openai/writing.ts'
import { ApiError } from '../http/api-error.ts'
import { readJson } from '../http/read-json.ts'
import type { Limits } from '../limits.ts'
import type { Route } from './route.ts'
import { z } from 'zod'

export const embeddingsRoute = (limits: Limits): Route => ({
  method: 'post',
  path: '/v1/embeddings',
  scope: 'read',
  summary: 'Mean hidden states of texts, of length 1.',
  body: embeddingRequest(limits),
  isHeavy: true,
  async answer(c, { served, turns, version }, release) {
    const request = await readJson(c, embeddingRequest(limits), limits)
    checkModel(served, request.model)
    const { embed } = served.model.config
    if (request.dimensions !== undefined && request.dimensions !== embed) {
      throw new ApiError(400, `dimensions: this model has ${embed}; expected that, or nothing.`, {
        param: 'dimensions',
      })
    }
    const prompts = promptTokens(served, request.input, 'input')
    const vectors: Float32Array[] = []
    let found = ''
    for (const prompt of prompts) {
      vectors.push(
        await turns.take('generate', async () => {
          found = await version.now()
          return meanHiddenState(served.model, prompt)
        }),
      )
    }
    release()
    const asText = request.encoding_format === 'base64'
    const data = vectors.map((vector, index) => ({
      object: 'embedding',
      index,
      embedding: asText ? Buffer.from(vector.buffer).toString('base64') : [...vector],
    }))
    const { prompt_tokens, total_tokens } = usageOf(prompts, 0)
    return c.json({ object: 'list', data, model: served.id, usage: { prompt_tokens, total_tokens } }, 200, {
      [versionHeader]: found,
    })
  },
})

const tokenizeRequest = z.strictObject({ content: z.string(), model: z.string().optional() })
const detokenizeRequest = z.strictObject({ tokens: z.array(z.int().min(0)), model: z.string().optional() })

export const tokenizeRoute = (limits: Limits): Route => ({
  method: 'post',
  path: '/tokenize',
  scope: 'read',
  summary: 'The tokens of a text.',
  body: tokenizeRequest,
  async answer(c, { served }) {
    const { content } = await readJson(c, tokenizeRequest, limits)
    const tokens = [...served.tokenizer.encode(content)]
    return c.json({ tokens, count: tokens.length, max_model_len: served.model.config.context })
  },
})

export const detokenizeRoute = (limits: Limits): Route => ({
  method: 'post',
  path: '/detokenize',
  scope: 'read',
  summary: 'The text of tokens.',
  body: detokenizeRequest,
  async answer(c, { served }) {
    const { tokens } = await readJson(c, detokenizeRequest, limits)
    const strange = tokens.find((token) => token >= served.tokenizer.vocabulary)
    if (strange !== undefined)
      throw new ApiError(400, `tokens: there is no token ${strange}.`, { param: 'tokens' })
    return c.json({ content: served.tokenizer.decode(tokens) })
  },
})
