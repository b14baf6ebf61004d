/** The route of feedback. It has the effects that it says and no others. */
import { createHash } from 'node:crypto'
import { ApiError, refuseBy } from '../http/api-error.ts'
import { readJson } from '../http/read-json.ts'
import {
  correctionOf,
  type FeedbackRequest,
  feedbackRequest,
  idsOf,
  judgementOf,
} from '../feedback/request.ts'
import type { KnownAnswer } from '../feedback/known-answers.ts'
import type { Limits } from '../limits.ts'
import type { FeedbackEntry } from '../served/served-feedback.ts'
import type { Services } from '../services.ts'
import { learnLesson, lessonJson, teacherOf } from './learning-routes.ts'
import type { Route } from './route.ts'

export const feedbackRoute = (limits: Limits): Route => ({
  method: 'post',
  path: '/v1/feedback',
  scope: 'teach',
  summary: 'Judge an answer, or say what was wanted; what is wanted or accepted is learnt.',
  body: feedbackRequest(limits),
  isHeavy: true,
  async answer(c, services, release) {
    teacherOf(services)
    const request = await readJson(c, feedbackRequest(limits), limits)
    const entry = entryOf(request, answerOf(request, services), services.now())
    const wanted = wantedOf(entry)
    const { isNew, learnt } = await services.lessons.after(async () => {
      const { feedback } = services.served
      if (feedback === undefined)
        throw new ApiError(409, 'this model keeps no feedback.', { code: 'no_life' })
      // On disk first: a kill after this loses none that was sent.
      const added = await feedback.note(entry).catch(refuse)
      if (wanted === null || feedback.isLearnt(entry.id)) return { isNew: added, learnt: null }
      const lesson = { text: entry.prompt + wanted, domain: 'feedback', id: entry.id }
      return { isNew: added, learnt: await learnLesson(services, lesson) }
    })
    release()
    const effect = wanted === null ? 'noted' : 'learnt'
    if (isNew) services.events.tell('feedback', { judgement: entry.judgement, effect, source: entry.source })
    return c.json({
      object: 'feedback',
      ...{ id: entry.id, judgement: entry.judgement, effect, duplicate: !isNew && learnt === null },
      lesson: learnt === null ? null : lessonJson(learnt),
      step: services.served.step(),
    })
  },
})

/** Of a disk that is full nobody else would tell them. */
function refuse(error: unknown): never {
  const details = { type: 'server_error', code: 'not_kept' }
  return refuseBy(error, 500, 'the feedback was not written down, and nothing of it was learnt', details)
}

/** The text to learn in the place of the answer; null where nothing is learnt. */
function wantedOf({ judgement, correction, answer, weight }: FeedbackEntry): string | null {
  if (weight === 0) return null
  return correction ?? (judgement === 'accept' ? answer : null)
}

/** Throws ApiError 404 for an answer that is not known, or has no such choice. */
function answerOf(request: FeedbackRequest, { answers }: Services): KnownAnswer {
  const { prompt, completion, choice = 0 } = request
  if (prompt !== undefined && completion !== undefined) return { prompt, text: completion }
  const [id] = idsOf(request)
  const known = answers.of(id)?.[choice]
  if (known !== undefined) return known
  throw new ApiError(
    404,
    'there is no such answer any more; send its prompt and completion instead of its name.',
    { code: 'unknown_response' },
  )
}

function entryOf(request: FeedbackRequest, { prompt, text }: KnownAnswer, at: number): FeedbackEntry {
  const { key, name, source, feedback_source, choice = 0, comment = null, value, weight = 1 } = request
  const correction = correctionOf(request) ?? null
  const own = key ?? name ?? (correction === null ? 'judgement' : 'correction')
  const from = source ?? feedback_source?.type ?? 'api'
  const [given] = idsOf(request)
  const response = given === undefined ? `text:${digestOf([prompt, text])}` : `${given}#${choice}`
  return {
    ...{ id: digestOf([from, response, own]), at, source: from, response, key: own },
    ...{ judgement: judgementOf(request), prompt, answer: text, correction, comment, weight },
    value: typeof value === 'string' ? value : null,
  }
}

const digestOf = (parts: readonly string[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 24)
