/** The route that draws pictures and writes sound. */
import { randomInt } from 'node:crypto'
import { z } from 'zod'
import { ApiError, refuseWork } from '../../http/api-error.ts'
import { readJson } from '../../http/read-json.ts'
import type { Limits } from '../../limits.ts'
import { versionHeader } from '../../openai/answers.ts'
import { checkModel } from '../../openai/prompts.ts'
import type { Route } from '../route.ts'
import { inTurns } from './in-turns.ts'

interface PieceBody {
  readonly model: string
  readonly sense: string
  readonly prompt?: string | undefined
  readonly seconds?: number | undefined
  readonly temperature?: number | undefined
  readonly top_k?: number | undefined
  readonly top_p?: number | undefined
  readonly seed?: number | undefined
}

const pieceBody: z.ZodType<PieceBody> = z.strictObject({
  model: z.string(),
  sense: z.string().min(1).max(100),
  prompt: z.string().min(1).max(200).optional(),
  seconds: z.number().gt(0).max(60).optional(),
  temperature: z.number().min(0).max(2).optional(),
  top_k: z.int().min(1).optional(),
  top_p: z.number().gt(0).max(1).optional(),
  seed: z
    .int()
    .min(0)
    .max(2 ** 32 - 1)
    .optional(),
})

export const piecesRoute = (limits: Limits): Route => ({
  method: 'post',
  path: '/v1/pieces',
  scope: 'read',
  summary: 'Draw a picture, or write sound.',
  body: pieceBody,
  isHeavy: true,
  async answer(c, services, release) {
    const { served } = services
    const { model, sense, top_k: topK, top_p: topP, ...rest } = await readJson(c, pieceBody, limits)
    checkModel(served, model)
    const { senses } = served
    if (senses === undefined) {
      throw new ApiError(409, 'this model writes text alone.', { param: 'sense', code: 'text_alone' })
    }
    if (served.output?.() !== undefined) {
      throw new ApiError(409, 'what this model may say is filtered, and a picture or sound cannot be.', {
        code: 'filtered',
      })
    }
    const { signal } = c.req.raw
    const given = Object.entries({ seed: randomInt(2 ** 32), ...rest, topK, topP }).filter(
      ([, value]) => value !== undefined,
    )
    const writer = inTurns(services, signal)
    const piece = await senses
      .write(sense, writer, { ...Object.fromEntries(given), signal })
      .catch((error: unknown) =>
        refuseWork(error, signal, 400, 'the piece was not written', { code: 'no_piece' }),
      )
    release()
    const body = { object: 'piece', model: served.id, sense: piece.sense, media_type: piece.media }
    const data = Buffer.from(piece.bytes).toString('base64')
    return c.json({ ...body, data }, 200, { [versionHeader]: writer.version() })
  },
})
