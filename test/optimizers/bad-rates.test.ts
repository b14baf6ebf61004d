/** A learning rate that is none is refused at whatever step it comes, before anything changes. */
import {
  accumulate,
  adafactor,
  adamw,
  byPath,
  chain,
  clipByGlobalNorm,
  decayWeights,
  dynamicLossScale,
  type GradientTransform,
  lion,
  movingAverage,
  muon,
  type Schedule,
  sgd,
} from '@burgeon/autograd/optim'
import { OptionError } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { openWasm } from '@burgeon/tensor/wasm'
import { describe, expect, test } from 'vitest'
import { OptimizerLife } from './optimizer-life.ts'

const family: Readonly<Record<string, (learningRate: Schedule) => GradientTransform>> = {
  'plain descent': (learningRate) => sgd({ learningRate }),
  'plain descent with warm-up': (learningRate) => sgd({ learningRate, warmUp: 3 }),
  momentum: (learningRate) => sgd({ learningRate, momentum: 0.9 }),
  lion: (learningRate) => lion({ learningRate, warmUp: 2 }),
  adamw: (learningRate) => adamw({ learningRate }),
  muon: (learningRate) => muon({ learningRate, warmUp: 3 }),
  adafactor: (learningRate) => adafactor({ learningRate }),
  'decay, then descent, then an average': (learningRate) =>
    chain(decayWeights(0.1), sgd({ learningRate, momentum: 0.5 }), movingAverage(0.9)),
  'a loss scale, then AdamW': (learningRate) =>
    chain(dynamicLossScale({ initial: 1, growAfter: 2 }), clipByGlobalNorm(1), adamw({ learningRate })),
  'every second gradient': (learningRate) =>
    accumulate(2, adamw({ learningRate: (step) => learningRate(2 * step) })),
  'a good rate for some and a bad one for others': (learningRate) =>
    byPath((path) => (path === 'w' ? 'good' : 'bad'), {
      good: lion({ learningRate: 0.01 }),
      bad: adamw({ learningRate }),
    }),
}
const shapes = { w: [3, 4], deep: [2, 3, 2] }
const badRates: readonly unknown[] = [Number.NaN, Infinity, -Infinity, -1, 1e39, undefined, null, '0.1', 1n]

describe.each([
  ['the reference', openReference()],
  ['wasm', openWasm()],
] as const)('on %s,', (_, device) => {
  test.each(Object.entries(family))(
    '%s refuses a rate that is none at any step, changes nothing and goes on',
    async (_name, make) => {
      let bad: unknown
      let isBad = false
      const schedule: Schedule = (step) => (isBad ? (bad as number) : 0.1 / (1 + step))
      const [life, untouched] = [schedule, (step: number) => 0.1 / (1 + step)].map(
        (rate) => new OptimizerLife(device, make(rate), shapes),
      )
      for (const [i, rate] of badRates.entries()) {
        const step = 2 * Math.floor(i / 2)
        if (step === i) for (const each of [life, untouched]) each.steps(step, step + 2)
        const [weights, state] = [life.all(), structuredClone(await life.optimizer.toState())]
        ;[bad, isBad] = [rate, true]
        const refused = (): void => life.step(step + 2)
        expect(refused).toThrow(OptionError)
        expect(refused).toThrow(/returned a learning rate of .* for step \d+; expected a finite number ≥ 0/)
        expect(life.all()).toEqual(weights)
        expect(await life.optimizer.toState()).toEqual(state)
        isBad = false
      }
      for (const each of [life, untouched]) each.steps(10, 13)
      expect(life.all()).toEqual(untouched.all())
      expect(await life.optimizer.toState()).toEqual(await untouched.optimizer.toState())
      for (const each of [life, untouched]) each.dispose()
    },
  )
})
