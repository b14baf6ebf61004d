/** A step that fails leaves no trace: the learner is as it was, to the bit, and so is all that it learns afterwards. */
import {
  accumulate,
  adamw,
  chain,
  clipByGlobalNorm,
  movingAverage,
  muon,
  byPath,
  type Schedule,
  sgd,
} from '@burgeon/autograd/optim'
import {
  laMaml,
  Learner,
  type LearnerOptions,
  pageHinkley,
  type Penalty,
  reservoirReplay,
  type Strategy,
} from '@burgeon/continual'
import { Gpt } from '@burgeon/gpt'
import { type BurgeonError, multiply, NonFiniteError, OptionError, sum } from '@burgeon/tensor'
import { openWasm } from '@burgeon/tensor/wasm'
import { describe, expect, test } from 'vitest'

const device = openWasm()
const sizes = { context: 16, embed: 8, heads: 2, layers: 1, mlpHidden: 8 } as const
const texts = Array.from({ length: 8 }, (_, i) =>
  'to be or not to be, that is the question. '.slice(i, i + 17),
)

/** What goes wrong while `isOn`. */
interface Fault {
  isOn: boolean
  rate?: number
  /** What the loss is made to have beside it, times the sum of the weights. */
  gradient?: number
}

/** A penalty that adds what the fault says. */
const troubled = (fault: Fault): Penalty => ({
  name: 'trouble',
  mirrors: [],
  loss: (weights) =>
    fault.isOn && fault.gradient !== undefined
      ? multiply(sum(Object.values(weights)[0]), fault.gradient)
      : null,
  consolidate: () => {},
  toState: () => Promise.resolve(null),
  restore: () => {},
})

const scheduleOf =
  (fault: Fault): Schedule =>
  (step) =>
    fault.isOn && fault.rate !== undefined ? fault.rate : 0.01 / (1 + step)

const makers: Readonly<
  Record<string, (fault: Fault) => Omit<LearnerOptions, 'model' | 'strategy'> & { strategy?: Strategy }>
> = {
  'AdamW and an average': (fault) => ({
    optimizer: chain(adamw({ learningRate: scheduleOf(fault), warmUp: 3 }), movingAverage(0.9)),
  }),
  'momentum at every second gradient': (fault) => ({
    optimizer: accumulate(2, sgd({ learningRate: scheduleOf(fault), momentum: 0.9 })),
  }),
  'Muon and AdamW by path': (fault) => ({
    optimizer: byPath((path) => (path.endsWith('mlp.in.weight') ? 'muon' : 'adamw'), {
      muon: muon({ learningRate: 0.01 }),
      adamw: adamw({ learningRate: scheduleOf(fault) }),
    }),
  }),
  'La-MAML': (fault) => ({
    optimizer: sgd(scheduleOf(fault)),
    strategy: { lookAhead: laMaml({ rate: 0.1, rateOfRates: 0.1 }), transforms: [clipByGlobalNorm(1e30)] },
  }),
}

const faults: readonly (readonly [string, Omit<Fault, 'isOn'>, new (message: string) => BurgeonError])[] = [
  ['a rate of NaN', { rate: Number.NaN }, OptionError],
  ['a rate of ∞', { rate: Infinity }, OptionError],
  ['a negative rate', { rate: -1 }, OptionError],
  ['a gradient that is NaN', { gradient: Number.NaN }, NonFiniteError],
  ['a gradient that is ∞', { gradient: Infinity }, NonFiniteError],
  ['a change that is too large for a number', { rate: 3e38, gradient: 1e6 }, NonFiniteError],
]

const learnerWith = (make: (typeof makers)[string], fault: Fault): Learner => {
  const { strategy, ...options } = make(fault)
  return new Learner({
    ...options,
    model: Gpt.create(sizes, { device, seed: 4 }),
    strategy: {
      ...strategy,
      rehearsal: reservoirReplay({ capacity: 6, share: 1.5, seed: 3 }),
      detector: pageHinkley({}),
      penalties: [troubled(fault)],
    },
  })
}

