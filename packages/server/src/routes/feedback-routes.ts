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
  kindOf,
  rewardOf,
} from '../feedback/request.ts'
import { type KnownAnswer, knownAnswer } from '../feedback/known-answers.ts'
import type { Limits } from '../limits.ts'
import type { FeedbackEntry, FeedbackOutcome } from '../served/served-feedback.ts'
import type { Learnt } from '../served/served-model.ts'
import { learning, type Services } from '../services.ts'
import { learnLesson, lessonJson, teacherOf } from './learning-routes.ts'
import type { Route } from './route.ts'

export const feedbackRoute = (limits: Limits): Route => ({
  method: 'post',
  path: '/v1/feedback',
  scope: 'teach',
  summary: 'Judge an answer, reward it, or say what was wanted, and have that be learnt.',
  body: feedbackRequest(limits),
  isHeavy: true,
  changesWeights: true,
  async answer(c, services, release) {
    teacherOf(services)
    const request = await readJson(c, feedbackRequest(limits), limits)
    const about = { answer: answerOf(request, services), isOwners: services.isOwners(c), at: services.now() }
    const entry = entryOf(request, about)
    const { isNew, effect, lesson, outcome } = await services.lessons.after(() => taken(entry, services))
    release()
    const { id, judgement, kind, source } = entry
    if (isNew) services.events.tell('feedback', { judgement, effect, source })
    return c.json({
      object: 'feedback',
      ...{ id, judgement, kind, effect, duplicate: !isNew && lesson === null && outcome === null },
      lesson: lesson && lessonJson(lesson),
      feedback: outcome && outcomeJson(outcome),
      step: services.served.step(),
    })
  },
})

/** What became of feedback. */
interface Taken {
  readonly isNew: boolean
  /** Learnt at once; kept, and moves nothing yet; written down alone. */
  readonly effect: 'learnt' | 'kept' | 'noted'
  /** Where it was learnt as a text. */
  readonly lesson: Learnt | null
  /** Where the model learns what is said of answers. */
  readonly outcome: FeedbackOutcome | null
}

/** Writes it down and has it be learnt. Called when what came before is done. */
async function taken(given: FeedbackEntry, services: Services): Promise<Taken> {
  const { feedback } = services.served
  if (feedback === undefined) throw new ApiError(409, 'this model keeps no feedback.', { code: 'no_life' })
  if (feedback.learn === undefined && given.pieces > 0 && given.kind !== null) {
    throw new ApiError(
      409,
      'this model learns feedback as text, and a picture or sound before an answer has none; send text alone.',
      { code: 'text_alone' },
    )
  }
  const admitted = (await feedback.admit?.(given)) ?? { entry: given }
  if ('reasons' in admitted) {
    const { reasons, code } = admitted
    throw new ApiError(422, `this is not to be learnt: ${reasons.join(', ')}.`, { code })
  }
  const { entry } = admitted
  const { id, prompt, kind, weight } = entry
  if (feedback.learn !== undefined && entry.answer === '' && kind !== 'correct' && kind !== null) {
    throw new ApiError(400, 'nothing was answered that could be judged; send a correction.', {
      code: 'empty_answer',
    })
  }
  // On disk first: a kill after this loses none that was sent.
  const isNew = await feedback.note(entry).catch(refuse)
  const none = { isNew, lesson: null, outcome: null }
  const wanted = wantedOf(entry)
  const saysNothing = feedback.learn === undefined ? wanted === null : kind === null || weight === 0
  if (saysNothing) return { ...none, effect: 'noted' }
  if (feedback.isLearnt(id)) return { ...none, effect: 'learnt' }
  if (feedback.learn === undefined) {
    const lesson = await learnLesson(services, { text: `${prompt}${wanted ?? ''}`, domain: 'feedback', id })
    return { ...none, effect: 'learnt', lesson }
  }
  const outcome = await feedback.learn(entry, learning(services)).catch(notLearnt)
  services.metrics.count(
    'burgeon_feedback_steps_total',
    'Steps that feedback was rehearsed in.',
    outcome.steps,
  )
  return { ...none, effect: outcome.steps > 0 ? 'learnt' : 'kept', outcome }
}

const outcomeJson = ({ steps, strength, logRatio, isWaiting, saved }: FeedbackOutcome): object => ({
  ...{ steps, strength, log_ratio: logRatio, waiting: isWaiting, saved },
})

/** It is on disk, and said to be. */
function notLearnt(error: unknown): never {
  const details = { type: 'server_error', code: 'not_learnt' }
  return refuseBy(error, 500, 'the feedback was written down, and not learnt', details)
}

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
  if (prompt !== undefined && completion !== undefined)
    return { prompt, text: completion, written: null, pieces: 0 }
  const [id] = idsOf(request)
  return knownAnswer(answers, id, choice)
}

/** What is known of feedback beside what it says. */
interface About {
  readonly answer: KnownAnswer
  readonly isOwners: boolean
  readonly at: number
}

function entryOf(
  request: FeedbackRequest,
  { answer: { prompt, text, written, pieces }, isOwners, at }: About,
): FeedbackEntry {
  const { key, name, source, feedback_source, choice = 0, comment = null, value, weight = 1 } = request
  const correction = correctionOf(request) ?? null
  const own = key ?? name ?? (correction === null ? 'judgement' : 'correction')
  const named = source ?? feedback_source?.type
  const isOwner = named === undefined && isOwners
  const from = named ?? (isOwner ? 'api' : 'teacher')
  const [given] = idsOf(request)
  const response = given === undefined ? `text:${digestOf([prompt, text])}` : `${given}#${choice}`
  return {
    ...{ id: digestOf([from, response, own]), at, source: from, isOwner, response, key: own },
    ...{ judgement: judgementOf(request), kind: kindOf(request), score: rewardOf(request) },
    ...{ prompt, pieces, answer: text, written, correction, comment, weight },
    value: typeof value === 'string' ? value : null,
  }
}

const digestOf = (parts: readonly string[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 24)
