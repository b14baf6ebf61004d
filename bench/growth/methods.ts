/**
 * The ways to a model of full size that are compared: from scratch, by hand-made schedules, by a policy, and
 * without care.
 */
import { type GrowthPolicy, growOnPlateau, lossWindow } from '@burgeon/continual'
import { type Gpt, type GptConfig, gptConfig, parameterSpecs } from '@burgeon/gpt'
import type { GrowthRequest } from '@burgeon/gpt/growth'
import { assign, keyFromSeed, RandomStream, scope, sizeOf } from '@burgeon/tensor'
import type { Moment, Plan } from './growing-life.ts'

/** One way, and what it may compute, as a share of what the model from scratch may. */
export interface Method {
  readonly name: string
  readonly budget: number
  /** Made anew for every life: schedules remember what is done. */
  readonly plan: () => Omit<Plan, 'name'>
}

/** The sizes that every method but one ends with: 1.2 million parameters. */
const full = { embed: 112, heads: 4, layers: 8, mlpHidden: 448 } as const
const shallow = { ...full, layers: 2 }
const narrow = { ...full, embed: 56, heads: 2, headDim: 28, mlpHidden: 224 }

type Growths = readonly (readonly [share: number, (config: GptConfig) => readonly GrowthRequest[]])[]

/** Each once, as soon as its share of the budget is spent. */
function scheduled(growths: Growths): NonNullable<Plan['requests']> {
  let next = 0
  return ({ share, config }) => {
    const due = growths.at(next)
    if (due === undefined || share < due[0]) return []
    next++
    return due[1](config)
  }
}

/** As the learner would ask it, until the model has so many parameters; those of full size unless given. */
export function decidedBy<S>(policy: GrowthPolicy<S>, most?: number): NonNullable<Plan['requests']> {
  let state = policy.initial
  let lastGrowth = 0
  return (moment: Moment) => {
    const { vocabulary, context } = moment.config
    const specs = parameterSpecs(gptConfig({ ...full, vocabulary, context }))
    const parameters = most ?? specs.reduce((total, { shape }) => total + sizeOf(shape), 0)
    const step = moment.losses.length
    const signals = {
      ...{ step, losses: moment.losses.slice(-lossWindow), stepsSinceGrowth: step - lastGrowth },
      ...{ stepsSinceDrift: null, config: moment.config, parameters: moment.parameters },
    }
    const decision = policy.decide(signals, { parameters }, state)
    state = decision.state
    if (decision.request === null) return []
    lastGrowth = step
    return [decision.request]
  }
}

const doubled = (): GrowthRequest => ({ kind: 'copyLayers', order: 'beside' })
const quadrupled = (): GrowthRequest => ({ kind: 'copyLayers', copies: 3 })
const widened = ({ blocks }: GptConfig): GrowthRequest[] => [
  { kind: 'widenEmbed', to: full.embed },
  ...blocks.flatMap(({ id }): GrowthRequest[] => [
    { kind: 'addHeads', block: id, to: full.heads },
    { kind: 'widenMlp', block: id, to: full.mlpHidden },
  ]),
]

/**
 * The numbers that a growth without care would put into the new slices: numbers that look like the old ones.
 * Every new number is drawn from a normal distribution as wide as the old numbers of its parameter.
 */
function unpreserved(model: Gpt, before: ReadonlyMap<string, readonly number[]>, seed: number): void {
  const random = new RandomStream(keyFromSeed(seed)).named('unpreserved')
  for (const [path, tensor] of Object.entries(model.parameters.tensors())) {
    const old = before.get(path)
    if (old === undefined || old.join() === tensor.shape.join()) continue
    const values = Float32Array.from(tensor.readSync())
    const isOld = oldPlaces(tensor.shape, old)
    const known = values.filter((_, i) => isOld(i))
    const width = Math.sqrt(known.reduce((total, value) => total + value * value, 0) / known.length)
    const drawn = values.map((value, i) => (isOld(i) ? value : width * random.normal()))
    scope(() => assign(tensor, model.device.tensor(drawn, { shape: tensor.shape, dtype: 'f32' })))
  }
}

/** Whether a number stood in the corner that a tensor was before it grew. */
function oldPlaces(shape: readonly number[], old: readonly number[]): (index: number) => boolean {
  return (index) => {
    let rest = index
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      if (rest % shape[axis] >= old[axis]) return false
      rest = Math.floor(rest / shape[axis])
    }
    return true
  }
}

const byHand = (growths: Growths) => (): Omit<Plan, 'name'> => ({
  sizes: shallow,
  requests: scheduled(growths),
})

const doubledTwice = (writes: 'whole' | 'shared' | 'nothing'): Method['plan'] => {
  const beside: GrowthRequest = { kind: 'copyLayers', order: 'beside', writes }
  return byHand([
    [0.3, () => [beside]],
    [0.7, () => [beside]],
  ])
}

export const fromScratch: Method = { name: 'from scratch', budget: 1, plan: () => ({ sizes: full }) }

/** From two layers to eight, at times fixed beforehand. */
export const stacking: readonly Method[] = [
  {
    name: 'doubled twice, copies beside their originals',
    budget: 0.6,
    plan: doubledTwice('whole'),
  },
  {
    name: 'doubled twice, each beside the copy it shares with',
    budget: 0.6,
    plan: doubledTwice('shared'),
  },
  {
    name: 'stacked once, four times as deep',
    budget: 0.6,
    plan: byHand([[0.45, () => [quadrupled()]]]),
  },
]

/** The copies write nothing at first: the function is kept. */
export const deepening: Method = {
  name: 'doubled twice, exactly',
  budget: 0.6,
  plan: doubledTwice('nothing'),
}

/** Doubled whenever the loss has stopped falling, by a policy that knows neither the budget nor the rate. */
export const byPolicy: Method = {
  name: 'doubled on plateau, by a policy',
  budget: 0.6,
  plan: () => ({
    sizes: shallow,
    requests: decidedBy(growOnPlateau({ window: 200, patience: 200, request: doubled })),
  }),
}

export const widening: Method = {
  name: 'twice as wide, exactly',
  budget: 0.75,
  plan: () => ({ sizes: narrow, requests: scheduled([[0.6, widened]]) }),
}

/** The same, but for what the new slices hold. */
export const careless: Method = {
  ...widening,
  name: 'twice as wide, the function not preserved',
  plan: () => ({ ...widening.plan(), afterGrowth: unpreserved }),
}

export const neverGrown: Method = {
  name: 'two layers, never grown',
  budget: 0.6,
  plan: () => ({ sizes: shallow }),
}
