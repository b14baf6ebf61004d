/** The route that tells what comes next in a table of numbers. */
import { randomInt } from 'node:crypto'
import { z } from 'zod'
import { ApiError, refuseWork } from '../../http/api-error.ts'
import { readJson } from '../../http/read-json.ts'
import type { Limits } from '../../limits.ts'
import { versionHeader } from '../../openai/answers.ts'
import { checkModel } from '../../openai/prompts.ts'
import type { Route } from '../route.ts'
import { inTurns } from './in-turns.ts'

interface ForecastBody {
  readonly model: string
  readonly table: string
  readonly steps: number
  readonly level?: number | undefined
  readonly samples?: number | undefined
  readonly temperature?: number | undefined
  readonly seed?: number | undefined
}

const forecastBody: z.ZodType<ForecastBody> = z.strictObject({
  model: z.string(),
  table: z.string().min(1),
  steps: z.int().min(1).max(1000),
  level: z.number().gt(0).lt(1).optional(),
  samples: z.int().min(2).max(50).optional(),
  temperature: z.number().gt(0).max(2).optional(),
  seed: z
    .int()
    .min(0)
    .max(2 ** 32 - 1)
    .optional(),
})

export const forecastRoute = (limits: Limits): Route => ({
  method: 'post',
  path: '/v1/forecast',
  scope: 'read',
  summary: 'Tell what comes next in a table of numbers.',
  body: forecastBody,
  isHeavy: true,
  async answer(c, services, release) {
    const { served } = services
    const { model, table, ...given } = await readJson(c, forecastBody, limits)
    checkModel(served, model)
    const { senses } = served
    if (senses === undefined) {
      throw new ApiError(409, 'this model reads text alone.', { code: 'text_alone' })
    }
    const { signal } = c.req.raw
    const writer = inTurns(services, signal)
    const { level = 0.9, samples = 50, temperature = 1, seed = randomInt(2 ** 32), steps } = given
    const how = { steps, level, samples, temperature, seed, signal }
    const columns = await senses
      .forecast(new TextEncoder().encode(table), writer, how)
      .catch((error: unknown) =>
        refuseWork(error, signal, 400, 'nothing was foretold', { code: 'no_forecast' }),
      )
    release()
    // JSON has no NaN.
    const numbers = (values: ArrayLike<number>): (number | null)[] =>
      Array.from(values, (value) => (Number.isNaN(value) ? null : value))
    const told = columns.map(({ name, latest, median, lower, upper }) => ({
      ...{ name, latest: numbers(latest), median: numbers(median) },
      ...{ lower: numbers(lower), upper: numbers(upper) },
    }))
    const body = { object: 'forecast', model: served.id, steps, level, columns: told }
    return c.json(body, 200, { [versionHeader]: writer.version() })
  },
})
