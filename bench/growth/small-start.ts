/**
 * `npm run bench -- small-start --data DIR [--seeds N]`: whether a model that outgrows its size should. One layer, 17 thousand parameters,
 * learns Shakespeare character by character until it has no room left. The same one grows by policy; all see the same batches, compute as much,
 * and let their rates fall at the end. Two layers from the start are there to compare with: what one would have chosen knowing the outcome.
 */
import { type GrowthPolicy, growByCompute, growOnPlateau, lossWindow, neverGrow } from '@burgeon/continual'
import type { GrowthRequest } from '@burgeon/gpt/growth'
import { openWasm } from '@burgeon/tensor/wasm'
import { atMost, type Benchmark, type BenchmarkRow } from '../benchmark.ts'
import { readCourse } from './course.ts'
import { live, type Measurement } from './growing-life.ts'
import { decidedBy } from './methods.ts'

const tiny = { embed: 32, heads: 4, layers: 1, mlpHidden: 128 }
const mostParameters = 1e6
const doubled = (): GrowthRequest => ({ axis: 'stack', order: 'beside' })

const lives = (window: number): readonly (readonly [name: string, layers: number, GrowthPolicy])[] => [
  ['one layer, never grown', 1, neverGrow],
  ['two layers from the start', 2, neverGrow],
  ['doubled on plateau', 1, growOnPlateau({ window, patience: window, request: doubled })],
  ['doubled by compute', 1, growByCompute({ window, request: doubled })],
]

export const smallStart: Benchmark = async ({ data, seeds, quick, note }) => {
  const device = openWasm()
  const [budget, window] = quick ? [0.1e12, 50] : [2e12, lossWindow]
  const ends = new Map<string, Measurement[]>()
  for (let seed = 1; seed <= (quick ? 1 : seeds); seed++) {
    const course = readCourse(data, 16, 64, seed)
    for (const [name, layers, policy] of lives(window)) {
      const plan = { name, sizes: { ...tiny, layers }, requests: decidedBy(policy, mostParameters) }
      const end = (await live(plan, { course, device, note, budget })).at(-1) as Measurement
      ends.set(name, [...(ends.get(name) ?? []), end])
      note(`${name}, seed ${seed}: ${end.loss.toFixed(4)}, ${end.parameters} parameters`)
    }
  }
  const means = [...ends].map(([name, of]) => ({
    name,
    loss: mean(of.map(({ loss }) => loss)),
    parameters: mean(of.map(({ parameters }) => parameters)),
  }))
  const [small, , , byCompute] = means
  const rows = means.flatMap(({ name, loss, parameters }): BenchmarkRow[] => [
    {
      ...{ case: name, metric: 'held-out loss', value: loss, unit: 'nats' },
      ...(name !== small.name && { peer: small.name, peerValue: small.loss, ratio: small.loss / loss }),
    },
    { case: name, metric: 'parameters at the end', value: parameters, unit: '' },
  ])
  const checks = [atMost(`${byCompute.name}: loss, of that of ${small.name}`, byCompute.loss / small.loss, 1)]
  return { rows, checks: quick ? [] : checks }
}

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length
