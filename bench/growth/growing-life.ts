/**
 * One model that learns a course and grows on the way, with every floating-point operation counted by the op
 * table.
 */
import { valueAndGrad } from '@burgeon/autograd'
import { adamw, applyUpdates, chain, clipByGlobalNorm } from '@burgeon/autograd/optim'
import { Gpt, type GptConfig, type GptSizes, isDecayed } from '@burgeon/gpt'
import { grow, type GrowthRequest } from '@burgeon/gpt/growth'
import { type Device, mean, profile, scope, type TensorsByPath } from '@burgeon/tensor'
import { batchOf, type Course, heldOutLoss } from './course.ts'

/** Where a life stands. */
export interface Measurement {
  readonly step: number
  /** Operations of training so far; looking at held-out text is not counted. */
  readonly flops: number
  /** Learnt numbers. */
  readonly parameters: number
  /** On held-out text, in nats per character. */
  readonly loss: number
}

/** State of a life, for the code that decides about its growth. */
export interface Moment {
  /** Share of the budget that is spent, in [0, 1]. */
  readonly share: number
  readonly model: Gpt
  readonly config: GptConfig
  readonly parameters: number
  /** Losses of all steps so far, in nats per character. */
  readonly losses: readonly number[]
}

/** How a model begins and what becomes of it. */
export interface Plan {
  readonly name: string
  readonly sizes: Omit<GptSizes, 'context' | 'vocabulary'>
  /** Asked before every step; none unless given. */
  readonly requests?: (moment: Moment) => readonly GrowthRequest[] | Promise<readonly GrowthRequest[]>
  /** Spoils what growth keeps: a control. Gets the shapes from before. */
  readonly afterGrowth?: (model: Gpt, before: ReadonlyMap<string, readonly number[]>, seed: number) => void
}

export interface LifeOptions {
  readonly course: Course
  readonly device: Device
  /** Operations after which it ends. */
  readonly budget: number
  /** The highest learning rate. */
  readonly rate: number
  readonly note: (line: string) => void
}

/**
 * The share of the peak rate that is due: it rises over the first fiftieth of the budget, stays, and falls
 * over the last fifth of it.
 */
const rateAt = (share: number): number =>
  Math.min(1, share / 0.02) * (share < decay ? 1 : 1 - Math.sqrt((share - decay) / (1 - decay)) * 0.98)
const decay = 0.8

/** Shares of the budget at which held-out text is looked at: more often where the rate falls. */
const measuredAt: readonly number[] = Array.from({ length: 20 }, (_, i) => (i + 1) * 0.04).concat(
  Array.from({ length: 10 }, (_, i) => decay + (i + 1) * 0.02),
)

/** Lives it, and returns what was measured. */
export async function live(plan: Plan, options: LifeOptions): Promise<Measurement[]> {
  const { course, device, budget, rate, note } = options
  const { seed, vocabulary, length } = course
  const model = Gpt.create({ ...plan.sizes, vocabulary, context: length }, { device, seed })
  let flops = 0
  const optimizer = chain(
    clipByGlobalNorm(1),
    adamw({
      learningRate: () => Math.max(1e-6, rate * rateAt(Math.min(1, flops / budget))),
      ...{ beta2: 0.99, weightDecay: 0.1, decays: isDecayed, warmUp: 20 },
    }),
  )
  const measured: Measurement[] = []
  const measure = (step: number): void => {
    measured.push({ step, flops, parameters: model.parameters.size, loss: heldOutLoss(course, model) })
  }
  measure(0)
  const losses: number[] = []
  let flopsOfStep = 0
  for (let step = 0; flops < budget; step++) {
    const moment = {
      ...{ share: flops / budget, model, config: model.config },
      ...{ parameters: model.parameters.size, losses },
    }
    const requests = (await plan.requests?.(moment)) ?? []
    const before = new Map(
      Object.entries(model.parameters.tensors()).map(([path, { shape }]) => [path, shape]),
    )
    if (requests.length > 0) measure(step)
    for (const request of requests) {
      using probe = scope(() => batchOf(course, step, model).tokens)
      const { summary } = await grow(model, request, { mirrors: optimizer.mirrors, probe, key: [seed, step] })
      note(`${plan.name}, step ${step}, ${(flops / 1e12).toFixed(2)} TFLOP: ${summary}`)
    }
    if (requests.length > 0) {
      plan.afterGrowth?.(model, before, seed)
      measure(step)
    }
    const learnStep = (): void => learn(model, course, step, optimizer, losses)
    if (requests.length > 0 || step === 0) flopsOfStep = operationsOf(learnStep)
    else learnStep()
    const [was, is] = [flops / budget, (flops + flopsOfStep) / budget]
    flops += flopsOfStep
    if (is >= 1 || measuredAt.some((share) => was < share && share <= is)) measure(step + 1)
  }
  model.dispose()
  for (const mirror of optimizer.mirrors) mirror.dispose?.()
  return measured
}

/** By the formulas of the op table. */
function operationsOf(body: () => void): number {
  return profile(body)
    .profile.rows()
    .reduce((total, { flops }) => total + flops, 0)
}

function learn(
  model: Gpt,
  course: Course,
  step: number,
  optimizer: ReturnType<typeof adamw>,
  losses: number[],
): void {
  scope(() => {
    const { tokens, targets } = batchOf(course, step, model)
    const parameters = model.parameters.tensors()
    const { value, gradient } = valueAndGrad((w: TensorsByPath) => mean(model.losses(tokens, targets, w)))(
      parameters,
    )
    applyUpdates(parameters, optimizer.transform(gradient, { parameters, step }))
    losses.push(value.item())
  })
}
