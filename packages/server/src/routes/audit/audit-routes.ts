/** Routes of the audit log: its head, that it only grew, and that an experience was learnt. */
import { ApiError } from '../../http/api-error.ts'
import type { ServedAudit } from '../../served/served-audit.ts'
import type { Services } from '../../services.ts'
import type { Route } from '../route.ts'

/** Header of the head, `ROOT:SIZE`: who keeps the latest one is a witness. */
export const auditHeader = 'x-burgeon-audit'

/** The head that every answer tells; null where there is none. */
export function headText({ served: { audit } }: Pick<Services, 'served'>): string | null {
  const head = audit?.head() ?? null
  return head === null ? null : `${head.root}:${head.size}`
}

/** Throws ApiError 409 for a model that has no log. */
function auditOf({ served: { audit } }: Services): ServedAudit {
  if (audit !== undefined) return audit
  throw new ApiError(409, 'this model is no life that learns; serve the folder of one.', { code: 'no_life' })
}

export const auditRoute: Route = {
  method: 'get',
  path: '/v1/audit',
  scope: 'read',
  summary: 'The head of the audit log; with ?since=SIZE, a proof that it begins with as many entries.',
  isHeavy: true,
  async answer(c, services, release) {
    const audit = auditOf(services)
    const since = c.req.query('since')
    if (since === undefined) {
      release()
      return c.json({ object: 'audit', ...(audit.head() ?? { size: 0, root: null }) })
    }
    const proof = /^\d{1,15}$/.test(since) ? await audit.since(Number(since)) : null
    release()
    if (proof === null) {
      throw new ApiError(400, `the log has no ${since} entries; expected the size of a head that was told.`, {
        ...{ param: 'since', code: 'no_such_size' },
      })
    }
    return c.json({ object: 'audit.consistency', ...proof })
  },
}

export const auditedExperienceRoute: Route = {
  method: 'get',
  path: '/v1/audit/experiences/:experience',
  scope: 'read',
  summary: 'A proof that an experience was learnt: its entry of the audit log, and hashes up to the head.',
  isHeavy: true,
  async answer(c, services, release) {
    const id = c.req.param('experience') ?? ''
    const audit = auditOf(services)
    const proof = /^\d{1,15}$/.test(id) ? await audit.learnt(Number(id)) : null
    release()
    if (proof === null) {
      throw new ApiError(404, `no entry says that an experience ${id} was learnt.`, { code: 'not_found' })
    }
    return c.json({ object: 'audit.inclusion', ...proof })
  },
}
