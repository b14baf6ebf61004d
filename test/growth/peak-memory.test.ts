/** Growth on a live model works tensor by tensor: it never needs a second copy of the model, and comes back from any failure on the way. */
import { adafactor, adamw, type GradientTransform, sgd } from '@burgeon/autograd/optim'
import { Gpt, gptConfig, type GptSizes } from '@burgeon/gpt'
import { grow, type GrowthRequest, planGrowth, stateBytesOf, ungrow } from '@burgeon/gpt/growth'
import {
  applyPlan,
  type Device,
  type Engine,
  type Mirror,
  ParameterError,
  scope,
  TensorMirror,
  withEngine,
  withEngineAsync,
} from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { openWasm } from '@burgeon/tensor/wasm'
import { describe, expect, test } from 'vitest'
import { halfAgain } from '../../bench/growth/half-again.ts'
import { someOf } from '../how-long.ts'
import { drawFrom, everyByte, learn, tokensFor } from './tiny-model.ts'

const large: GptSizes = {
  ...{ vocabulary: 96, context: 32, embed: 32, heads: 4, kvHeads: 2, layers: 2, mlpHidden: 64 },
}

const requests: readonly GrowthRequest[] = [
  ...halfAgain(gptConfig(large)),
  { kind: 'addLayer', at: 2, how: 'copy' },
  { kind: 'widenEmbed', to: 36 },
]

interface Life {
  readonly model: Gpt
  readonly mirrors: readonly Mirror[]
  /** Bytes of the weights and of all state beside them. */
  readonly copy: number
  dispose(): void
}

/** A model that has learnt a step, with what an optimizer keeps. */
function lifeOf(
  sizes: GptSizes,
  device: Device,
  optimizer: GradientTransform,
  more: readonly Mirror[] = [],
): Life {
  const model = Gpt.create(sizes, { device, seed: 1 })
  using tokens = tokensFor(model, drawFrom(1))
  learn(model, optimizer, tokens, 0)
  const mirrors = [...optimizer.mirrors, ...more]
  return {
    model,
    mirrors,
    copy: 4 * model.parameters.size + stateBytesOf(mirrors),
    dispose() {
      model.dispose()
      for (const mirror of mirrors) mirror.dispose?.()
    },
  }
}

/** An engine that is told of every op before and after it. */
function heard(before: () => void, after: () => void = () => {}): (below: Engine) => Engine {
  return (below) => ({
    run(op, inputs, attrs) {
      before()
      const outputs = below.run(op, inputs, attrs)
      after()
      return outputs
    },
  })
}

describe.each([openReference(), openWasm()])('on $name', (device) => {
  describe.each(['rms', 'layer'] as const)('under %s norms', (norm) => {
    // AdamW, which keeps most, goes through every axis always; the others through some in the short form.
    test.each<[string, () => GradientTransform, some: number]>([
      ['AdamW', () => adamw({ learningRate: 1e-3 }), requests.length],
      ['Adafactor', () => adafactor({ learningRate: 1e-3 }), 5],
      ['plain descent', () => sgd(1e-2), 3],
    ])(
      'with %s, growth on every axis and its way back stay below one more copy of weights and state',
      async (_, make, some) => {
        for (const request of someOf(requests, some)) {
          const life = lifeOf({ ...large, norm }, device, make())
          const { model, mirrors, copy } = life
          using probe = device.tensor([1, 2], { shape: [1, 2], dtype: 'i32' })
          let [peak, { bytes: start }] = [0, device.memory]
          const watch = heard(
            () => {},
            () => (peak = Math.max(peak, device.memory.bytes)),
          )
          const record = await withEngineAsync(watch, () =>
            grow(model, request, { mirrors, probe, key: [1, 2] }),
          )
          const { bytes: end } = device.memory
          expect(peak - start, record.summary).toBeLessThan(copy)
          // Beside what stays there are no more than the new, the old and one between of a single tensor.
          const largest = Math.max(...[...model.parameters].map(({ tensor }) => tensor.storage.bytes))
          expect(peak - end, record.summary).toBeLessThanOrEqual(3 * largest)
          peak = start = end
          withEngine(watch, () => ungrow(model, record, mirrors))
          expect(peak - start, `undo ${record.summary}`).toBeLessThan(copy)
          life.dispose()
        }
      },
    )
  })
})

