/** What choosing a token costs, of as many logits as GPT-2 has tokens. */
import { sampleToken, type SamplingOptions } from '@burgeon/gpt'
import { keyFromSeed, RandomStream } from '@burgeon/tensor'
import { atMost, type BenchmarkCheck, type BenchmarkRow } from '../benchmark.ts'
import { gpt2Small } from './shapes.ts'

const ways: Readonly<Record<string, SamplingOptions>> = {
  greedy: { temperature: 0 },
  'top-k 40': { topK: 40 },
  'min-p 0.05': { minP: 0.05 },
  'top-p 0.9': { topP: 0.9 },
  'all tokens': {},
}

/** The others need the weight of every token, and with it an exponential of each. */
const promised = new Set(['greedy', 'top-k 40', 'min-p 0.05'])

/** Rows for every way, and checks of those whose cost is promised. */
export function costOfChoosing(): { rows: BenchmarkRow[]; checks: BenchmarkCheck[] } {
  const random = new RandomStream(keyFromSeed(1)).named('choosing')
  // Peaked as a trained model's: sharp enough for a nucleus of some hundred tokens.
  const logits = Float32Array.from({ length: gpt2Small.vocabulary }, () => 4 * (random.normal() - 2))
  const rows: BenchmarkRow[] = []
  const checks: BenchmarkCheck[] = []
  for (const [name, options] of Object.entries(ways)) {
    const times: number[] = []
    for (let i = 0; i < 60; i++) {
      const start = performance.now()
      sampleToken(logits, options, random)
      times.push(performance.now() - start)
    }
    const value = Math.min(...times)
    rows.push({ case: `choosing a token, ${name}`, metric: 'min', value, unit: 'ms' })
    if (promised.has(name)) checks.push(atMost(`choosing a token, ${name}, ms`, value, 0.5))
  }
  return { rows, checks }
}
