/**
 * `npm run bench -- growth-cost`: what growing a live model takes, in training steps' time, on every axis.
 */
import { valueAndGrad } from '@burgeon/autograd'
import { adamw, applyUpdates, type GradientTransform } from '@burgeon/autograd/optim'
import { Gpt, gptConfig } from '@burgeon/gpt'
import { grow, type GrowthRequest, ungrow } from '@burgeon/gpt/growth'
import { type Device, mean, scope, type TensorsByPath } from '@burgeon/tensor'
import { openWasm } from '@burgeon/tensor/wasm'
import { atMost, type Benchmark, type BenchmarkRow } from '../benchmark.ts'
import { halfAgain } from './half-again.ts'

const sizes = { vocabulary: 256, context: 64, embed: 112, heads: 4, kvHeads: 2, layers: 8, mlpHidden: 448 }
const [rows, probeRows] = [16, 4]

const requests: readonly GrowthRequest[] = [
  ...halfAgain(gptConfig(sizes)),
  { kind: 'copyLayers', order: 'beside' },
  { kind: 'addAdapter', block: 'b3', to: 8 },
  { kind: 'addExperts', block: 'b3', to: 2 },
  { kind: 'pruneUnits', block: 'b3', drop: [1, 2, 3] },
  { kind: 'pruneLayer', block: 'b3' },
]

export const growthCost: Benchmark = async ({ quick, note }) => {
  const device = openWasm()
  const model = Gpt.create(sizes, { device, seed: 1 })
  const optimizer = adamw({ learningRate: 1e-4 })
  const [batch, probe] = [rows, probeRows].map((n) => tokensOn(device, n))
  const rounds = quick ? 2 : 7
  const taken = new Map<string, number[]>()
  const take = (name: string, milliseconds: number): void =>
    void taken.set(name, [...(taken.get(name) ?? []), milliseconds])
  let step = 0
  for (; step < 3; step++) learn(model, optimizer, batch, step)
  for (let round = 0; round < rounds; round++) {
    const start = performance.now()
    learn(model, optimizer, batch, step++)
    take('step', performance.now() - start)
    for (const request of requests) {
      const began = performance.now()
      const record = await grow(model, request, { mirrors: optimizer.mirrors, probe, key: [round, 1] })
      take(nameOf(request), performance.now() - began)
      ungrow(model, record, optimizer.mirrors)
    }
    note(`round ${round + 1} of ${rounds}`)
  }
  const median = (name: string): number => {
    const sorted = (taken.get(name) ?? []).toSorted((a, b) => a - b)
    return sorted[Math.floor(sorted.length / 2)]
  }
  const stepTime = median('step')
  const result = requests.map((request): BenchmarkRow => {
    const name = nameOf(request)
    const value = median(name)
    const peer = `a step of ${rows}×${sizes.context} tokens`
    return {
      case: name,
      metric: 'time',
      value,
      unit: 'ms',
      peer,
      peerValue: stepTime,
      ratio: stepTime / value,
    }
  })
  const worst = Math.max(...result.map(({ value }) => value)) / stepTime
  const checks = [atMost('slowest growth, in steps', worst, 2)]
  return { rows: result, checks: quick ? [] : checks }
}

const nameOf = (request: GrowthRequest): string =>
  'how' in request && request.how ? `${request.kind}, ${request.how}` : request.kind

function tokensOn(device: Device, n: number): ReturnType<Device['tensor']> {
  const tokens = Int32Array.from({ length: n * sizes.context }, (_, i) => (i * 7 + 3) % 97)
  return device.tensor(tokens, { shape: [n, sizes.context], dtype: 'i32' })
}

function learn(
  model: Gpt,
  optimizer: GradientTransform,
  tokens: ReturnType<Device['tensor']>,
  step: number,
): void {
  scope(() => {
    const parameters = model.parameters.tensors()
    const targets = model.device.tensor(tokens.readSync(), { shape: [tokens.size], dtype: 'i32' })
    const loss = (w: TensorsByPath) => mean(model.losses(tokens, targets, w))
    const { value, gradient } = valueAndGrad(loss)(parameters)
    applyUpdates(parameters, optimizer.transform(gradient, { parameters, step }))
    value.item()
  })
}
