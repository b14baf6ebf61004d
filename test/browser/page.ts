/** Runs in the browser: what the tests in Node ask a page to do. Everything that goes in and out is JSON. */
import { adamw, applyUpdates, chain, clipByGlobalNorm, valueAndGrad } from '@burgeon/autograd'
import { Gpt } from '@burgeon/gpt'
import {
  crossEntropy,
  type Device,
  keyFromSeed,
  mean,
  type OpName,
  opTable,
  RandomStream,
  scope,
  type TensorsByPath,
} from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { checkOp, type OpCases, opCases } from '@burgeon/tensor/testing'
import { openWasm } from '@burgeon/tensor/wasm'
import { openWebGpu } from '@burgeon/tensor/webgpu'

/** A device by the name of its entry point. */
export type DeviceName = 'wasm' | 'webgpu'

const open = (name: DeviceName): Promise<Device> =>
  name === 'wasm' ? Promise.resolve(openWasm({ threads: 2 })) : openWebGpu()

/** Compares every op with the reference; answers how many comparisons there were and what was wrong. */
export async function sweep(
  name: DeviceName,
  draws: number,
): Promise<{ compared: number; mistakes: string[] }> {
  const [device, reference] = [await open(name), openReference()]
  const mistakes: string[] = []
  let compared = 0
  for (const op of Object.keys(opTable) as OpName[]) {
    const cases = opCases[op] as OpCases<OpName>
    const drawn = Array.from({ length: draws }, (_, seed) =>
      cases.draw(new RandomStream(keyFromSeed(seed + 1))),
    )
    for (const { inputs, attrs } of [...cases.edges(new RandomStream(keyFromSeed(0))), ...drawn]) {
      compared++
      await checkOp(device, reference, op, inputs, attrs, cases.tolerance).catch((error: unknown) => {
        mistakes.push(String(error))
      })
    }
  }
  return { compared, mistakes }
}

/** Losses of a short training, the same in Node and in a page. */
export async function train(name: DeviceName, steps: number): Promise<number[]> {
  const device = await open(name)
  const sizes = { vocabulary: 31, context: 32, embed: 32, heads: 4, layers: 2, norm: 'layer' } as const
  const model = Gpt.create(sizes, { device, seed: 5 })
  const optimizer = chain(clipByGlobalNorm(1), adamw({ learningRate: 1e-3 }))
  const losses: number[] = []
  for (let step = 0; step < steps; step++) {
    const value = scope(() => {
      const ids = Int32Array.from({ length: 4 * 32 + 1 }, (_, i) => (i * i + step * 7) % 31)
      const tokens = device.tensor(ids.subarray(0, -1), { shape: [4, 32], dtype: 'i32' })
      const targets = device.tensor(ids.subarray(1), { shape: [4 * 32], dtype: 'i32' })
      const parameters = model.parameters.tensors()
      const { value: loss, gradient } = valueAndGrad((w: TensorsByPath) =>
        mean(crossEntropy(model.forward(tokens, w), targets)),
      )(parameters)
      applyUpdates(parameters, optimizer.transform(gradient, { parameters, step }))
      return loss
    })
    losses.push((await value.read())[0])
    value.dispose()
  }
  return losses
}