describe('a growth that fails on the way', () => {
  const device = openReference()
  const small: GptSizes = {
    vocabulary: 24,
    context: 4,
    embed: 4,
    heads: 2,
    kvHeads: 1,
    layers: 2,
    mlpHidden: 4,
    norm: 'layer',
  }
  const few: readonly GrowthRequest[] = [
    { kind: 'widenMlp', block: 'b1', to: 8, how: 'split' },
    { kind: 'addKvHeads', block: 'b0', to: 2 },
    { kind: 'widenEmbed', to: 6 },
    { kind: 'addLayer', at: 1, how: 'copy' },
    { kind: 'growVocabulary', tokens: [{ parts: [1, 2] }] },
  ]
  class Broken extends Error {}
  /** With a copy of every weight, such as EWC keeps one. */
  const anchored = (): Life => {
    const anchor = new TensorMirror('anchor', 'value')
    const life = lifeOf(small, device, adamw({ learningRate: 1e-3 }), [anchor])
    scope(() => {
      for (const { path, tensor } of life.model.parameters)
        anchor.set(path, device.tensor(tensor.readSync(), tensor))
    })
    return life
  }
  const apply = ({ model, mirrors }: Life, request: GrowthRequest, more: readonly Mirror[] = []): void =>
    applyPlan(planGrowth(model.config, request, [1, 2]).plan, model.parameters, [...more, ...mirrors], device)

  test('at any op leaves every byte of parameters and mirrors, and no buffer', () => {
    for (const request of few) {
      const life = anchored()
      const [before, { buffers }] = [everyByte(life.model, life.mirrors), device.memory]
      /** Whether the growth was done before the op that fails. */
      const survives = (failingOp: number): boolean => {
        let ops = 0
        const failing = heard(() => {
          if (ops++ === failingOp) throw new Broken()
        })
        return withEngine(failing, () => {
          try {
            apply(life, request)
            return true
          } catch (error) {
            expect(error).toBeInstanceOf(Broken)
            return false
          }
        })
      }
      let failures = 0
      for (; !survives(failures); failures++) {
        expect(everyByte(life.model, life.mirrors)).toEqual(before)
        expect(device.memory.buffers).toBe(buffers)
      }
      expect(failures).toBeGreaterThan(10)
      expect(everyByte(life.model, life.mirrors)).not.toEqual(before)
      life.dispose()
    }
  })
  test('because a mirror that is asked last cannot follow leaves every byte, too', () => {
    for (const request of few) {
      const life = anchored()
      const [before, { buffers }] = [everyByte(life.model, life.mirrors), device.memory]
      let asked = 0
      const stubborn: Mirror = {
        name: 'stubborn',
        keep: () => Promise.resolve({}),
        remap({ changes }, after) {
          asked++
          expect(changes).toEqual(planGrowth(life.model.config, request, [1, 2]).plan.changes)
          expect(Object.keys(after)).toEqual([...life.model.parameters].map(({ path }) => path))
          throw new Broken()
        },
      }
      expect(() => apply(life, request, [stubborn])).toThrow(Broken)
      expect(asked).toBe(1)
      expect(everyByte(life.model, life.mirrors)).toEqual(before)
      expect(device.memory.buffers).toBe(buffers)
      life.dispose()
    }
  })
  test('and goes on failing when it is taken back says that the model is lost', () => {
    const life = anchored()
    let ops = 0
    const failing = heard(() => {
      if (ops++ > 10) throw new Broken()
    })
    const attempt = (): void => withEngine(failing, () => apply(life, { kind: 'widenEmbed', to: 6 }))
    expect(attempt).toThrow(ParameterError)
    life.dispose()
  })
})
