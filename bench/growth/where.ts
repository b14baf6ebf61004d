/**
 * `npm run bench -- where --data DIR [--seeds N]`: which block should get the new neurons. Four narrow MLPs
 * are widened eight times, each time where a rule says; nothing else differs. What a look at the blocks takes
 * is not counted.
 */
import { type BlockSignals, measureBlocks } from '@burgeon/continual'
import type { BlockConfig } from '@burgeon/gpt'
import { openWasm } from '@burgeon/tensor/wasm'
import { type Benchmark, type BenchmarkRow, mean, worseBeyondSeeds } from '../benchmark.ts'
import { type Course, readCourse, rowsOf } from './course.ts'
import { live, type Plan } from './growing-life.ts'

const [layers, fewest, more, widenings] = [4, 48, 48, 8]

/** How much a block wants neurons. Of equals, the lowest block gets them. */
type Rule = (block: BlockConfig, at: number, signals: BlockSignals) => number

const byWidth = 'the narrowest block'
const bySlope = 'the largest slope of a new neuron'
const rules: Readonly<Record<string, Rule>> = {
  [byWidth]: ({ mlpHidden }) => -mlpHidden,
  [bySlope]: (_, __, { gradMax }) => gradMax,
  'the largest share of the gradient, per neuron': ({ mlpHidden }, _, { gradientShare }) =>
    gradientShare / mlpHidden,
  'the fullest, by effective rank': (_, __, { effectiveRank, maxRank }) => effectiveRank / maxRank,
  'always the lowest block': (_, at) => -at,
  'always the highest block': (_, at) => at,
}

export const where: Benchmark = async ({ data, seeds, quick, note }) => {
  const device = openWasm()
  const budget = (quick ? 0.05 : 1.5) * 1e12
  const losses = new Map<string, number[]>()
  for (let seed = 1; seed <= (quick ? 1 : seeds); seed++) {
    const course = readCourse(data, 16, 64, seed)
    for (const [name, rule] of Object.entries(rules)) {
      const widths = new Map<string, number>()
      const plan = { name, sizes: narrow, requests: widenedBy(rule, course, widths) }
      const measurements = await live(plan, { course, device, note: () => {}, budget, rate: 3e-3 })
      const { loss } = measurements[measurements.length - 1]
      losses.set(name, [...(losses.get(name) ?? []), loss])
      note(`${name}, seed ${seed}: ${loss.toFixed(4)}, neurons ${[...widths.values()].join(', ')}`)
    }
  }
  const lossOf = (name: string): number => mean(losses.get(name) ?? [])
  const rows = Object.keys(rules).map((name): BenchmarkRow => {
    const values = losses.get(name) ?? []
    const about = { case: name, metric: 'held-out loss', value: lossOf(name), values, unit: 'nats' }
    if (name === byWidth) return about
    return { ...about, peer: byWidth, peerValue: lossOf(byWidth), ratio: lossOf(byWidth) / lossOf(name) }
  })
  const [narrowest, steepest] = [byWidth, bySlope].map((name) => losses.get(name) ?? [])
  const checks = [worseBeyondSeeds(`${byWidth}: loss above that of ${bySlope}`, narrowest, steepest)]
  return { rows, checks: quick ? [] : checks }
}

const narrow = { embed: 48, heads: 4, layers, mlpHidden: fewest }

/**
 * Widens one block at a time, evenly over the first part of the budget; `widths` is told how wide every block
 * became.
 */
function widenedBy(rule: Rule, course: Course, widths: Map<string, number>): NonNullable<Plan['requests']> {
  let done = 0
  return async ({ share, losses, model }) => {
    if (done === widenings || share < 0.05 + (0.55 * done) / widenings) return []
    done++
    // Rows that no step learns from.
    const { blocks } = await measureBlocks(model, rowsOf(course, 1_000_000 + losses.length))
    const wants = model.config.blocks.map((block, i) => rule(block, i, blocks[i]))
    const { id, mlpHidden } = model.config.blocks[wants.indexOf(Math.max(...wants))]
    for (const block of model.config.blocks) widths.set(block.id, block.mlpHidden)
    widths.set(id, mlpHidden + more)
    return [{ kind: 'widenMlp', block: id, to: mlpHidden + more }]
  }
}
