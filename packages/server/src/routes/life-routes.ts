/** Routes that show a life: what happens, what has happened so far, and a report of it. */
import { ApiError } from '../http/api-error.ts'
import { eventJson } from '../life/tell.ts'
import type { ServedLife } from '../served/served-life.ts'
import type { Services } from '../services.ts'
import { pageHeaders } from './dashboard-routes.ts'
import type { Route } from './route.ts'

/** Throws ApiError 409 for a model that is no life. */
function lifeOf({ served: { life } }: Services): ServedLife {
  if (life !== undefined) return life
  throw new ApiError(409, 'this model is no life that learns; serve the folder of one.', {
    code: 'no_life',
  })
}

export const eventsRoute: Route = {
  method: 'get',
  path: '/v1/events',
  scope: 'read',
  summary: 'Server-sent events of what happens: steps, drift, growth, lessons, checkpoints.',
  answer(c, services) {
    lifeOf(services)
    const { events, limits, served } = services
    if (events.followers >= limits.followers) {
      throw new ApiError(429, `there are ${limits.followers} who follow already; ask again later.`, {
        ...{ type: 'rate_limit_error', code: 'too_many_followers', headers: { 'Retry-After': '10' } },
      })
    }
    const { outgoing } = (c.env ?? {}) as { readonly outgoing?: { destroy(): unknown } }
    const body = events.follow({
      after: c.req.header('last-event-id'),
      opening: (complete) => ({
        complete,
        step: served.step(),
        parameters: served.model.parameters.size,
      }),
      onDrop: () => outgoing?.destroy(),
    })
    return new Response(body, {
      headers: { 'Content-Type': 'text/event-stream; charset=utf-8', 'Cache-Control': 'no-cache' },
    })
  },
}

export const recordRoute: Route = {
  method: 'get',
  path: '/v1/record',
  scope: 'read',
  summary: 'The life so far: losses, sizes, domains, measurements and events by bytes learnt.',
  answer(c, services) {
    const { events, served } = services
    const soFar = lifeOf(services).soFar()
    return c.json({
      object: 'record',
      // Who follows events from here on misses nothing.
      last_event_id: events.lastId(),
      step: served.step(),
      bytes: soFar.bytes,
      seconds: soFar.seconds,
      losses: soFar.losses.map(({ bytes, bitsPerByte }) => ({ bytes, bits_per_byte: bitsPerByte })),
      parameters: soFar.parameters,
      spans: soFar.spans,
      measurements: soFar.measurements.map(({ bytes, stage, bitsPerByte }) => ({
        ...{ bytes, stage, bits_per_byte: bitsPerByte },
      })),
      events: soFar.events.map(({ bytes, event }) => ({ bytes, ...eventJson(event) })),
    })
  },
}

/** The page has a style sheet of its own inside, and no script. */
const reportPolicy = [
  ...["default-src 'none'", "style-src 'unsafe-inline'"],
  ...["base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"],
].join('; ')

export const reportRoute: Route = {
  method: 'get',
  path: '/v1/report',
  scope: 'read',
  summary: 'The report of the life so far: a page without scripts, which can be kept.',
  answer(_, services) {
    lifeOf(services)
    const { report } = services.served
    if (report === undefined) throw new ApiError(409, 'this life has no report.', { code: 'no_report' })
    const headers = { ...pageHeaders(reportPolicy), 'Content-Type': 'text/html; charset=utf-8' }
    return new Response(report(), { headers })
  },
}
