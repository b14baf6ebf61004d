/** The server as a function of requests: routes behind doors. It needs no socket. */
import { randomUUID } from 'node:crypto'
import { checkArgument, checkOptions, checks, OptionError } from '@burgeon/tensor'
import { type Context, Hono } from 'hono'
import { cors } from 'hono/cors'
import { ApiError, apiErrorOf } from './http/api-error.ts'
import { Metrics } from './http/metrics.ts'
import { type Limits, limitsOf } from './limits.ts'
import { LatestEvents } from './life/latest-events.ts'
import { tell } from './life/tell.ts'
import { auditedExperienceRoute, auditHeader, auditRoute, headText } from './routes/audit/audit-routes.ts'
import {
  approvalRoute,
  controlRoute,
  releaseRoute,
  requireRunning,
  stopRoute,
} from './routes/control/control-routes.ts'
import { checkpointsRoute, keepRoute, rollBackRoute } from './routes/checkpoint-routes.ts'
import { decideGrowthRoute, growRoute, growthRoute, planGrowthRoute } from './routes/growth-routes.ts'
import { dashboardRoutes } from './routes/dashboard-routes.ts'
import { explainRoute } from './routes/explain-routes.ts'
import { feedbackRoute } from './routes/feedback-routes.ts'
import type { McpSdk } from './mcp/load-mcp.ts'
import { mcpRoutes } from './mcp/mcp-routes.ts'
import { eventsRoute, recordRoute, reportRoute } from './routes/life-routes.ts'
import { learnRoute } from './routes/learning-routes.ts'
import { forecastRoute } from './routes/writing/forecast-route.ts'
import { piecesRoute } from './routes/writing/pieces-route.ts'
import { detokenizeRoute, embeddingsRoute, tokenizeRoute } from './routes/reading-routes.ts'
import type { Route } from './routes/route.ts'
import { healthRoute, metricsRoute, modelsRoute, openApiRoute, versionRoute } from './routes/status-routes.ts'
import { chatRoute, completionsRoute } from './routes/writing/writing-routes.ts'
import { KnownAnswers } from './feedback/known-answers.ts'
import { Lessons } from './lessons.ts'
import { behindHeader } from './openai/answers.ts'
import { Writers } from './openai/writers.ts'
import {
  checkOrigin,
  checkScope,
  type DoorOptions,
  isOwners,
  loopbackNames,
  namedPages,
} from './security/doors.ts'
import { type ApiKey, Keys } from './security/keys.ts'
import { aServedModel, type ServedModel } from './served/served-model.ts'
import type { Services } from './services.ts'
import { Turns } from './turns.ts'
import { serverVersion } from './version.ts'
import { WeightsVersion } from './weights-version.ts'

/** Who is let in, and what a request may ask for. */
export interface AppOptions {
  /** Who may ask for what. Without keys whoever reaches the address may do everything. */
  readonly keys?: readonly ApiKey[]
  /**
   * Names in the header `Host` that are this server's; those of loopback unless given, null for any.
   * Where any will do and there are no keys, the dashboard shows and changes nothing.
   */
  readonly hosts?: readonly string[] | null
  /** Origins of web pages that may ask besides the dashboard, `https://example.org`; none unless given. */
  readonly origins?: readonly string[]
  readonly limits?: Partial<Limits>
  /** Orders the work, where the caller works on the model too; one of its own unless given. */
  readonly turns?: Turns
  /**
   * Share of the time that learning gets while texts are being written, in [0, 1], of turns of its own.
   * 0.3 unless given.
   */
  readonly learnShare?: number
  /** What `loadMcp` returns: with it agents have tools at `/mcp`. */
  readonly mcp?: McpSdk
  /** Is told of faults of the server, which clients are not. Nothing secret is among it. */
  readonly onFault?: (error: unknown, requestId: string) => void
}

/** What a request came by, where it came by a socket. */
export interface Connection {
  readonly outgoing?: { destroy(): unknown }
}

/** A server without a socket. */
export interface App {
  /** Answers a request. */
  readonly fetch: (request: Request, connection?: Connection) => Response | Promise<Response>
  /** What it answers, as it was registered. */
  readonly routes: readonly Pick<Route, 'method' | 'path' | 'scope'>[]
  /** From now on heavy requests get 503. Resolves when none is being answered. */
  drain(): Promise<void>
}

/**
 * Makes the server of a model.
 *
 * @throws OptionError for options out of range.
 */
