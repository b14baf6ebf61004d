/** Routes that teach. */
import { z } from 'zod'
import { versionHeader } from '../openai/answers.ts'
import { ApiError, refuseBy } from '../http/api-error.ts'
import { readJson } from '../http/read-json.ts'
import type { Limits } from '../limits.ts'
import type { Learnt, Lesson, Teacher } from '../served/served-model.ts'
import { learning, type Services } from '../services.ts'
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
  changesWeights: true,
  async answer(c, services, release) {
    teacherOf(services)
    const { text, documents, domain = 'taught' } = await readJson(c, learnRequest(limits), limits)
    const lessons = documents ?? [{ text: text ?? '' }]
    const learnt = await services.lessons.after(async () => {
      const all: Learnt[] = []
      for (const lesson of lessons) {
        all.push(await learnLesson(services, { text: lesson.text, domain: lesson.domain ?? domain }))
      }
      return all
    })
    release()
    const { served, version, turns } = services
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

/** Learns a lesson, with the life of by now, and tells of it. Called when those before it are done. */
export async function learnLesson(services: Services, lesson: Lesson): Promise<Learnt> {
  const learnt = await teacherOf(services).learn(lesson, learning(services)).catch(refuse)
  const { events, metrics } = services
  metrics.count('burgeon_learnt_bytes_total', 'Bytes of text learnt.', learnt.bytes)
  metrics.count('burgeon_learnt_steps_total', 'Steps learnt.', learnt.steps)
  events.tell('lesson', { domain: lesson.domain, ...lessonJson(learnt) })
  return learnt
}

/** Throws ApiError 409 for a model that does not learn. */
export function teacherOf({ served: { teacher } }: Services): Teacher {
  if (teacher !== undefined) return teacher
  throw new ApiError(409, 'this model does not learn; serve the folder of a life.', {
    code: 'does_not_learn',
  })
}

/** What a lesson came to, as JSON has it. */
export const lessonJson = ({ bytes, steps, bitsPerByte, saved, guard }: Learnt): object => ({
  ...{ bytes, steps, bits_per_byte: bitsPerByte, saved },
  ...(guard && { guard }),
})

/** What the learner says is for whoever teaches; it is no mistake of the request. */
function refuse(error: unknown): never {
  refuseBy(error, 500, 'the text was not learnt to its end', { type: 'server_error', code: 'not_learnt' })
}
