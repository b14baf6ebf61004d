import { grad } from '@burgeon/autograd'
import { adamw } from '@burgeon/autograd/optim'
import { Learner } from '@burgeon/continual'
import { Gpt } from '@burgeon/gpt'
import { grow, holdModel, planGrowth, ungrow } from '@burgeon/gpt/growth'
import { applyPlan, OptionError, ParameterError, scope, sum, type TensorsByPath } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { expect, test } from 'vitest'
import { drawFrom, everyByte, tokensFor } from './tiny-model.ts'

const device = openReference()
const model = (): Gpt => Gpt.create({ context: 8, embed: 8, heads: 2, layers: 1 }, { device, seed: 1 })
const request = { kind: 'addLayer', at: 0 } as const
const options = (probe: ReturnType<typeof tokensFor>) => ({ mirrors: [], probe, key: [1, 2] }) as const

test('a plan is refused while gradients are being taken, and the model is as it was', () => {
  const small = model()
  using probe = tokensFor(small, drawFrom(1))
  const before = everyByte(small, [])
  const { plan } = planGrowth(small.config, request, [1, 2])
  scope(() => {
    grad((w: TensorsByPath) => {
      expect(() => applyPlan(plan, small.parameters, [], device)).toThrow(ParameterError)
      return sum(small.forward(probe, w))
    })(small.parameters.tensors())
  })
  expect(everyByte(small, [])).toEqual(before)
})

test('growth is refused while a learning step is open, which then ends as if nothing had been', async () => {
  const [small, other] = [model(), model()]
  using probe = tokensFor(small, drawFrom(1))
  const learners = [small, other].map(
    (own) => new Learner({ model: own, optimizer: adamw({ learningRate: 0.01 }) }),
  )
  const step = learners[0].observe('once upon a time')
  await expect(grow(small, request, options(probe))).rejects.toThrow(OptionError)
  await step
  await learners[1].observe('once upon a time')
  expect(everyByte(small, [])).toEqual(everyByte(other, []))
  expect((await grow(small, request, options(probe))).parametersAfter).toBe(small.parameters.size)
})

test('and while another growth is', async () => {
  const small = model()
  using probe = tokensFor(small, drawFrom(1))
  const first = grow(small, request, options(probe))
  await expect(grow(small, { kind: 'widenEmbed', to: 12 }, options(probe))).rejects.toThrow(
    'is busy with a learning step',
  )
  const record = await first
  const hold = holdModel(small)
  expect(() => ungrow(small, record, [])).toThrow(OptionError)
  hold[Symbol.dispose]()
  hold[Symbol.dispose]()
  ungrow(small, record, [])
  expect(small.config.blocks).toHaveLength(1)
})
