/** The contract of a gradient transform: ours keep it, and ones that are broken in one way each do not. */
import {
  accumulate,
  adafactor,
  adamw,
  byPath,
  chain,
  clipByGlobalNorm,
  clipByValue,
  decayWeights,
  dynamicLossScale,
  type GradientTransform,
  lion,
  movingAverage,
  muon,
  privately,
  sgd,
  stateless,
  warmUpCosine,
} from '@burgeon/autograd/optim'
import { checkGradientTransform, type TransformExpectation } from '@burgeon/autograd/testing'
import {
  addInto,
  fill,
  negate,
  OptionError,
  permute,
  type Tensor,
  type TensorsByPath,
  zeros,
} from '@burgeon/tensor'
import { expect, test } from 'vitest'
import { withRows } from '../saved-states/with-rows.ts'

const optimizer = { isOptimizer: true } as const
const matrices = { isOptimizer: true, shapes: { w: [3, 4], deep: [2, 3, 2] } } as const
const schedule = warmUpCosine({ warmup: 2, total: 60, peak: 0.1, final: 0.01 })
const family: readonly (readonly [string, () => GradientTransform, TransformExpectation])[] = [
  ['plain descent', () => sgd(0.1), optimizer],
  ['plain descent on a schedule', () => sgd(schedule), optimizer],
  ['momentum', () => sgd(0.1, { momentum: 0.5 }), optimizer],
  ['Nesterov momentum with warm-up', () => sgd(0.1, { momentum: 0.5, nesterov: true, warmUp: 3 }), optimizer],
  ['lion', () => lion({ learningRate: 0.01, weightDecay: 0.1, warmUp: 2 }), optimizer],
  ['adamw', () => adamw({ learningRate: 0.1 }), optimizer],
  ['adamw with warm-up', () => adamw({ learningRate: 0.1, warmUp: 3 }), optimizer],
  ['muon', () => muon({ learningRate: 0.1 }), matrices],
  [
    'muon with warm-up',
    () => muon({ learningRate: 0.1, scale: 'spectral', nesterov: false, warmUp: 3 }),
    matrices,
  ],
  ['adafactor', () => adafactor(), optimizer],
  ['adafactor at a rate', () => adafactor({ learningRate: 0.1, relative: false, warmUp: 3 }), optimizer],
  ['private gradients', () => withRows(privately({ clip: 1, noise: 0.5, seed: 1 })), {}],
  ['clipping by norm', () => clipByGlobalNorm(0.5), {}],
  ['clipping by value', () => clipByValue(0.1), {}],
  ['decay', () => decayWeights(0.1), {}],
  ['a moving average', () => movingAverage(0.9), {}],
  ['a mean over a life', () => movingAverage(1), {}],
  ['a loss scale', () => dynamicLossScale({ initial: 4, growAfter: 5 }), {}],
  ['a stage of the user', () => stateless('half', half), {}],
  ['one for each path', () => byPath((path) => (path === 'w' ? 'matrix' : 'rest'), perPath()), optimizer],
  [
    'a whole chain',
    () => chain(clipByGlobalNorm(1), decayWeights(0.01), adamw({ learningRate: 0.1 })),
    optimizer,
  ],
  [
    'a chain behind a loss scale',
    () => chain(dynamicLossScale({ initial: 4 }), adamw({ learningRate: 0.1 })),
    {},
  ],
  [
    'two gradients at once',
    () => accumulate(2, chain(adamw({ learningRate: 0.1 }), movingAverage(0.5))),
    optimizer,
  ],
  ['three gradients at once', () => accumulate(3, sgd(0.2, { momentum: 0.5, warmUp: 2 })), optimizer],
]

const perPath = () => ({ matrix: muon({ learningRate: 0.1 }), rest: lion({ learningRate: 0.01 }) })
const each = (tensors: TensorsByPath, of: (x: Tensor, path: string) => Tensor): TensorsByPath =>
  Object.fromEntries(Object.entries(tensors).map(([path, x]) => [path, of(x, path)]))
const half: GradientTransform['transform'] = (gradients) => each(gradients, (x) => negate(negate(x)))

test.each(family)('%s keeps every statement', async (_, make, expectation) => {
  const results = await checkGradientTransform(make, expectation)
  expect(results.filter(({ holds }) => !holds)).toEqual([])
  expect(results.length).toBeGreaterThanOrEqual(8)
})

