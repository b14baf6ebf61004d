/**
 * `npm run bench -- context-labels --data DIR [--seeds N]`: what a label before each row is worth. One small
 * byte GPT learns rows of three languages and of Shakespeare, mixed at random, four times in equal steps: without
 * labels, with that of the domain of each row, and, as controls, with one that is drawn for each row and with one
 * that is the same for all. The last two say nothing, but a token before a row may be of use by being there.
 *
 * All read the same rows in the same order, and have the same context: the one without labels has a place that it
 * does not use. What is counted is bytes of text alone. Settings were chosen on seed 100.
 *
 * DIR holds `genesis-english-web.txt`, `genesis-german.txt`, `genesis-french.txt` and `tinyshakespeare.txt`.
 */
import { adamw, chain, clipByGlobalNorm, warmUp } from '@burgeon/autograd/optim'
import { contextLabels, Learner } from '@burgeon/continual'
import { Gpt } from '@burgeon/gpt'
import { grow } from '@burgeon/gpt/growth'
import { keyFromSeed, RandomStream } from '@burgeon/tensor'
import { openWasm } from '@burgeon/tensor/wasm'
import {
  atLeast,
  atMost,
  type Benchmark,
  type BenchmarkCheck,
  type BenchmarkRow,
  mean,
} from '../benchmark.ts'
import { firstBytes, measured, movedByBirth, type Outcome } from './label-losses.ts'
import { domains, mixed, rowBytes, textsIn, type Texts } from './labelled-texts.ts'

const device = openWasm({ threads: 1 })
const sizes = { vocabulary: 256, context: rowBytes + 1, embed: 32, heads: 4, layers: 1 }

const arms = ['no labels', 'one label for all', 'labels', 'labels drawn at random'] as const
type Arm = (typeof arms)[number]
const [bare, same, labelled, permuted] = arms

export const contextLabelling: Benchmark = async ({ data, quick, seeds, note, once }) => {
  const texts = textsIn(data)
  const steps = quick ? 60 : 5000
  const found = new Map<Arm, Outcome[]>(arms.map((arm) => [arm, []]))
  for (let seed = 1; seed <= (quick ? 1 : seeds); seed++) {
    for (const arm of arms) {
      const outcome = await once(`seed ${seed}, ${arm}`, () => life(arm, texts, steps, seed))
      const said = [outcome.none, outcome.own, outcome.other, outcome.inferred].map((x) => x.toFixed(4))
      note(`seed ${seed}, ${arm}: none ${said[0]}, own ${said[1]}, other ${said[2]}, inferred ${said[3]}`)
      found.get(arm)?.push(outcome)
    }
  }
  const of: Found = (arm, metric) => (found.get(arm) ?? []).map((outcome) => outcome[metric])
  return { rows: rowsOf(of), checks: quick ? [] : checksOf(of) }
}

type Found = (arm: Arm, metric: keyof Outcome) => readonly number[]

function rowsOf(of: Found): BenchmarkRow[] {
  const row = (arm: Arm, metric: string, name: keyof Outcome, unit = 'bits/byte'): BenchmarkRow => {
    const values = of(arm, name)
    return { case: arm, metric, value: mean(values), values, unit }
  }
  return [
    row(bare, 'parameters', 'parameters', ''),
    row(bare, 'held-out', 'none'),
    row(bare, `first ${firstBytes} bytes of a row`, 'noneFirst'),
    ...[same, labelled, permuted].flatMap((arm) => [
      row(arm, 'held-out, after the own label', 'own'),
      row(arm, `first ${firstBytes} bytes of a row, after the own label`, 'ownFirst'),
      row(arm, 'held-out, without a label', 'none'),
      row(arm, `first ${firstBytes} bytes of a row, without a label`, 'noneFirst'),
      row(arm, 'held-out, after the label of another domain', 'other'),
      row(arm, 'held-out, the label inferred over 256 bytes', 'inferred'),
    ]),
    row(labelled, 'texts of 256 bytes whose own label is found', 'found', ''),
    row(labelled, 'most that the inference cost a text', 'dearest', 'bits'),
  ]
}

