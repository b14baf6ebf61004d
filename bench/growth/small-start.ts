/**
 * `npm run bench -- small-start --data DIR [--seeds N]`: whether a model that has outgrown its size should grow, and by what kind of layer. One
 * layer, 17 thousand parameters, learns Shakespeare character by character. The same one grows when `growByCompute` says so; all see the same
 * batches, compute as much, and let their rates fall at the end. Two layers from the start are what one would have chosen knowing the outcome.
 */
import { type GrowthPolicy, growByCompute, lossWindow, neverGrow } from '@burgeon/continual'
import type { GptConfig } from '@burgeon/gpt'
import type { GrowthRequest } from '@burgeon/gpt/growth'
import { openWasm } from '@burgeon/tensor/wasm'
import { atMost, type Benchmark, type BenchmarkRow } from '../benchmark.ts'
import { readCourse } from './course.ts'
import { live, type Measurement } from './growing-life.ts'
import { decidedBy } from './methods.ts'

const tiny = { embed: 32, heads: 4, layers: 1, mlpHidden: 128 }
const mostParameters = 1e6

const freshLayer = ({ blocks }: GptConfig): GrowthRequest => ({ axis: 'layer', at: blocks.length })

const lives = (window: number): readonly (readonly [name: string, layers: number, GrowthPolicy])[] => [
  ['one layer, never grown', 1, neverGrow],
  ['two layers from the start', 2, neverGrow],
  ['a copied layer on top', 1, growByCompute({ window })],
  ['a fresh layer on top', 1, growByCompute({ window, request: freshLayer })],
  ['every layer doubled', 1, growByCompute({ window, request: () => ({ axis: 'stack', order: 'beside' }) })],
]

export const smallStart: Benchmark = async ({ data, seeds, quick, note }) => {
  const device = openWasm()
  const [budget, window] = quick ? [0.1e12, 50] : [2e12, lossWindow]
  const ends = new Map<string, Measurement[]>()
  for (let seed = 1; seed <= (quick ? 1 : seeds); seed++) {
    const course = readCourse(data, 16, 64, seed)
    for (const [name, layers, policy] of lives(window)) {
      const plan = { name, sizes: { ...tiny, layers }, requests: decidedBy(policy, mostParameters) }
      const end = (await live(plan, { course, device, note, budget, rate: 3e-3 })).at(-1) as Measurement
      ends.set(name, [...(ends.get(name) ?? []), end])
      note(`${name}, seed ${seed}: ${end.loss.toFixed(4)}, ${end.parameters} parameters`)
    }
  }
  const means = [...ends].map(([name, of]) => ({
    name,
    loss: mean(of.map(({ loss }) => loss)),
    parameters: mean(of.map(({ parameters }) => parameters)),
  }))
  const [small, , copied, fresh] = means
  const rows = means.flatMap(({ name, loss, parameters }): BenchmarkRow[] => [
    {
      ...{ case: name, metric: 'held-out loss', value: loss, unit: 'nats' },
      ...(name !== small.name && { peer: small.name, peerValue: small.loss, ratio: small.loss / loss }),
    },
    { case: name, metric: 'parameters at the end', value: parameters, unit: '' },
  ])
  const checks = [
    atMost(`${copied.name}: loss, of that of ${small.name}`, copied.loss / small.loss, 1),
    atMost(`${copied.name}: loss, of that of ${fresh.name}`, copied.loss / fresh.loss, 1),
  ]
  return { rows, checks: quick ? [] : checks }
}

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length
