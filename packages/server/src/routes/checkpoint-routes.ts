/** Routes of checkpoints: which there are, to keep one, and to go back to one. */
import { z } from 'zod'
import { ApiError, refuseBy } from '../http/api-error.ts'
import { readJson } from '../http/read-json.ts'
import type { Limits } from '../limits.ts'
import type { CheckpointFacts, ServedCheckpoints } from '../served/served-checkpoints.ts'
import { learning, type Services } from '../services.ts'
import type { Route } from './route.ts'

/** There is nothing to say, but it is JSON, which no form of a page can send. */
const nothing = z.strictObject({})

/** Throws ApiError 409 for a model that has no checkpoints of its own. */
function checkpointsOf({ served: { checkpoints } }: Services): ServedCheckpoints {
  if (checkpoints !== undefined) return checkpoints
  throw new ApiError(409, 'this model is no life that learns; serve the folder of one.', { code: 'no_life' })
}

const factsJson = ({ kept, step, bytes, parameters, bitsPerByte }: CheckpointFacts): object => ({
  ...{ kept, step, bytes, parameters, bits_per_byte: bitsPerByte },
})

export const checkpointsRoute: Route = {
  method: 'get',
  path: '/v1/checkpoints',
  scope: 'read',
  summary: 'The checkpoint on disk, and those that are kept.',
  async answer(c, services) {
    const { present, kept } = await checkpointsOf(services).list()
    return c.json({ object: 'checkpoints', present: factsJson(present), kept: kept.map(factsJson) })
  },
}

export const keepRoute = (limits: Limits): Route => ({
  method: 'post',
  path: '/v1/checkpoints',
  scope: 'admin',
  summary: 'Save the life as it is now, and keep that.',
  body: nothing,
  isHeavy: true,
  async answer(c, services, release) {
    checkpointsOf(services)
    await readJson(c, nothing, limits)
    const keep = () => checkpointsOf(services).keep(learning(services)).catch(refuse('it was not kept'))
    const facts = factsJson(await services.lessons.after(keep))
    services.events.tell('kept', facts)
    release()
    return c.json({ object: 'checkpoint', ...facts })
  },
})

export const rollBackRoute = (limits: Limits): Route => ({
  method: 'post',
  path: '/v1/checkpoints/:n/rollback',
  scope: 'admin',
  summary: 'Go back to a checkpoint that is kept; the present one is kept first.',
  body: nothing,
  isHeavy: true,
  changesWeights: true,
  async answer(c, services, release) {
    checkpointsOf(services)
    await readJson(c, nothing, limits)
    const n = c.req.param('n') ?? ''
    const { to, left } = await services.lessons.after(async () => {
      const checkpoints = checkpointsOf(services)
      const { kept } = await checkpoints.list()
      const known = kept.find((facts) => String(facts.kept) === n)?.kept
      if (known === undefined || known === null) {
        throw new ApiError(404, 'no checkpoint of that number is kept.', { param: 'n', code: 'not_kept' })
      }
      return checkpoints.rollBack(known, learning(services)).catch(refuse('the life stays as it is'))
    })
    services.events.tell('rollback', { to: factsJson(to), left: factsJson(left) })
    release()
    return c.json({ object: 'rollback', to: factsJson(to), left: factsJson(left) })
  },
})

/** A disk that is full or damaged is no mistake of the request; whoever may do this may know. */
const refuse =
  (what: string) =>
  (error: unknown): never => {
    refuseBy(error, 500, what, { type: 'server_error', code: 'checkpoint_failed' })
  }