function checksOf(of: Found): BenchmarkCheck[] {
  const meanOf = (arm: Arm, metric: keyof Outcome): number => mean(of(arm, metric))
  return [
    atLeast('own label over no labels, bits/byte', meanOf(bare, 'none') - meanOf(labelled, 'own'), 0.05),
    atLeast(
      `the same in the first ${firstBytes} bytes of a row`,
      meanOf(bare, 'noneFirst') - meanOf(labelled, 'ownFirst'),
      0.2,
    ),
    atMost(
      'inferred over own label, bits/byte',
      meanOf(labelled, 'inferred') - meanOf(labelled, 'own'),
      0.02,
    ),
    atMost(
      'most that the inference cost any text, bits',
      Math.max(...of(labelled, 'dearest')),
      Math.log2(domains.length) + 1e-4,
    ),
    atLeast(
      'another label over the own, bits/byte',
      meanOf(labelled, 'other') - meanOf(labelled, 'own'),
      0.1,
    ),
    atMost(
      'without a label over the model of no labels, bits/byte',
      meanOf(labelled, 'none') - meanOf(bare, 'none'),
      0.01,
    ),
    atMost(
      'control: labels drawn at random over no labels, bits/byte',
      meanOf(bare, 'none') - meanOf(permuted, 'own'),
      0.01,
    ),
    atLeast(
      'own label over one label for all, bits/byte',
      meanOf(same, 'own') - meanOf(labelled, 'own'),
      0.05,
    ),
    atMost(
      'control: labels drawn at random over one label for all, bits/byte',
      meanOf(same, 'own') - meanOf(permuted, 'own'),
      0.01,
    ),
    atMost(
      'control: drawn at random, another label over the own, bits/byte',
      meanOf(permuted, 'other') - meanOf(permuted, 'own'),
      0.01,
    ),
    atMost('logits that the birth of a label moved', Math.max(...of(labelled, 'moved')), 0),
  ]
}

async function life(arm: Arm, texts: Texts, steps: number, seed: number): Promise<Outcome> {
  const model = Gpt.create(sizes, { device, seed })
  // The first label brings biases of the head, which the model without labels is to have as well.
  const unread = { kind: 'growVocabulary' as const, tokens: [{ parts: [0], share: 0 }] }
  if (arm === bare) await grow(model, unread, { mirrors: [], key: keyFromSeed(seed) })
  const labelOf = ({ domain }: { readonly domain: string }): string => (arm === same ? 'text' : domain)
  const context = arm === bare ? undefined : contextLabels({ kinds: { domain: labelOf } })
  const rate = warmUp(2e-3, 100)
  const learner = new Learner({
    model,
    // At the end a step is taken in which nothing is learnt.
    optimizer: chain(
      clipByGlobalNorm(1),
      adamw({ learningRate: (step) => (step < steps ? rate(step) : 0), weightDecay: 0.01 }),
    ),
    strategy: context ? { context } : {},
    seed,
  })
  const [rows, drawn] = ['rows', 'labels'].map((name) => new RandomStream(keyFromSeed(seed)).named(name))
  for (let step = 0; step < steps; step++) {
    const batch = mixed(texts, rows)
    const names =
      arm === permuted ? batch.domains.map(() => domains[drawn.below(domains.length)]) : batch.domains
    await learner.observe({ ...batch, domains: names })
  }
  const outcome = await measured(
    model,
    texts,
    context && ((domain) => context.tokensOf({ domain: labelOf({ domain }) })),
  )
  const moved = arm === labelled ? await movedByBirth(learner, texts) : 0
  learner.dispose()
  model.dispose()
  return { ...outcome, moved }
}
