/** Routes that say how things stand. */
import { versionHeader } from '../openai/answers.ts'
import type { Route } from './route.ts'
import { openApi } from './open-api.ts'

export const modelsRoute: Route = {
  method: 'get',
  path: '/v1/models',
  scope: 'read',
  summary: 'The model that is served.',
  answer: (c, { served }) =>
    c.json({
      object: 'list',
      data: [
        {
          id: served.id,
          object: 'model',
          created: 0,
          owned_by: 'burgeon',
          ...{ context: served.model.config.context, parameters: served.model.parameters.size },
          ...{ step: served.step(), learns: served.teacher !== undefined },
          senses: served.senses?.all() ?? [],
        },
      ],
    }),
}

export const healthRoute: Route = {
  method: 'get',
  path: '/health',
  scope: 'open',
  summary:
    '200 while it answers, 503 while it ends; of a replica whom it follows, and how many versions it is behind.',
  answer: (c, { served, state }) => {
    const follows = served.following?.()
    const more = follows && { follows: { name: follows.name, versions_behind: follows.behind } }
    return state.isDraining ? c.json({ status: 'ending', ...more }, 503) : c.json({ status: 'ok', ...more })
  },
}

export const versionRoute: Route = {
  method: 'get',
  path: '/version',
  scope: 'read',
  summary: 'Versions of the server and of the weights.',
  async answer(c, { serverVersion, turns, version }) {
    const weights = await turns.take('generate', () => version.now())
    return c.json({ version: serverVersion, weights_version: weights }, 200, { [versionHeader]: weights })
  },
}

export const metricsRoute: Route = {
  method: 'get',
  path: '/metrics',
  scope: 'read',
  summary: 'Counters and times, for Prometheus.',
  answer(c, { events, metrics, served, state, turns, writers }) {
    metrics.gauge('burgeon_requests_in_flight', 'Requests that keep the engine busy.', state.inFlight)
    metrics.gauge('burgeon_turns_waiting', 'Pieces of work that wait for their turn.', turns.waiting)
    metrics.gauge(
      'burgeon_weights_held',
      'Versions of the weights that texts are written by.',
      writers.snapshots,
    )
    metrics.gauge('burgeon_followers', 'Clients that follow events.', events.followers)
    metrics.gauge('burgeon_parameters', 'Numbers that the model has learnt.', served.model.parameters.size)
    metrics.gauge('burgeon_step', 'Steps that the weights have learnt.', served.step())
    const { behind = null } = served.following?.() ?? {}
    if (behind !== null)
      metrics.gauge('burgeon_weights_behind', 'Versions that the learner is ahead.', behind)
    metrics.gauge(
      'process_resident_memory_bytes',
      'Resident memory size in bytes.',
      process.memoryUsage.rss(),
    )
    return c.text(metrics.text(), 200, { 'Content-Type': 'text/plain; version=0.0.4; charset=utf-8' })
  },
}

/** @param routes All others: they are described as they are. */
export const openApiRoute = (routes: readonly Route[]): Route => ({
  method: 'get',
  path: '/openapi.json',
  scope: 'read',
  summary: 'This description.',
  answer: (c, { serverVersion }) => c.json(openApi(routes, serverVersion)),
})
