/** Routes that teach. */
import { BurgeonError, InternalError } from '@burgeon/tensor'
import { z } from 'zod'
import { versionHeader } from '../openai/answers.ts'
import { ApiError } from '../http/api-error.ts'
import { readJson } from '../http/read-json.ts'
import type { Limits } from '../limits.ts'
import type { Learnt, Teacher } from '../served-model.ts'
import type { Services } from '../services.ts'
import type { Turn } from '../turns.ts'
import type { Route } from './route.ts'

interface Document {
  readonly text: string
  readonly domain?: string | undefined
}

interface LearnRequest {
  readonly text?: string | undefined
  readonly documents?: readonly Document[] | undefined
  readonly domain?: string | undefined
}

/** Names of domains stand in reports and metrics. */
const aDomain = z.string().min(1).max(100)

const learnRequest = (limits: Limits): z.ZodType<LearnRequest> =>
  z
    .strictObject({
      text: z.string().min(1).optional(),
      documents: z
        .array(z.strictObject({ text: z.string().min(1), domain: aDomain.optional() }))
        .min(1)
        .max(limits.documents)
        .optional(),
      domain: aDomain.optional(),
    })
    .refine(({ text, documents }) => (text === undefined) !== (documents === undefined), {
      error: 'expected text or documents, one of them',
    })

export const learnRoute = (limits: Limits): Route => ({
  method: 'post',
  path: '/v1/learn',
  scope: 'teach',
  summary: 'Learn texts, in order; answers when they are learnt.',
  body: learnRequest(limits),
  isHeavy: true,
  async answer(c, services, release) {
    teacherOf(services)
    const { text, documents, domain = 'taught' } = await readJson(c, learnRequest(limits), limits)
    const lessons = documents ?? [{ text: text ?? '' }]
    const learnt = await services.lessons.after(async () => {
      // By now the life may be another.
      const teacher = teacherOf(services)
      const all: Learnt[] = []
      for (const lesson of lessons) {
        const own = { text: lesson.text, domain: lesson.domain ?? domain }
        const turn: Turn = (body) => services.turns.take('learn', body)
        const done = await teacher.learn(own, turn).catch(refuse)
        all.push(done)
        services.events.tell('lesson', { domain: own.domain, ...lessonJson(done) })
      }
      return all
    })
    release()
    const { metrics, served, version, turns } = services
    const bytes = learnt.reduce((sum, one) => sum + one.bytes, 0)
    const steps = learnt.reduce((sum, one) => sum + one.steps, 0)
    metrics.count('burgeon_learnt_bytes_total', 'Bytes of text learnt.', bytes)
    metrics.count('burgeon_learnt_steps_total', 'Steps learnt.', steps)
    const now = await turns.take('generate', () => version.now())
    return c.json(
      {
        object: 'lesson',
        documents: learnt.map((one) => ({ ...lessonJson(one), events: one.events })),
        step: served.step(),
        parameters: served.model.parameters.size,
        weights_version: now,
      },
      200,
      { [versionHeader]: now },
    )
  },
})

/** Throws ApiError 409 for a model that does not learn. */
function teacherOf({ served: { teacher } }: Services): Teacher {
  if (teacher !== undefined) return teacher
  throw new ApiError(409, 'this model does not learn; serve the folder of a life.', {
    code: 'does_not_learn',
  })
}

const lessonJson = ({ bytes, steps, bitsPerByte, saved }: Learnt): object => ({
  ...{ bytes, steps, bits_per_byte: bitsPerByte, saved },
})

/** What the learner says is for whoever teaches; it is no mistake of the request. */
function refuse(error: unknown): never {
  if (!(error instanceof BurgeonError) || error instanceof InternalError) throw error
  const details = { type: 'server_error', code: 'not_learnt' }
  throw new ApiError(500, `the text was not learnt to its end: ${error.message}`, details)
}
