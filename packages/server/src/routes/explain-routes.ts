/** The route that explains an answer. */
import { z } from 'zod'
import { choiceOf, type KnownAnswers, knownAnswer } from '../feedback/known-answers.ts'
import { ApiError } from '../http/api-error.ts'
import { readJson } from '../http/read-json.ts'
import type { Limits } from '../limits.ts'
import { versionHeader } from '../openai/answers.ts'
import { checkModel } from '../openai/prompts.ts'
import type { ServedExplanation } from '../served/served-explain.ts'
import type { ServedModel } from '../served/served-model.ts'
import type { Turn } from '../turns.ts'
import type { Route } from './route.ts'

const maxExperiences = 20
/** Tokens of an answer that was written here, the first of it, that are explained; 16 unless asked. */
const [maxTokens, usualTokens] = [64, 16]

interface ExplainBody {
  readonly model: string
  readonly prompt?: string | undefined
  readonly answer?: string | undefined
  readonly response_id?: string | undefined
  readonly choice?: number | undefined
  readonly tokens?: number | undefined
  readonly instead?: string | undefined
  readonly experiences?: number | undefined
}

const explainBody = (limits: Limits): z.ZodType<ExplainBody> =>
  z
    .strictObject({
      model: z.string(),
      prompt: z.string().min(1).optional(),
      answer: z.string().min(1).optional(),
      response_id: z.string().min(1).max(200).optional(),
      choice: choiceOf(limits).optional(),
      tokens: z.int().min(1).max(maxTokens).optional(),
      instead: z.string().min(1).optional(),
      experiences: z.int().min(0).max(maxExperiences).optional(),
    })
    .refine(
      ({ prompt, answer, response_id: id, choice, tokens }) =>
        id === undefined
          ? prompt !== undefined && answer !== undefined && choice === undefined && tokens === undefined
          : prompt === undefined && answer === undefined,
      { error: 'expected a prompt and an answer, or a response_id with or without choice and tokens' },
    )

export const explainRoute = (limits: Limits): Route => ({
  method: 'post',
  path: '/v1/explain',
  scope: 'read',
  summary: 'Why the model would give an answer: tokens, layers, parts, and what it has learnt.',
  body: explainBody(limits),
  isHeavy: true,
  async answer(c, { served, turns, version, answers }, release) {
    const request = await readJson(c, explainBody(limits), limits)
    const { model, instead, experiences = 5 } = request
    checkModel(served, model)
    if (served.explain === undefined) {
      throw new ApiError(409, 'this model is not explained here.', { code: 'does_not_explain' })
    }
    const { prompt, answer } = questionOf(request, served, answers)
    checkWork(served.model.parameters.size, served.tokenizer.encode(prompt + answer).length, limits)
    const { signal } = c.req.raw
    let found = ''
    const turn: Turn = (piece) =>
      turns.take('generate', async () => {
        if (signal.aborted) throw new ApiError(499, 'the client has gone.', { code: 'client_gone' })
        // Of the weights that are explained: those of the first turn.
        if (found === '') found = await version.now()
        return piece()
      })
    const why = await served.explain(
      { prompt, answer, experiences, ...(instead !== undefined && { instead }) },
      turn,
    )
    release()
    const clean = (text: string): string => served.output?.()?.clean(text) ?? text
    return c.json({ object: 'explanation', model: served.id, ...explanationJson(why, clean) }, 200, {
      [versionHeader]: found,
    })
  },
})

/** What is asked about. Throws ApiError 404 for an answer that is not known, 409 for one to pieces. */
function questionOf(
  { prompt = '', answer = '', response_id: id, choice = 0, tokens = usualTokens }: ExplainBody,
  { tokenizer }: ServedModel,
  answers: KnownAnswers,
): { readonly prompt: string; readonly answer: string } {
  if (id === undefined) return { prompt, answer }
  const known = knownAnswer(answers, id, choice)
  if (known.pieces > 0) {
    throw new ApiError(409, 'an answer to a picture or sound is not explained here; ask about text alone.', {
      code: 'has_pieces',
    })
  }
  if (known.text === '') {
    throw new ApiError(400, 'nothing was answered that could be explained.', { code: 'empty_answer' })
  }
  // The last token may end within a character.
  const begin = tokenizer.decode(tokenizer.encode(known.text).slice(0, tokens)).replace(/\uFFFD+$/, '')
  return { prompt: known.prompt, answer: begin || String.fromCodePoint(known.text.codePointAt(0) ?? 0) }
}

/** Throws ApiError 400 for what would keep the engine busy for too long. */
function checkWork(parameters: number, tokens: number, { explained }: Limits): void {
  if (parameters * tokens <= explained) return
  throw new ApiError(
    400,
    `${tokens} tokens of prompt and answer are too much to explain by a model of ${parameters} parameters; expected at most ${Math.floor(explained / parameters)}.`,
    { code: 'too_much_to_explain' },
  )
}

function explanationJson(why: ServedExplanation, clean: (text: string) => string): object {
  const { bytes, answer, score, baselineScore, logProbability, layers, causes, writers } = why
  return {
    ...{ bytes, answer, score, baseline_score: baselineScore, log_probability: logProbability },
    layers: layers.map(({ block, logProbability: own, ranks, likeliest }) => ({
      ...{ block, log_probability: own, ranks, likeliest },
    })),
    ...{ causes, writers, experiences: why.experiences },
    recalled:
      why.recalled?.map(({ id, source, domain, bytes: text, weight }) => ({
        id,
        source,
        domain,
        text: clean(text),
        weight,
      })) ?? null,
    gaps: why.gaps,
  }
}
