/** Routes of growth: what there was, what it would cost, and who decides. */
import type { GrowthKind, GrowthRequest } from '@burgeon/gpt/growth'
import type { Context } from 'hono'
import { z } from 'zod'
import { ApiError, refuseBy } from '../http/api-error.ts'
import { readJson } from '../http/read-json.ts'
import { eventJson } from '../life/tell.ts'
import type { Limits } from '../limits.ts'
import type { GrowthOutcome, ServedGrowth, SizeCost, WaitingRequest } from '../served/served-growth.ts'
import { learning, type Services } from '../services.ts'
import type { Route } from './route.ts'

/** All but new tokens, which a tokenizer must know. */
const kinds: readonly Exclude<GrowthKind, 'growVocabulary'>[] = [
  ...(['widenMlp', 'addHeads', 'addKvHeads', 'widenHeads', 'addLayer', 'copyLayers', 'widenEmbed'] as const),
  ...(['growContext', 'addAdapter', 'addExperts', 'pruneUnits', 'pruneHeads', 'pruneLayer'] as const),
]

interface GrowthBody {
  readonly request: GrowthRequest
  readonly reason?: string | undefined
}

const aRequest = z.looseObject({ kind: z.enum(kinds) }) as unknown as z.ZodType<GrowthRequest>
const aReason = z.string().min(1).max(500)
const planBody = z.strictObject({ request: aRequest })
const growBody: z.ZodType<GrowthBody> = z.strictObject({ request: aRequest, reason: aReason.optional() })
const decisionBody = z.strictObject({ decision: z.enum(['approve', 'refuse']) })

/** Throws ApiError 409 for a model that never grows. */
function growthOf({ served: { growth } }: Services): ServedGrowth {
  if (growth !== undefined) return growth
  throw new ApiError(409, 'this model never grows; serve the folder of a life that does.', {
    code: 'does_not_grow',
  })
}

const costJson = ({ parameters, flopsPerToken, weightBytes, stateBytes }: SizeCost): object => ({
  ...{ parameters, flops_per_token: flopsPerToken, weight_bytes: weightBytes, state_bytes: stateBytes },
})

const waitingJson = ({ id, step, request, reason, decision }: WaitingRequest): object => ({
  ...{ id, step, request, reason, decision },
})

export const growthRoute: Route = {
  method: 'get',
  path: '/v1/growth',
  scope: 'read',
  summary: 'Every growth so far, the budget, and what waits for approval.',
  answer(c, services) {
    const growth = growthOf(services)
    const { budget } = growth
    const waiting = growth.waiting()
    return c.json({
      object: 'growth',
      parameters: services.served.model.parameters.size,
      budget: {
        ...{ parameters: budget.parameters, flops_per_token: budget.flopsPerToken, bytes: budget.bytes },
      },
      approval: growth.asks(),
      waiting: waiting === null ? [] : [waitingJson(waiting)],
      log: growth.log().map(({ summary, parametersBefore, parametersAfter, isTakenBack }) => ({
        ...{ summary, parameters_before: parametersBefore, parameters_after: parametersAfter },
        taken_back: isTakenBack,
      })),
    })
  },
}

export const planGrowthRoute = (limits: Limits): Route => ({
  method: 'post',
  path: '/v1/growth/plan',
  scope: 'read',
  summary: 'What a request of growth would lead to; nothing grows.',
  body: planBody,
  async answer(c, services) {
    const growth = growthOf(services)
    const { request } = await readJson(c, planBody, limits)
    const { before, after, isRefused } = planned(growth, request)
    return c.json({
      object: 'growth.plan',
      before: costJson(before),
      after: costJson(after),
      within_budget: !isRefused,
    })
  },
})

export const growRoute = (limits: Limits): Route => ({
  method: 'post',
  path: '/v1/growth',
  scope: 'admin',
  summary: 'Grow now.',
  body: growBody,
  isHeavy: true,
  changesWeights: true,
  async answer(c, services, release) {
    const growth = growthOf(services)
    const { request, reason = 'asked for by hand' } = await readJson(c, growBody, limits)
    if (planned(growth, request).isRefused) {
      throw new ApiError(
        409,
        'request: it is more than the budget allows; /v1/growth/plan says what it costs.',
        {
          ...{ param: 'request', code: 'over_budget' },
        },
      )
    }
    const outcome = await services.lessons.after(() => {
      const own = growthOf(services)
      if (own.waiting() !== null) throw waits(own)
      return own.grow(request, reason, learning(services))
    })
    return outcomeOf(c, outcome, services, release)
  },
})

export const decideGrowthRoute = (limits: Limits): Route => ({
  method: 'post',
  path: '/v1/growth/:id',
  scope: 'admin',
  summary: 'Approve or refuse a growth that waits.',
  body: decisionBody,
  isHeavy: true,
  changesWeights: true,
  async answer(c, services, release) {
    growthOf(services)
    const { decision } = await readJson(c, decisionBody, limits)
    const id = c.req.param('id') ?? ''
    const outcome = await services.lessons.after(() => {
      const own = growthOf(services)
      const waiting = own.waiting()
      if (waiting === null || String(waiting.id) !== id) {
        throw new ApiError(404, 'no growth of that number waits.', { param: 'id', code: 'not_waiting' })
      }
      if (waiting.decision !== null) throw waits(own)
      return own.decide(waiting.id, decision, learning(services))
    })
    return outcomeOf(c, outcome, services, release)
  },
})

/** Throws ApiError 400 for a request that cannot be. */
function planned(growth: ServedGrowth, request: GrowthRequest): ReturnType<ServedGrowth['plan']> {
  try {
    return growth.plan(request)
  } catch (error) {
    return refuseBy(error, 400, 'request', { param: 'request', code: 'impossible_growth' })
  }
}

function waits(growth: ServedGrowth): ApiError {
  const waiting = growth.waiting()
  const how = waiting?.decision === null ? 'waits for a decision' : 'waits for the next step'
  return new ApiError(409, `request ${waiting?.id} ${how}; there is one at a time.`, { code: 'growth_waits' })
}

/** What became of it, once that is known. */
function outcomeOf(
  c: Context,
  { id, events, saved }: GrowthOutcome,
  { served }: Services,
  release: () => void,
): Response {
  release()
  const event = events?.findLast(({ kind }) => kind === 'growth' || kind === 'growth refused')
  const status = event === undefined ? 'waits' : event.kind === 'growth' ? 'grown' : 'refused'
  return c.json(
    {
      object: 'growth.outcome',
      ...{ id, status, event: event === undefined ? null : eventJson(event) },
      ...{ step: served.step(), parameters: served.model.parameters.size, saved },
    },
    status === 'waits' ? 202 : 200,
  )
}
