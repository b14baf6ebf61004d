/** Prompts of requests as tokens. */
import { ApiError } from '../http/api-error.ts'
import type { ServedModel } from '../served/served-model.ts'
import type { CompletionRequest } from './requests.ts'

/**
 * Each prompt as tokens.
 *
 * @throws ApiError 400 for a token that the model has not, a text without tokens, or more than the context
 *   holds.
 */
export function promptTokens(
  { model: { config }, tokenizer }: ServedModel,
  prompt: CompletionRequest['prompt'],
  param: string,
): Int32Array[] {
  return listOf(prompt).map((one) => {
    const tokens = typeof one === 'string' ? tokenizer.encode(one) : Int32Array.from(one)
    const strange = tokens.find((token) => token >= config.vocabulary)
    if (strange !== undefined) {
      throw new ApiError(
        400,
        `${param}: there is no token ${strange}; expected less than ${config.vocabulary}.`,
        {
          param,
        },
      )
    }
    checkRoom(tokens, config.context, param)
    return tokens
  })
}

/** Throws ApiError 400 for tokens that leave no room for an answer. */
export function checkRoom(tokens: Int32Array, context: number, param: string): void {
  if (tokens.length === 0) throw new ApiError(400, `${param}: got an empty text; expected some.`, { param })
  if (tokens.length < context) return
  throw new ApiError(
    400,
    `${param}: got ${tokens.length} tokens; the context of this model holds ${context}, and an answer needs room.`,
    { param, code: 'context_length_exceeded' },
  )
}

function listOf(prompt: CompletionRequest['prompt']): readonly (string | readonly number[])[] {
  if (typeof prompt === 'string') return [prompt]
  return prompt.every((one) => typeof one === 'number') ? [prompt] : prompt
}

/** Throws ApiError 404 for another model than the one that is served. */
export function checkModel({ id }: ServedModel, asked: string): void {
  if (asked === id) return
  throw new ApiError(404, `there is no model ${asked.slice(0, 100)} here; expected ${id}.`, {
    param: 'model',
    code: 'model_not_found',
  })
}
