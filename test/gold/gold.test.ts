/** A model of ours and the same model in PyTorch: same logits, same gradients, same ten losses. See `write-gold.py`. */
import { hvp, valueAndGrad } from '@burgeon/autograd'
import { adamw, applyUpdates, chain, clipByGlobalNorm } from '@burgeon/autograd/optim'
import { Gpt, type GptConfig, isDecayed } from '@burgeon/gpt'
import { crossEntropy, type Device, globalNorm, mean, scope, type TensorsByPath } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { openWasm } from '@burgeon/tensor/wasm'
import { describe, expect, it } from 'vitest'
import { distance, type GoldTensor, placed, plainTensor, readGold } from './read-gold.ts'

interface GptGold {
  readonly config: GptConfig
  readonly tokens: GoldTensor
  readonly targets: GoldTensor
  readonly weights: Readonly<Record<string, GoldTensor>>
  readonly logits: GoldTensor
  readonly loss: number
  readonly gradients: Readonly<Record<string, GoldTensor>>
  readonly gradientNorms: readonly number[]
  readonly losses: readonly number[]
}

/** How near is near enough: `step` for one pass forward and back, `run` for what ten updates make of it. */
const devices = [
  { name: 'reference', open: openReference, step: 1e-9, run: 1e-8 },
  { name: 'wasm', open: openWasm, step: 1e-5, run: 1e-4 },
]

/** Between them, every pair of choices: norm, positions, activation, and whether heads share keys and values. */
const kinds = ['layer', 'rms', 'rms-rotary-swiglu-grouped', 'layer-rotary', 'layer-grouped', 'layer-swiglu']

function build(gold: GptGold, device: Device) {
  const weights = Object.fromEntries(Object.entries(gold.weights).map(([path, w]) => [path, plainTensor(w)]))
  const model = Gpt.fromState({ config: gold.config, weights }, device)
  const [tokens, targets] = [placed(device, gold.tokens, 'i32'), placed(device, gold.targets, 'i32')]
  const lossAndLogits = (w: TensorsByPath) => {
    const logits = model.forward(tokens, w)
    return [mean(crossEntropy(logits, targets)), logits] as const
  }
  const loss = () => valueAndGrad(lossAndLogits)(model.parameters.tensors())
  return { model, loss, lossOf: (w: TensorsByPath) => lossAndLogits(w)[0] }
}

describe.for(devices)('on the $name device', ({ open, step, run }) => {
  describe.for(kinds)('a GPT (%s)', (kind) => {
    const gold = readGold(`gpt-${kind}.json`) as GptGold

    it('gives the logits, the loss and every gradient that PyTorch gives', async () => {
      const { model, loss } = build(gold, open())
      const { value, gradient, aux: logits } = loss()
      expect(await distance(logits, gold.logits)).toBeLessThan(step)
      expect(Math.abs(value.item() - gold.loss)).toBeLessThan(step * gold.loss)
      expect(Object.keys(gradient)).toEqual(Object.keys(gold.gradients))
      const far: Record<string, number> = {}
      for (const [path, expected] of Object.entries(gold.gradients)) {
        const apart = await distance(gradient[path], expected)
        if (!(apart < step)) far[path] = apart
      }
      expect(far).toEqual({})
      model.dispose()
    })

    it('loses as much in each of ten clipped AdamW steps, with weight decay on matrices alone', () => {
      const { model, loss } = build(gold, open())
      const options = { learningRate: 1e-2, beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0.1 }
      const optimizer = chain(clipByGlobalNorm(1), adamw({ ...options, decays: isDecayed }))
      const parameters = model.parameters.tensors()
      const [losses, norms]: [number[], number[]] = [[], []]
      for (let i = 0; i < gold.losses.length; i++) {
        scope(() => {
          const { value, gradient } = loss()
          losses.push(value.item())
          norms.push(globalNorm(Object.values(gradient)).item())
          applyUpdates(parameters, optimizer.transform(gradient, { parameters, step: i }))
        })
      }
      const apart = (ours: readonly number[], theirs: readonly number[]): number =>
        Math.max(...theirs.map((x, i) => Math.abs(ours[i] - x) / x))
      expect(apart(losses, gold.losses)).toBeLessThan(run)
      expect(apart(norms, gold.gradientNorms)).toBeLessThan(run)
      model.dispose()
    })
  })
})

describe.for([
  { name: 'reference', open: openReference, bound: 1e-10 },
  { name: 'wasm', open: openWasm, bound: 1e-4 },
])('on the $name device', ({ open, bound }) => {
  it.for(['layer', 'rms-rotary-swiglu-grouped'])(
    'a GPT (%s) has the products with its Hessian that PyTorch gives',
    async (kind) => {
      const device = open()
      const { model, lossOf } = build(readGold(`gpt-${kind}.json`) as GptGold, device)
      const { direction, product } = readGold(`curvature-${kind}.json`) as Record<
        'direction' | 'product',
        Readonly<Record<string, GoldTensor>>
      >
      const along = Object.fromEntries(
        Object.entries(direction).map(([path, step]) => [path, placed(device, step)]),
      )
      const ours = hvp(lossOf)(model.parameters.tensors(), along)
      expect(Object.keys(ours)).toEqual(Object.keys(product))
      const far: Record<string, number> = {}
      for (const [path, expected] of Object.entries(product)) {
        const apart = await distance(ours[path], expected)
        if (!(apart < bound)) far[path] = apart
      }
      expect(far).toEqual({})
      model.dispose()
    },
  )
})
