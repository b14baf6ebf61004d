/** A byte that decides the answer, somewhere among bytes that do not: integrated gradients have to name it. */
import { attentionFlow, integratedGradients } from '@burgeon/continual'
import type { Gpt } from '@burgeon/gpt'
import { keyFromSeed, RandomStream } from '@burgeon/tensor'
import { atLeast, atMost, type BenchmarkCheck, type BenchmarkRow, mean } from '../benchmark.ts'
import { batchOfTask, shuffled, type TaskRow, trained } from './trained.ts'

const length = 24
const triggers = 4
const letters = 20
/** After the letters, then the triggers: what asks, and the answers. */
const [asks, vocabulary] = [letters + triggers, letters + 2 * triggers + 2]
/** Answer where there is no trigger: otherwise one of them could be known by there being none of the others. */
const nothing = vocabulary - 1
const answerTo = (trigger: number): number => asks + 1 + trigger

interface Case extends TaskRow {
  /** Place of the trigger. */
  readonly at: number
  readonly trigger: number
  /** Other letters, and no trigger among them. */
  readonly baseline: readonly number[]
}

function drawCase(random: RandomStream): Case {
  const some = (): number[] => Array.from({ length: length - 2 }, () => random.below(letters))
  const [own, other] = [some(), some()]
  const [at, trigger] = [random.below(own.length), random.below(triggers)]
  own[at] = letters + trigger
  return {
    ...{ at, trigger, baseline: [...other, asks] },
    tokens: [...own, asks, answerTo(trigger)],
    isLearnt: (place) => place === length - 1,
  }
}

/** The share of the trigger in what is attributed, of each case. */
async function masses(
  model: Gpt,
  cases: readonly Case[],
): Promise<{ ig: number; flow: number; gap: number }[]> {
  const found: { ig: number; flow: number; gap: number }[] = []
  for (const { tokens, at, trigger, baseline } of cases) {
    const instead = answerTo((trigger + 1) % triggers)
    const question = { prompt: tokens.slice(0, -1), answer: [answerTo(trigger)], instead: [instead] }
    const { tokens: told, gap } = await integratedGradients(model, question, { baseline })
    const sizes = told.map(({ attribution }) => Math.abs(attribution))
    const total = sizes.reduce((a, b) => a + b, 0)
    const flow = (await attentionFlow(model, question)).tokens[at].share
    found.push({ ig: total === 0 ? 0 : sizes[at] / total, flow, gap: total === 0 ? 0 : gap / total })
  }
  return found
}

/** A row to learn: a case, or one time in five letters alone. */
function drawRow(random: RandomStream): TaskRow {
  const own = drawCase(random)
  if (random.below(triggers + 1) > 0) return own
  const tokens = [...own.baseline, nothing]
  return { ...own, tokens }
}

/** @param count Cases that are explained. */
export async function triggerTask({
  seed,
  steps,
  count,
}: {
  readonly seed: number
  readonly steps: number
  readonly count: number
}): Promise<{ rows: BenchmarkRow[]; checks: BenchmarkCheck[] }> {
  const model = await trained({
    sizes: { vocabulary, context: length, embed: 32, heads: 4, layers: 2, mlpHidden: 64 },
    ...{ seed, steps, rate: 3e-3 },
    batch: (random) => batchOfTask(Array.from({ length: 64 }, () => drawRow(random))),
  })
  const random = new RandomStream(keyFromSeed(seed)).named('trigger cases')
  const cases = Array.from({ length: count }, () => drawCase(random))
  const found = await masses(model, cases)
  const mixed = await shuffled(model, seed)
  const control = await masses(mixed, cases)
  model.dispose()
  mixed.dispose()
  const of = (list: typeof found, key: keyof (typeof found)[number]): number =>
    mean(list.map((own) => own[key]))
  const chance = 1 / (length - 1)
  const named = found.filter(({ ig }) => ig >= 0.8).length
  const row = (name: string, metric: string, value: number): BenchmarkRow => ({
    case: name,
    metric,
    value,
    unit: '',
  })
  return {
    rows: [
      row('trigger', 'share of integrated gradients', of(found, 'ig')),
      row('trigger, shuffled weights', 'share of integrated gradients', of(control, 'ig')),
      row('trigger', 'share of the attention flow', of(found, 'flow')),
      row('trigger', 'largest gap, of all attributions', Math.max(...found.map(({ gap }) => gap))),
    ],
    checks: [
      atLeast(
        `sequences of ${count} whose trigger has 80 % of the attributions`,
        named,
        Math.ceil(count * 0.95),
      ),
      atMost('share of the trigger with shuffled weights, of chance', of(control, 'ig') / chance, 3),
      atMost('largest gap of integrated gradients', Math.max(...found.map(({ gap }) => gap)), 0.01),
    ],
  }
}
