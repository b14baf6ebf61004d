import { adamw } from '@burgeon/autograd/optim'
import { everySteps, Learner, onlineEwc } from '@burgeon/continual'
import { Gpt } from '@burgeon/gpt'
import { openWasm } from '@burgeon/tensor/wasm'
import { expect, test } from 'vitest'

test('a learner that is disposed leaves the model and nothing else', async () => {
  const device = openWasm({ threads: 1 })
  const model = Gpt.create({ context: 8, embed: 8, heads: 2, layers: 1 }, { device, seed: 1 })
  const { buffers, bytes } = device.memory
  const penalties = [onlineEwc({ strength: 1, decay: 0.9, seed: 1 })]
  const strategy = { penalties, consolidateWhen: everySteps(2) }
  const learner = new Learner({ model, optimizer: adamw({ learningRate: 1e-3 }), strategy })
  for (let i = 0; i < 3; i++) await learner.observe('some text')
  expect(device.memory.buffers).toBeGreaterThan(buffers)
  learner.dispose()
  expect(device.memory).toMatchObject({ buffers, bytes })
  model.dispose()
  expect(device.memory).toMatchObject({ buffers: 0, bytes: 0 })
})