export function createApp(served: ServedModel, options: AppOptions = {}): App {
  checkArgument('createApp', 'served', served, aServedModel)
  checkOptions('createApp', options, {
    keys: { expected: 'a list of keys', accepts: (_): _ is readonly ApiKey[] => true },
    hosts: {
      expected: 'a list of names, or null',
      accepts: (value): value is null => value === null || isTexts(value),
    },
    origins: { expected: 'a list of origins', accepts: isTexts },
    limits: checks.object('an object of limits'),
    turns: checks.instance('Turns', Turns),
    learnShare: checks.number({ from: 0, to: 1 }),
    mcp: checks.role<McpSdk>('what loadMcp returns', 'McpServer', 'Transport'),
    onFault: checks.callback(),
  })
  if (served.id.trim() === '')
    throw new OptionError('createApp: got an empty name of the model; expected one.')
  const { hosts = loopbackNames, origins = [], learnShare = 0.3 } = options
  const limits = limitsOf('createApp: limits', options.limits)
  const doors: DoorOptions = {
    keys: new Keys(options.keys === undefined ? [] : options.keys),
    hosts,
    origins,
  }
  const { turns = new Turns({ learnShare }) } = options
  const [version, lessons] = [new WeightsVersion(served), new Lessons()]
  const writers = new Writers({ served, turns, version, lessons, now: () => performance.now() })
  const services: Services = {
    ...{ served, limits, serverVersion, turns, writers, version, lessons },
    metrics: new Metrics(),
    events: new LatestEvents({ kept: 1024, stepEvery: 100, beatEvery: 15_000 }),
    now: () => (performance.timeOrigin + performance.now()) / 1000,
    answers: new KnownAnswers({ answers: 1024, characters: 2 ** 24 }),
    isOwners: (c) => isOwners(c, doors),
    state: { inFlight: 0, isDraining: false },
  }
  const unheard = served.life?.listen((told) => tell(services.events, told))
  const described = [
    ...[
      modelsRoute,
      completionsRoute(limits),
      chatRoute(limits),
      embeddingsRoute(limits),
      ...[piecesRoute(limits), forecastRoute(limits), explainRoute(limits), learnRoute(limits)],
    ],
    ...[eventsRoute, recordRoute, reportRoute],
    ...[growthRoute, planGrowthRoute(limits), growRoute(limits)],
    ...[decideGrowthRoute(limits), checkpointsRoute, keepRoute(limits), rollBackRoute(limits)],
    ...[feedbackRoute(limits), controlRoute, stopRoute(limits), releaseRoute(limits), approvalRoute(limits)],
    ...[auditRoute, auditedExperienceRoute],
    ...(options.mcp === undefined ? [] : mcpRoutes(options.mcp, limits, (request) => app.fetch(request))),
    ...[tokenizeRoute(limits), detokenizeRoute(limits), healthRoute, metricsRoute, versionRoute],
  ]
  const routes = [...described, openApiRoute(described), ...dashboardRoutes()]
  const app = new Hono()
  if (origins.length > 0) app.use(cors(namedPages(origins)))
  for (const route of routes) {
    app.on(route.method, route.path, (c) => answered(c, route, doors, services))
  }
  app.notFound((c) =>
    failed(c, new ApiError(404, 'there is nothing at this address.', { code: 'not_found' })),
  )
  app.onError((error, c) => {
    const known = apiErrorOf(error)
    if (known.status >= 500) options.onFault?.(error, requestIdOf(c))
    return failed(c, known)
  })
  return {
    fetch: (request, connection) => app.fetch(request, connection),
    routes: routes.map(({ method, path, scope }) => ({ method, path, scope })),
    async drain() {
      services.state.isDraining = true
      while (services.state.inFlight > 0) await new Promise((resolve) => setTimeout(resolve, 10))
      await services.lessons.done()
      services.events.close()
      unheard?.()
    },
  }
}

async function answered(c: Context, route: Route, doors: DoorOptions, services: Services): Promise<Response> {
  const { metrics } = services
  const count = (status: number): void =>
    metrics.count('burgeon_requests_total', 'Requests answered.', 1, {
      path: route.path,
      status: String(status),
    })
  try {
    checkOrigin(c, doors)
    if (route.scope !== 'open') checkScope(c, doors, route.scope)
    if (route.changesWeights === true) requireRunning(services)
    const release = route.isHeavy ? takePlace(services) : () => {}
    let response: Response
    try {
      response = await route.answer(c, services, release)
    } catch (error) {
      release()
      throw error
    }
    response.headers.set('x-request-id', requestIdOf(c))
    const head = headText(services)
    if (head !== null) response.headers.set(auditHeader, head)
    const follows = services.served.following?.()
    if (follows) response.headers.set(behindHeader, `${follows.behind ?? 'unknown'}`)
    count(response.status)
    return response
  } catch (error) {
    count(apiErrorOf(error).status)
    throw error
  }
}

/**
 * A place among the requests that are answered at once. Returns what gives it back, however often it is
 * called.
 */
function takePlace({ state, limits }: Services): () => void {
  const headers = { 'Retry-After': '1' }
  if (state.isDraining) {
    throw new ApiError(503, 'the server is about to end.', { type: 'server_error', code: 'ending', headers })
  }
  if (state.inFlight >= limits.inFlight) {
    const details = { type: 'rate_limit_error', code: 'too_many_requests', headers }
    throw new ApiError(429, `there are ${limits.inFlight} requests already; ask again later.`, details)
  }
  state.inFlight++
  let isHeld = true
  return () => {
    if (isHeld) state.inFlight--
    isHeld = false
  }
}

function failed(c: Context, { status, body, headers }: ApiError): Response {
  return c.json(body, status as 400, { ...headers, 'x-request-id': requestIdOf(c) })
}

/** The same for a request whenever it is asked for. */
function requestIdOf(c: Context): string {
  const known = c.get('requestId' as never) as string | undefined
  if (known !== undefined) return known
  const made = randomUUID()
  c.set('requestId' as never, made as never)
  return made
}

const isTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((one) => typeof one === 'string')
