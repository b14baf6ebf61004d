/** Three growths, one of which nothing ever uses: what each is worth, by the same life without it. */
import { adamw, chain, clipByGlobalNorm, warmUp } from '@burgeon/autograd/optim'
import {
  batchOfTokens,
  growOnSchedule,
  joinBatches,
  Learner,
  type LearnerState,
  type PolicyChange,
  retrace,
  type Strategy,
  type TokenBatch,
  whyGrew,
} from '@burgeon/continual'
import { Gpt } from '@burgeon/gpt'
import { keyFromSeed, RandomStream } from '@burgeon/tensor'
import { atLeast, atMost, type BenchmarkCheck, type BenchmarkRow, mean } from '../benchmark.ts'

const context = 40
/** By what the growths are known. */
const names = ['a wider MLP', 'a longer context that no row fills', 'a second layer'] as const
const useless = 1

const policy = () =>
  growOnSchedule([
    { step: 40, request: { kind: 'widenMlp', block: 'b0', to: 128 } },
    { step: 60, request: { kind: 'growContext', to: 2 * context } },
    { step: 80, request: ({ blocks }) => ({ kind: 'addLayer', at: blocks.length }) },
  ])

const partsOf = (change: PolicyChange): { optimizer: ReturnType<typeof chain>; strategy: Strategy } => ({
  optimizer: chain(clipByGlobalNorm(1), adamw({ learningRate: warmUp(3e-3, 20), beta2: 0.99 })),
  strategy: { growth: change(policy()) },
})

const unchanged: PolicyChange = (own) => own

/** Sums such as `17 plus 25 is 42.`: what there is to learn takes room. */
function sentence(random: RandomStream): string {
  const [a, b] = [random.below(50), random.below(50)]
  return `${a} plus ${b} is ${a + b}. ${b} less than ${a + b} is ${a}.`
    .padEnd(context + 1)
    .slice(0, context + 1)
}

export async function growthTask(
  { seed, steps, texts }: { readonly seed: number; readonly steps: number; readonly texts: number },
  note: (line: string) => void,
): Promise<{ rows: BenchmarkRow[]; checks: BenchmarkCheck[] }> {
  const random = new RandomStream(keyFromSeed(seed)).named('sums')
  const batch = (): TokenBatch =>
    joinBatches(
      Array.from({ length: 8 }, () =>
        batchOfTokens(new TextEncoder().encode(sentence(random)), context, 'sums'),
      ),
    )
  const sizes = { context, embed: 32, heads: 2, layers: 1, mlpHidden: 4 }
  const learner = new Learner({ model: Gpt.create(sizes, { seed }), ...partsOf(unchanged) })
  const born: LearnerState = await learner.toState()
  const observed = Array.from({ length: steps }, batch)
  for (const rows of observed) await learner.observe(rows)
  const begin = (change: PolicyChange): Learner => Learner.fromState(structuredClone(born), partsOf(change))
  const life = await retrace(learner, { moments: [{ step: 0, begin }], observed })
  const asked = Array.from({ length: texts }, () => sentence(random))
  const effects: number[] = []
  let decided = 0
  for (const [i, name] of names.entries()) {
    const own: number[] = []
    for (const text of asked) {
      const why = await whyGrew(life, i, { prompt: text.slice(0, 1), answer: text.slice(1) })
      own.push(why.effect)
      decided += Number(why.dryRun?.reason === why.reason) / (names.length * texts)
    }
    effects.push(mean(own))
    note(`why it grew, ${name}: ${mean(own)} nats`)
  }
  learner.dispose()
  learner.model.dispose()
  const others = effects.filter((_, i) => i !== useless)
  return {
    rows: names.map((name, i) => ({
      ...{ case: name, metric: 'loss of a text without that growth, less that with it' },
      ...{ value: effects[i], unit: 'nats' },
    })),
    checks: [
      atMost('the useless growth, nats', Math.abs(effects[useless]), 1e-4),
      atLeast('the least of the other growths, nats', Math.min(...others), 0.1),
      atLeast('decisions that are made again', decided, 1),
    ],
  }
}