test('every transform and optimizer of the library is among them', async () => {
  const library = await import('@burgeon/autograd/optim')
  const isMaker = (name: string): boolean =>
    /^(accumulate|ada|by[A-Z]|chain|clip|decay|dynamic|lion|moving|muon|privately|sgd|stateless)/.test(name)
  const tried = family.map(([, make]) => make.toString()).join()
  expect(
    Object.keys(library)
      .filter(isMaker)
      .filter((name) => ![`${name}(`, `${name})(`].some((call) => tried.includes(call))),
  ).toEqual([])
})

type Change = (own: GradientTransform) => Partial<GradientTransform>
const adam = (): GradientTransform => adamw({ learningRate: 0.1 })
const leaked: Tensor[] = []
let made = 0
const broken: Readonly<Record<string, Change>> = {
  'returns a tensor of its shape': (own) => ({
    transform: (gradients, context) =>
      each(own.transform(gradients, context), (x) => (x.shape.length === 2 ? permute(x, [1, 0]) : x)),
  }),
  'changes neither the gradients': (own) => ({
    transform(gradients, context) {
      for (const gradient of Object.values(gradients)) addInto(gradient, gradient)
      return own.transform(gradients, context)
    },
  }),
  'returns something for each': (own) => ({
    transform: (gradients, context) =>
      each(own.transform(gradients, context), (x, path) => (path === 'b' ? zeros(x.shape, x.device) : x)),
  }),
  'returns nothing where there is no': (own) => ({
    transform: (gradients, context) =>
      Object.keys(gradients).length === 0 ? context.parameters : own.transform(gradients, context),
  }),
  'the same bits': (own) => {
    const share = 1 + made++ / 1000
    return {
      transform: (gradients, context) =>
        each(own.transform(gradients, context), (x) => fill(x.device, x.shape, share)),
    }
  },
  'goes on to the bit': () => ({ restore: () => {}, checkState: () => {} }),
  'follows growth': () => ({ mirrors: [] }),
  'refuses gradients of other shapes': (own) => ({
    transform(gradients, context) {
      try {
        return own.transform(gradients, context)
      } catch (error) {
        if (error instanceof OptionError) throw error
        return each(gradients, (x) => zeros(x.shape, x.device))
      }
    },
  }),
  'keeps no more buffers': (own) => ({
    transform(gradients, context) {
      const updates = own.transform(gradients, context)
      for (const update of Object.values(updates)) leaked.push(update.retain())
      return updates
    },
  }),
  'refuses a state that is not its own': (own) => ({
    checkState: () => {},
    restore(state, parameters) {
      if (typeof state === 'object' && state !== null && 'first' in state) own.restore(state, parameters)
    },
  }),
  'knows its rate': () => ({ rateAt: () => Number.NaN }),
  'lowers the loss': (own) => ({
    transform: (gradients, context) => each(own.transform(gradients, context), negate),
  }),
  'refuses gradients that are not finite': (own) => ({
    transform: (gradients, context) => own.transform(gradients, { ...context, nonFinite: 'skip' }),
  }),
  'leaves weights alone when told': (own) => ({
    transform: (gradients, context) =>
      context.nonFinite === 'skip' ? gradients : own.transform(gradients, context),
  }),
}

test.each(Object.entries(broken))('one that breaks "%s" is told so', async (statement, change) => {
  const make = (): GradientTransform => {
    const own = adam()
    return { ...own, ...change(own) }
  }
  const wrong = (await checkGradientTransform(make, optimizer)).filter(({ holds }) => !holds)
  expect(wrong.map((result) => result.statement).join('\n')).toContain(statement)
  for (const { detail } of wrong) expect(detail).not.toBe('as stated')
  for (const tensor of leaked.splice(0)) tensor.release()
})

test('every statement has a transform that breaks it', async () => {
  const results = await checkGradientTransform(adam, optimizer)
  const unbroken = results.filter(
    ({ statement }) => !Object.keys(broken).some((each) => statement.includes(each)),
  )
  expect(unbroken).toEqual([])
})

test('what makes no transform, and an expectation that is none, are refused', async () => {
  for (const make of [null, 3, () => null, () => ({ name: 'half' })]) {
    await expect(checkGradientTransform(make as never)).rejects.toThrow(OptionError)
  }
  await expect(checkGradientTransform(adam, { shapes: { w: [1.5] } })).rejects.toThrow(OptionError)
})