describe.each(Object.entries(makers))('with %s,', (_, make) => {
  test.each(faults)('%s: nothing was learnt', async (_fault, what, error) => {
    const fault: Fault = { isOn: false, ...what }
    const [learner, other] = [learnerWith(make, fault), learnerWith(make, { isOn: false })]
    for (const each of [learner, other]) for (const text of texts.slice(0, 3)) await each.observe(text)
    const before = structuredClone(await learner.toState())
    let failed = 0
    for (const text of texts.slice(3, 5)) {
      const { buffers } = device.memory
      fault.isOn = true
      // A gradient in between of two updates has no rate yet, and can be taken.
      await learner.observe(text).catch((reason: unknown) => {
        expect(reason).toBeInstanceOf(error)
        if (error === NonFiniteError) expect(String(reason)).toContain('Nothing was learnt from this batch.')
        expect(device.memory.buffers).toBe(buffers)
        failed++
      })
      fault.isOn = false
      if (failed > 0) break
      await other.observe(text)
    }
    expect(failed).toBe(1)
    if (learner.step === 3) expect(await learner.toState()).toEqual(before)
    for (const text of texts.slice(5)) {
      expect(await learner.observe(text)).toEqual(await other.observe(text))
    }
    expect(await learner.toState()).toEqual(await other.toState())
    for (const each of [learner, other]) {
      each.dispose()
      each.model.dispose()
    }
  })
})

test('a gradient whose square is too large for a moment is refused, and what comes later is learnt', async () => {
  const fault: Fault = { isOn: false, gradient: 1e25 }
  const [learner, other] = [fault, { isOn: false }].map((own) =>
    learnerWith(makers['AdamW and an average'], own),
  )
  for (const each of [learner, other]) for (const text of texts.slice(0, 3)) await each.observe(text)
  const before = structuredClone(await learner.toState())
  fault.isOn = true
  await expect(learner.observe(texts[3])).rejects.toThrow(
    /learner: step 4: adamw: the gradient of .* expected numbers below 9.22e\+18 in size\. .*Nothing was learnt from this batch/,
  )
  expect(await learner.toState()).toEqual(before)
  fault.isOn = false
  for (const text of texts.slice(5)) expect(await learner.observe(text)).toEqual(await other.observe(text))
  expect(await learner.toState()).toEqual(await other.toState())
  for (const each of [learner, other]) {
    each.dispose()
    each.model.dispose()
  }
})

test('a rehearsal that marks nothing is put back by its whole state', async () => {
  const { mark: _, ...plain } = reservoirReplay({ capacity: 4, share: 1.5 })
  const fault: Fault = { isOn: false, rate: Number.NaN }
  const learner = new Learner({
    model: Gpt.create(sizes, { device, seed: 4 }),
    optimizer: adamw({ learningRate: scheduleOf(fault) }),
    strategy: { rehearsal: plain },
  })
  for (const text of texts.slice(0, 3)) await learner.observe(text)
  const before = structuredClone(await learner.toState())
  fault.isOn = true
  await expect(learner.observe(texts[3])).rejects.toThrow(OptionError)
  expect(await learner.toState()).toEqual(before)
  learner.dispose()
  learner.model.dispose()
})

test('an optimizer of another make that returns what is no number moves no weight', async () => {
  const model = Gpt.create(sizes, { device, seed: 4 })
  const optimizer = chain(sgd(0.1), {
    name: 'not a number',
    mirrors: [],
    transform: (updates) =>
      Object.fromEntries(Object.entries(updates).map(([path, x]) => [path, multiply(x, Number.NaN)])),
    toState: () => Promise.resolve(null),
    restore: () => {},
  })
  const learner = new Learner({ model, optimizer })
  const before = structuredClone(await model.toState())
  await expect(learner.observe(texts[0])).rejects.toThrow(
    /would change the weights by NaN; .* No weight was changed/,
  )
  expect(await model.toState()).toEqual(before)
  expect(learner.step).toBe(0)
  learner.dispose()
  model.dispose()
})
