/** Routes by which people decide about a life: whether it may learn, and what it may do. */
import { z } from 'zod'
import { ApiError, refuseBy } from '../../http/api-error.ts'
import { readJson } from '../../http/read-json.ts'
import type { Limits } from '../../limits.ts'
import type { ServedControl } from '../../served/served-control.ts'
import type { Services } from '../../services.ts'
import type { Route } from '../route.ts'

/** Whose decision it is: it stays on record. */
const somebody = z.string().min(1).max(200)
const byBody = z.strictObject({ by: somebody })
const decisionBody = z.strictObject({ decision: z.enum(['approve', 'refuse']), by: somebody })

/** Throws ApiError 409 for a model that is no life. */
function controlOf({ served: { control } }: Pick<Services, 'served'>): ServedControl {
  if (control !== undefined) return control
  throw new ApiError(409, 'this model does not learn, so there is nothing to decide; serve a life.', {
    code: 'does_not_learn',
  })
}

function controlJson(control: ServedControl): object {
  return {
    object: 'control',
    ...{ stopped: control.stopped(), policy: control.policy(), waiting: control.waiting() },
  }
}

/** Throws ApiError 409 where somebody has stopped the life. */
export function requireRunning({ served: { control } }: Pick<Services, 'served'>): void {
  const stopped = control?.stopped() ?? null
  if (stopped === null) return
  throw new ApiError(
    409,
    `this life was stopped by ${stopped.by} (${stopped.at}); it learns nothing until it is released.`,
    { code: 'stopped' },
  )
}

export const controlRoute: Route = {
  method: 'get',
  path: '/v1/control',
  scope: 'admin',
  summary: 'Whether the life may learn, the digest of its policy, and what waits for approval.',
  answer: (c, services) => c.json(controlJson(controlOf(services))),
}

export const stopRoute = (limits: Limits): Route => ({
  method: 'post',
  path: '/v1/control/stop',
  scope: 'admin',
  summary: 'Stop: nothing changes the weights from now on, also after a restart. Answers go on.',
  body: byBody,
  async answer(c, services) {
    const control = controlOf(services)
    const { by } = await readJson(c, byBody, limits)
    await control.stop(by)
    return c.json(controlJson(control))
  },
})

export const releaseRoute = (limits: Limits): Route => ({
  method: 'post',
  path: '/v1/control/release',
  scope: 'admin',
  summary: 'Let the life learn again.',
  body: byBody,
  async answer(c, services) {
    const control = controlOf(services)
    await readJson(c, byBody, limits)
    await control.release()
    return c.json(controlJson(control))
  },
})

export const approvalRoute = (limits: Limits): Route => ({
  method: 'post',
  path: '/v1/control/approvals/:id',
  scope: 'admin',
  summary: 'Approve or refuse what waits.',
  body: decisionBody,
  async answer(c, services) {
    const control = controlOf(services)
    const { decision, by } = await readJson(c, decisionBody, limits)
    try {
      await control.decide(c.req.param('id') ?? '', decision, by)
    } catch (error) {
      refuseBy(error, 404, 'nothing of that name waits', { param: 'id', code: 'not_waiting' })
    }
    return c.json(controlJson(control))
  },
})
