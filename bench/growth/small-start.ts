/**
 * `npm run bench -- small-start --data DIR [--seeds N]`: what a model gains that grows when its size is used
 * up. One layer, 34 thousand parameters, learns Shakespeare character by character: more than it can hold.
 * Others grow from it to four layers, when `growByCompute` says so, and compute less than those of a fixed
 * size. Every life lets its rate fall at its end.
 */
import { growByCompute } from '@burgeon/continual'
import type { GptConfig } from '@burgeon/gpt'
import type { GrowthRequest } from '@burgeon/gpt/growth'
import { openWasm } from '@burgeon/tensor/wasm'
import { atMost, type Benchmark, type BenchmarkRow, mean, worseBeyondSeeds } from '../benchmark.ts'
import { readCourse } from './course.ts'
import { live, type Measurement } from './growing-life.ts'
import { decidedBy, type Method } from './methods.ts'

const sizes = { embed: 48, heads: 4, mlpHidden: 192 }
/** Parameters of four layers, and a few more. */
const maxParameters = 120_000
/**
 * The highest learning rate of all: of 2, 3 and 5 thousandths the one that is best for four layers from the
 * start.
 */
const rate = 5e-3
/** Compute budget of a life that grows, as a share of that of a fixed size. */
const part = 0.7

const inShares = (): GrowthRequest => ({ kind: 'copyLayers', order: 'beside', writes: 'shared' })
const exactly = (): GrowthRequest => ({ kind: 'copyLayers', order: 'beside', writes: 'nothing' })
const freshLayer = ({ blocks }: GptConfig): GrowthRequest => ({ kind: 'addLayer', at: blocks.length })

const fixed = (name: string, layers: number): Method => ({
  name,
  budget: 1,
  plan: () => ({ sizes: { ...sizes, layers } }),
})
const byCompute = (name: string, request?: (config: GptConfig) => GrowthRequest): Method => ({
  name: `${name}, by growByCompute`,
  budget: part,
  plan: () => {
    const policy = growByCompute({ window: 100, significance: 1, ...(request && { request }) })
    return { sizes: { ...sizes, layers: 1 }, requests: decidedBy(policy, maxParameters) }
  },
})

const small = fixed('one layer, never grown', 1)
const large = fixed('four layers from the start', 4)
const byPolicy = byCompute('doubled in shares', inShares)
const exact = byCompute('doubled exactly', exactly)
const copied = byCompute('copied layers on top')
const fresh = byCompute('fresh layers on top', freshLayer)
const methods = [small, large, byPolicy, exact, copied, fresh]

export const smallStart: Benchmark = async ({ data, seeds, quick, note, once }) => {
  const device = openWasm()
  const budget = (quick ? 0.1 : 12) * 1e12
  const ends = new Map<string, Measurement[]>(methods.map(({ name }) => [name, []]))
  for (let seed = 1; seed <= (quick ? 1 : seeds); seed++) {
    const course = readCourse(data, 16, 64, seed)
    for (const { name, budget: share, plan } of methods) {
      const life = await once(`seed ${seed}, ${name}`, () =>
        live({ name, ...plan() }, { course, device, note, budget: share * budget, rate }),
      )
      const end = life[life.length - 1]
      ends.get(name)?.push(end)
      note(`${name}, seed ${seed}: ${end.loss.toFixed(4)}, ${end.parameters} parameters`)
    }
  }
  const meanOf = ({ name }: Method, what: 'loss' | 'parameters'): number => {
    return mean((ends.get(name) ?? []).map((end) => end[what]))
  }
  const loss = (method: Method): number => meanOf(method, 'loss')
  const rows = methods.flatMap((method): BenchmarkRow[] => {
    const about = { case: `${method.name}, ${((method.budget * budget) / 1e12).toPrecision(2)} TFLOP` }
    const values = (ends.get(method.name) ?? []).map((end) => end.loss)
    const peer = { peer: large.name, peerValue: loss(large), ratio: loss(large) / loss(method) }
    return [
      {
        ...about,
        metric: 'held-out loss',
        value: loss(method),
        values,
        unit: 'nats',
        ...(method !== large && peer),
      },
      { ...about, metric: 'parameters at the end', value: meanOf(method, 'parameters'), unit: '' },
    ]
  })
  const within = (method: Method, peer: Method, bound: number) =>
    atMost(`${method.name}: loss, of that of ${peer.name}`, loss(method) / loss(peer), bound)
  const lossesOf = ({ name }: Method): number[] => (ends.get(name) ?? []).map((end) => end.loss)
  const checks = [
    within(byPolicy, large, 1.01),
    within(byPolicy, small, 0.95),
    worseBeyondSeeds(`${fresh.name}: loss above that of ${copied.name}`, lossesOf(fresh), lossesOf(copied)),
  ]
  return { rows, checks: quick ? [] : checks }
}
