/** Routes that write: completions and chats. */
import { answer } from '../../openai/answers.ts'
import { chatLogProbs, completionLogProbs } from '../../openai/log-probabilities.ts'
import { writtenAnswer } from '../../openai/recalled.ts'
import { checkModel, checkRoom, promptTokens } from '../../openai/prompts.ts'
import { chatRequest, completionRequest } from '../../openai/requests.ts'
import { checkRoomForPieces, readTalk, withMarks, withPieces } from '../../openai/sent-pieces.ts'
import { readJson } from '../../http/read-json.ts'
import type { Limits } from '../../limits.ts'
import type { Route } from '../route.ts'

/** What OpenAI writes where nothing is said. */
const usualTokens = 16

export const completionsRoute = (limits: Limits): Route => ({
  method: 'post',
  path: '/v1/completions',
  scope: 'read',
  summary: 'Continue a text.',
  body: completionRequest(limits),
  response: writtenAnswer,
  isHeavy: true,
  async answer(c, services, release) {
    const request = await readJson(c, completionRequest(limits), limits)
    const { served } = services
    const { tokenizer } = served
    checkModel(served, request.model)
    const prompts = promptTokens(served, request.prompt, 'prompt')
    const logprobs = request.logprobs ?? undefined
    const about = (text: string, steps: Parameters<typeof completionLogProbs>[0]): object => ({
      text,
      logprobs: logprobs === undefined ? null : completionLogProbs(steps, tokenizer),
    })
    return answer(
      c,
      {
        ...{ request, prompts, tokenizer, stopTexts: [], alternatives: logprobs },
        said: prompts.map((prompt) => [tokenizer.decode(prompt)]),
        signal: c.req.raw.signal,
        tokens: request.max_tokens ?? usualTokens,
      },
      {
        ...{ prefix: 'cmpl', object: 'text_completion', chunkObject: 'text_completion' },
        ...{ choice: about, piece: about, closing: { text: '', logprobs: null } },
      },
      services,
      release,
    )
  },
})

export const chatRoute = (limits: Limits): Route => ({
  method: 'post',
  path: '/v1/chat/completions',
  scope: 'read',
  summary: 'Answer a talk.',
  body: chatRequest(limits),
  response: writtenAnswer,
  isHeavy: true,
  async answer(c, services, release) {
    const request = await readJson(c, chatRequest(limits), limits)
    const { served } = services
    const { tokenizer, transcript } = served
    checkModel(served, request.model)
    const { messages, pieces } = await readTalk(served, request.messages, limits.pieces)
    const talk = await transcript.promptOf(messages)
    const hasPieces = pieces.size > 0
    const prompt = hasPieces ? withPieces(talk, pieces, tokenizer) : talk
    const shown = hasPieces && { count: pieces.size, text: withMarks(tokenizer.decode(talk), pieces) }
    if (hasPieces) checkRoomForPieces(served, prompt)
    else checkRoom(prompt, served.model.config.context, 'messages')
    const isTold = request.logprobs === true
    const logprobs = (steps: Parameters<typeof chatLogProbs>[0]): object | null =>
      isTold ? { content: chatLogProbs(steps, tokenizer), refusal: null } : null
    return answer(
      c,
      {
        ...{ request, prompts: [prompt], tokenizer, stopTexts: transcript.stopTexts },
        ...(shown && { pieces: shown }),
        said: [messages.filter(({ role }) => role === 'assistant').map(({ content }) => content)],
        signal: c.req.raw.signal,
        tokens: request.max_completion_tokens ?? request.max_tokens ?? undefined,
        alternatives: isTold ? (request.top_logprobs ?? 0) : undefined,
      },
      {
        ...{ prefix: 'chatcmpl', object: 'chat.completion', chunkObject: 'chat.completion.chunk' },
        choice: (content, steps) => ({
          message: { role: 'assistant', content, refusal: null },
          logprobs: logprobs(steps),
        }),
        opening: { delta: { role: 'assistant', content: '', refusal: null }, logprobs: null },
        piece: (content, steps) => ({ delta: { content }, logprobs: logprobs(steps) }),
        closing: { delta: {}, logprobs: null },
      },
      services,
      release,
    )
  },
})
