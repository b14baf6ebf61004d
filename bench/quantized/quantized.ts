/**
 * `npm run bench -- quantized --data DIR`: what packed weights cost in perplexity and save in memory, of a model
 * that others have trained and of one of ours; the pruning curve; controls of the same bits; and the time of
 * the kernels. Perplexity depends on no clock. DIR has `tinyshakespeare.txt`, and `stories260K` in it or in
 * `../models`.
 */
import { type Gpt, KeyValueCache, type QuantizedGpt, quantized, type QuantizedOptions } from '@burgeon/gpt'
import { crossEntropy, mean, scope } from '@burgeon/tensor'
import { openWasm } from '@burgeon/tensor/wasm'
import {
  atLeast,
  atMost,
  type Benchmark,
  type BenchmarkCheck,
  type BenchmarkRow,
  mean as averageOf,
  UsageError,
} from '../benchmark.ts'
import { withRandomRounding, withRandomScales } from './controls.ts'
import { timePackedKernels } from './packed-kernels.ts'
import { pruningCurve } from './pruning-curve.ts'
import { lossOn, shakespearean, storyTeller, type TrainedModel } from './trained-models.ts'

/** Ways to pack a model, and how many percent its perplexity may rise. */
const kinds: readonly (readonly [name: string, QuantizedOptions, atMost?: number])[] = [
  ['bf16', { weights: 'bf16' }, 0.5],
  ['f16', { weights: 'f16' }, 0.1],
  ['int8', { weights: 'int8' }, 0.5],
  ['int8, activations int8', { weights: 'int8', activations: 'int8' }],
  ['int8, activations int7', { weights: 'int8', activations: 'int7' }],
  ['int4', { weights: 'int4' }, 10],
  ['int4 clipped', { weights: 'int4', rounding: 'clipped' }, 10],
  ['int4 clipped, activations int8', { weights: 'int4', rounding: 'clipped', activations: 'int8' }],
  ['int4 all over', { weights: 'int4', embedding: 'int4', rounding: 'clipped' }],
]
/** Damping and amount of text were chosen on rows of other seeds than those that are reported. */
const withFeedback = 'int4 with error feedback'

export const quantization: Benchmark = async ({ data, quick, note }) => {
  if (data === undefined) {
    throw new UsageError(
      'quantized: got no --data DIR; expected a folder with tinyshakespeare.txt and stories260K.',
    )
  }
  const device = openWasm()
  const models = [
    await storyTeller(data, device, quick ? 8 : 32),
    await shakespearean(data, device, quick ? { steps: 30, rows: 16 } : { steps: 800, rows: 64 }),
  ]
  const rows: BenchmarkRow[] = []
  const checks: BenchmarkCheck[] = []
  for (const trained of models) {
    const found = await packedLosses(trained, note)
    rows.push(...found.rows)
    checks.push(...found.checks)
    const dearer: number[] = []
    for (const { share, loss, randomLoss, megabytes } of await pruningCurve(
      trained,
      quick ? [0.2] : [0.05, 0.1, 0.2, 0.3, 0.5],
    )) {
      const about = { case: `${trained.name}, ${Math.round(100 * share)} % of hidden units pruned` }
      const change = 100 * (Math.exp(loss - found.loss) - 1)
      const byChance = 100 * (Math.exp(randomLoss - found.loss) - 1)
      rows.push(
        {
          ...about,
          metric: 'perplexity rises by',
          value: change,
          unit: '%',
          peer: 'by chance',
          peerValue: byChance,
        },
        { ...about, metric: 'weights', value: megabytes, unit: 'MB' },
      )
      note(`${about.case}: ${change.toFixed(2)} %, by chance ${byChance.toFixed(2)} %`)
      dearer.push(randomLoss - loss)
    }
    const curve = `${trained.name}: units pruned by chance cost more, nats over the curve`
    checks.push(atLeast(curve, averageOf(dearer), 0))
    trained.model.dispose()
  }
  rows.push(...(quick ? [] : timePackedKernels(20)))
  return { rows, checks: quick ? checks.filter(({ name }) => !name.includes('Shakespeare')) : checks }
}

