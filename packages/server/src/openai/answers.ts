/** Sends answers whole or in pieces, in the form that a kind of request has. */
import type { Generated, GeneratedToken } from '@burgeon/gpt'
import type { Context } from 'hono'
import { randomUUID } from 'node:crypto'
import type { Services } from '../services.ts'
import { eventStream } from './events.ts'
import { writtenOf } from '../feedback/known-answers.ts'
import { recalledField } from './recalled.ts'
import { begin, finishOf, type Task, usageOf } from './writing.ts'

/** How a kind of request says it. */
export interface AnswerForm {
  /** Beginning of the answers' names: `cmpl`, `chatcmpl`. */
  readonly prefix: string
  readonly object: string
  readonly chunkObject: string
  /** An answer as a whole, but for its index and why it ended. */
  choice(text: string, steps: readonly GeneratedToken[]): object
  /** Comes before the pieces of each answer, if anything does. */
  opening?: object
  /** A piece of one. */
  piece(text: string, steps: readonly GeneratedToken[]): object
  /** Comes with the reason of its end. */
  readonly closing: object
}

/** Header that says which weights answered. */
export const versionHeader = 'x-burgeon-weights-version'

/** Header that says how many versions a replica's weights are behind, or `unknown`. */
export const behindHeader = 'x-burgeon-weights-behind'

/** Answers a request that has been understood. `release` is called when all is said. */
export async function answer(
  c: Context,
  task: Task,
  form: AnswerForm,
  services: Services,
  release: () => void,
): Promise<Response> {
  const writing = await begin(task, services)
  const { request, prompts } = task
  const common = {
    id: `${form.prefix}-${randomUUID()}`,
    created: Math.floor(services.now()),
    model: services.served.id,
    system_fingerprint: writing.version,
  }
  const headers = { [versionHeader]: writing.version }
  /** So that feedback finds it by its name. */
  const remember = (whole: readonly Generated[]): void => {
    const { count: pieces = 0, text: shown } = task.pieces ?? {}
    const texts = shown === undefined ? prompts.map((prompt) => task.tokenizer.decode(prompt)) : [shown]
    const each = request.n ?? 1
    const choices = whole.map((one, i) => {
      const at = Math.floor(i / each)
      // An answer of which something was kept back is known by what was said.
      const isWhole = task.tokenizer.decode(one.tokens).startsWith(one.text ?? '')
      const written = isWhole ? writtenOf(prompts[at], one, task.tokenizer) : null
      return { prompt: texts[at], text: one.text ?? '', written, pieces }
    })
    services.answers.remember(common.id, choices)
    for (const { text } of choices) services.served.wrote?.(text)
  }
  if (request.stream !== true) {
    try {
      for await (const _piece of writing.pieces);
    } finally {
      writing.end()
    }
    const whole = writing.whole()
    remember(whole)
    release()
    const choices = whole.map(({ text = '', finish, logProbabilities = [] }, index) => ({
      index,
      ...form.choice(text, logProbabilities),
      finish_reason: finishOf(finish),
    }))
    const usage = usageOf(prompts, writtenIn(whole))
    const body = { ...common, object: form.object, choices, usage, ...recalledField(writing.recalled()) }
    return c.json(body, 200, headers)
  }
  const chunk = (choices: readonly object[], more: object = {}): object => ({
    ...common,
    object: form.chunkObject,
    choices,
    ...more,
  })
  const withUsage = request.stream_options?.include_usage === true
  const noUsage = withUsage ? { usage: null } : {}
  async function* chunks(): AsyncGenerator<object, void, void> {
    const answers = prompts.length * (request.n ?? 1)
    if (form.opening !== undefined) {
      for (let index = 0; index < answers; index++) {
        yield chunk([{ index, ...form.opening, finish_reason: null }], noUsage)
      }
    }
    for await (const step of writing.pieces) {
      const { row: index, text = '' } = step
      if (text === '' && (task.alternatives === undefined || step.token === undefined)) continue
      yield chunk([{ index, ...form.piece(text, [step]), finish_reason: null }], noUsage)
    }
    const whole = writing.whole()
    remember(whole)
    for (const [index, { finish }] of whole.entries()) {
      const isLast = index === whole.length - 1
      yield chunk([{ index, ...form.closing, finish_reason: finishOf(finish) }], {
        ...noUsage,
        ...(isLast && recalledField(writing.recalled())),
      })
    }
    if (withUsage) yield chunk([], { usage: usageOf(prompts, writtenIn(whole)) })
  }
  return eventStream(chunks(), {
    headers,
    onEnd() {
      writing.end()
      release()
    },
    onError: () =>
      services.metrics.count('burgeon_broken_streams_total', 'Streams that ended with an error.', 1),
  })
}

const writtenIn = (whole: readonly Generated[]): number =>
  whole.reduce((sum, { tokens }) => sum + tokens.length, 0)
