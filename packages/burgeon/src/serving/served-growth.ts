/** Growth of a life that is served: plans, growth by hand, and what waits for approval. */
import { dryRun } from '@burgeon/continual'
import { type GrowthRequest, planGrowth, priceOfPlanned } from '@burgeon/gpt/growth'
import type { GrowthOutcome, ServedGrowth } from '@burgeon/server'
import { approvalsOf } from '../session/control/life-control.ts'
import type { Life } from '../session/life/life-checkpoint.ts'
import type { LifeTeacher } from './teach-life.ts'

type Turn = Parameters<ServedGrowth['grow']>[2]

/** Growth of a life; undefined of one that never grows. */
export function servedGrowth(life: Life, teacher: LifeTeacher): ServedGrowth | undefined {
  const { learner } = life
  const { model, budget } = learner
  const approvals = approvalsOf(life)
  if (approvals === undefined) return undefined
  /** What `change` leads to, in one turn, so that no other step comes between. */
  const outcome = async (change: () => number, turn: Turn): Promise<GrowthOutcome> => {
    let id = 0
    const events = await turn(() => {
      id = change()
      return teacher.rehearse()
    })
    return { id, events, saved: await teacher.save(turn) }
  }
  const limit = (most: number | undefined): number | null =>
    most === undefined || most === Infinity ? null : most
  return {
    budget: {
      parameters: limit(budget.parameters),
      flopsPerToken: limit(budget.flopsPerToken),
      bytes: limit(budget.bytes),
    },
    asks: () => approvals.asks,
    log: () =>
      (model.growthLog?.entries ?? []).map(({ kind, summary, parametersBefore, parametersAfter }) => ({
        ...{ summary, parametersBefore, parametersAfter, isTakenBack: kind === 'taken back' },
      })),
    waiting: () => approvals.waiting,
    plan(request) {
      const stateBytes = learner.stateBytes
      const { before, after } = priceOfPlanned(planGrowth(model.config, request, [0, 0]), stateBytes)
      return { before, after, isRefused: isRefused(request, life, stateBytes) }
    },
    grow: (request, reason, turn) => outcome(() => approvals.request(request, reason), turn),
    decide: (id, decision, turn) =>
      outcome(() => {
        approvals.decide(id, decision)
        return id
      }, turn),
  }
}

/** Whether the budget of the learner forbids a request now. */
function isRefused(
  request: GrowthRequest,
  { learner: { model, budget } }: Life,
  stateBytes: number,
): boolean {
  const once = { name: 'once', initial: null, decide: () => ({ request, reason: 'a plan', state: null }) }
  const { config, parameters } = model
  return dryRun(once, { config, parameters: parameters.size, losses: [0], budget, stateBytes })[0].refused
}