/** Perplexity and bytes of every kind, of caches and of controls. */
async function packedLosses(
  { name, model, calibration, judged }: TrainedModel,
  note: (line: string) => void,
): Promise<{ rows: BenchmarkRow[]; checks: BenchmarkCheck[]; loss: number }> {
  const loss = lossOn(model, judged)
  const bytes = 4 * model.parameters.size
  const rows: BenchmarkRow[] = [
    { case: `${name}, f32`, metric: 'perplexity', value: Math.exp(loss), unit: '' },
    { case: `${name}, f32`, metric: 'weights', value: bytes / 1e6, unit: 'MB' },
  ]
  const checks: BenchmarkCheck[] = []
  const changes = new Map<string, number>()
  const report = (kind: string, own: number): number => {
    const change = 100 * (Math.exp(own - loss) - 1)
    rows.push({ case: `${name}, ${kind}`, metric: 'perplexity rises by', value: change, unit: '%' })
    changes.set(kind, change)
    note(`${name}, ${kind}: ${change.toFixed(3)} %`)
    return change
  }
  const all: typeof kinds = [
    ...kinds,
    [withFeedback, { weights: 'int4', rounding: 'clipped', calibration }, 3],
    ['int8 with error feedback', { weights: 'int8', calibration }, 0.5],
  ]
  for (const [kind, options, limit] of all) {
    const small = await quantized(model, options)
    const change = report(kind, lossOn(small, judged))
    rows.push({
      ...{ case: `${name}, ${kind}`, metric: 'weights', value: small.bytes / 1e6, unit: 'MB' },
      ...{ peer: 'f32', peerValue: bytes / 1e6, ratio: bytes / small.bytes },
    })
    if (limit !== undefined) checks.push(atMost(`${name}, ${kind}: perplexity rises by, %`, change, limit))
    small.dispose()
  }
  const controls = await controlLosses(model, judged)
  for (const [kind, own] of controls) {
    const change = report(kind, own)
    const plain = changes.get('int4') as number
    checks.push(atLeast(`${name}, ${kind}: worse than int4, points of perplexity`, change - plain, 0.5))
  }
  for (const format of ['f16', 'int8'] as const) {
    const change = report(
      `cache in ${format}`,
      cachedLoss(model, judged.slice(0, 16), format) - cachedLoss(model, judged.slice(0, 16), 'f32') + loss,
    )
    checks.push(
      atMost(`${name}, cache in ${format}: perplexity rises by, %`, change, format === 'f16' ? 0.1 : 1),
    )
  }
  return { rows, checks, loss }
}

async function controlLosses(model: Gpt, judged: readonly Int32Array[]): Promise<[string, number][]> {
  const options = { weights: 'int4' } as const
  const noisy = await withRandomRounding(model, 3)
  const randomlyRounded = await quantized(noisy, options)
  const small = await quantized(model, options)
  const shuffled = await withRandomScales(small, 3)
  const lossOf = (each: QuantizedGpt): number => lossOn(each, judged)
  const losses: [string, number][] = [
    ['control: int4 rounded by chance', lossOf(randomlyRounded)],
    ['control: int4 with scales out of place', lossOf(shuffled)],
  ]
  for (const each of [noisy, randomlyRounded, small, shuffled]) each.dispose()
  return losses
}

/** The loss where all keys and values go through a cache. */
function cachedLoss(model: Gpt, rows: readonly Int32Array[], format: 'f32' | 'f16' | 'int8'): number {
  let total = 0
  for (const row of rows) {
    using cache = new KeyValueCache(model.config, model.device, 1, format)
    total += scope(() => {
      const T = row.length - 1
      const tokens = model.device.tensor(row.subarray(0, T), { shape: [1, T], dtype: 'i32' })
      const targets = model.device.tensor(row.subarray(1), { shape: [T], dtype: 'i32' })
      return mean(crossEntropy(model.forward(tokens, undefined, { cache }), targets)).item()
    })
  }
  return total / rows.length
}
