/**
 * `npm run bench -- growth --data DIR [--seeds N]`: whether growing pays. A model of eight layers learns Shakespeare character by character
 * from scratch; others begin small, become as large on the way, and may compute less in total. Each method of a seed sees the same batches,
 * and its rate falls at the end of its own budget.
 */
import type { GptConfig } from '@burgeon/gpt'
import type { GrowthRequest } from '@burgeon/gpt/growth'
import { openWasm } from '@burgeon/tensor/wasm'
import { atMost, type Benchmark, type BenchmarkRow } from '../benchmark.ts'
import { readCourse } from './course.ts'
import { live, type Measurement, type Plan } from './growing-life.ts'

/** The sizes that every method but one ends with. */
const full = { embed: 96, heads: 4, layers: 8, mlpHidden: 384 }

type Growths = readonly (readonly [share: number, (config: GptConfig) => readonly GrowthRequest[]])[]

/** Each once, as soon as its share of the budget is spent. */
function scheduled(growths: Growths): Plan['requests'] {
  let next = 0
  return (share, config) => {
    const due = growths.at(next)
    if (due === undefined || share < due[0]) return []
    next++
    return due[1](config)
  }
}

const doubled = (): GrowthRequest[] => [{ axis: 'stack', order: 'beside' }]
const quadrupled = (): GrowthRequest[] => [{ axis: 'stack', copies: 3 }]
const widened = ({ blocks }: GptConfig): GrowthRequest[] => [
  { axis: 'embed', to: full.embed },
  ...blocks.flatMap(({ id }): GrowthRequest[] => [
    { axis: 'head', block: id, to: full.heads },
    { axis: 'mlpHidden', block: id, to: full.mlpHidden },
  ]),
]

interface Method {
  /** Of what the model from scratch may compute. */
  readonly budget: number
  readonly plan: () => Plan
}

const scratch: Method = { budget: 1, plan: () => ({ name: 'from scratch', sizes: full, requests: () => [] }) }

const growing: readonly Method[] = [
  {
    budget: 0.65,
    plan: () => ({
      name: 'doubled twice, copies beside their originals',
      sizes: { ...full, layers: 2 },
      requests: scheduled([
        [0.3, doubled],
        [0.7, doubled],
      ]),
    }),
  },
  {
    budget: 0.65,
    plan: () => ({
      name: 'stacked once, four times as deep',
      sizes: { ...full, layers: 2 },
      requests: scheduled([[0.45, quadrupled]]),
    }),
  },
  {
    budget: 0.8,
    plan: () => ({
      name: 'twice as wide, exactly',
      sizes: {
        ...full,
        embed: full.embed / 2,
        heads: full.heads / 2,
        headDim: 24,
        mlpHidden: full.mlpHidden / 2,
      },
      requests: scheduled([[0.4, widened]]),
    }),
  },
  {
    budget: 0.65,
    plan: () => ({ name: 'small, never grown', sizes: { ...full, layers: 2 }, requests: () => [] }),
  },
]

export const growth: Benchmark = async ({ data, seeds, quick, note }) => {
  const device = openWasm()
  const budget = (quick ? 0.5 : 8) * 1e12
  const ends = new Map<string, number[]>()
  for (let seed = 1; seed <= (quick ? 1 : seeds); seed++) {
    const course = readCourse(data, 16, 64, seed)
    for (const method of [scratch, ...growing]) {
      const plan = method.plan()
      const options = { course, device, measureEvery: quick ? 50 : 200, note }
      const measured = await live(plan, { ...options, budget: method.budget * budget })
      note(`${plan.name}, seed ${seed}: ${measured.map(said).join(', ')}`)
      ends.set(plan.name, [...(ends.get(plan.name) ?? []), measured[measured.length - 1].loss])
    }
  }
  const mean = (name: string): number => {
    const losses = ends.get(name) ?? []
    return losses.reduce((a, b) => a + b, 0) / losses.length
  }
  const [control, ...grown] = [scratch, ...growing].map(({ budget: part, plan }) => {
    const { name } = plan()
    return { name, part, loss: mean(name) }
  })
  const rows = grown.map(
    ({ name, part, loss }): BenchmarkRow => ({
      ...{ case: `${name}, ${(100 * part).toFixed(0)} % of the operations`, metric: 'held-out loss' },
      ...{
        value: loss,
        unit: 'nats',
        peer: control.name,
        peerValue: control.loss,
        ratio: control.loss / loss,
      },
    }),
  )
  const checks = grown
    .slice(0, 3)
    .map(({ name, loss }) => atMost(`${name}: loss above that from scratch`, loss - control.loss, 0))
  return { rows, checks: quick ? [] : checks }
}

const said = ({ step, flops, loss }: Measurement): string =>
  `${loss.toFixed(3)} at step ${step}, ${(flops / 1e12).toFixed(2)} TFLOP`
