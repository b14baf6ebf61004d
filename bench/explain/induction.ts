/**
 * A circuit that is known: two layers that learn to copy what they have read before do it by a head that looks at the
 * token before, and one above it that looks behind the same token (Olsson et al. 2022). Patching has to find both.
 */
import { attentionPatterns, attributionPatch, patch, type PatchQuestion } from '@burgeon/continual'
import { type ForwardOptions, Gpt, type GptState } from '@burgeon/gpt'
import { keyFromSeed, RandomStream, scope } from '@burgeon/tensor'
import { atLeast, atMost, type BenchmarkCheck, type BenchmarkRow, mean } from '../benchmark.ts'
import { spearman } from './ranks.ts'
import { batchOfTask, drawDistinct, shuffled, type TaskRow, trained } from './trained.ts'

const vocabulary = 64
/** Heads of the lower block and of the upper one. */
const [lower, upper] = [4, 2]
/** Other tokens that stand in the place of one where a head is silenced. */
const others = 8
/** Tokens that come once, and pairs of them that come again. */
const [text, pairs] = [16, 8]
const length = text + 2 * pairs - 1
/** Loss of what is copied, in nats, below which it is, and above which nothing is yet. */
const [copies, doesNot] = [0.1, 3.5]

/** Different tokens, then pairs of neighbors among them in any order: only what stood behind a token says what comes. */
function drawRow(random: RandomStream): TaskRow & { readonly firsts: readonly number[] } {
  const once = drawDistinct(random, text, vocabulary)
  const firsts = drawDistinct(random, pairs, text - 1)
  return {
    firsts,
    tokens: [...once, ...firsts.flatMap((i) => [once[i], once[i + 1]])],
    isLearnt: (place) => place >= text && (place - text) % 2 === 1,
  }
}

interface CopyCase extends PatchQuestion {
  readonly prompt: number[]
  readonly corrupt: number[]
  readonly answer: number[]
  /** Place of the answer where it came first. */
  readonly first: number
  /** Texts as the corrupt one, with several tokens each. */
  readonly without: readonly (readonly number[])[]
}

/** A text that ends with the first of a pair, and the same with another token before the answer came first. */
function drawCase(random: RandomStream): CopyCase {
  const { firsts, tokens } = drawRow(random)
  const pair = random.below(pairs)
  const end = text + 2 * pair + 1
  const [prompt, first] = [tokens.slice(0, end), firsts[pair] + 1]
  const strange = drawDistinct(random, vocabulary, vocabulary).filter((token) => !tokens.includes(token))
  const without = strange.slice(0, others).map((token) => prompt.with(first - 1, token))
  return { prompt, corrupt: without[0], answer: [tokens[end]], first, without }
}

/** Means over cases, by head. */
interface Heads {
  readonly names: readonly string[]
  /** What a head brings back into the corrupt run, and what the clean run loses with that of the corrupt one. */
  readonly denoised: readonly number[]
  readonly noised: readonly number[]
  /** What the clean run loses with each output of the head as it is on average where the pair is unknown. */
  readonly ablated: readonly number[]
  readonly estimated: readonly number[]
  /** Attention to the token before, and from the end to the answer. */
  readonly toPrevious: readonly number[]
  readonly toAnswer: readonly number[]
  /** Score of the clean run less that of the corrupt one. */
  readonly difference: number
}

async function headsOf(model: Gpt, cases: readonly CopyCase[]): Promise<Heads> {
  const names = model.config.blocks.flatMap(({ id, heads }) =>
    Array.from({ length: heads }, (_, head) => `${id} ${head}`),
  )
  const sums = {
    ...{ denoised: zeros(names), noised: zeros(names), ablated: zeros(names), estimated: zeros(names) },
    ...{ toPrevious: zeros(names), toAnswer: zeros(names) },
  }
  let difference = 0
  const add = (
    list: number[],
    { block, head = 0 }: { block: string; head?: number },
    value: number,
  ): void => {
    list[names.indexOf(`${block} ${head}`)] += value / cases.length
  }
  for (const { first, without, ...question } of cases) {
    const denoised = await patch(model, question)
    const noised = await patch(model, question, { direction: 'noise' })
    const { estimates } = await attributionPatch(model, question, { measured: 0 })
    difference += (denoised.cleanScore - denoised.corruptScore) / cases.length
    for (const own of denoised.effects) if (own.part === 'head') add(sums.denoised, own, own.effect)
    for (const own of noised.effects) if (own.part === 'head') add(sums.noised, own, own.effect)
    for (const own of estimates) if (own.part === 'head') add(sums.estimated, own, own.estimate)
    const T = question.prompt.length
    for (const own of await attentionPatterns(model, question.prompt)) {
      const previous = mean(Array.from({ length: T - 1 }, (_, t) => own.weights[(t + 1) * T + t]))
      add(sums.toPrevious, own, previous)
      add(sums.toAnswer, own, own.weights[(T - 1) * T + first])
    }
    ablations(model, question, without).forEach((value, i) => (sums.ablated[i] += value / cases.length))
  }
  return { names, ...sums, difference }
}

const zeros = (names: readonly string[]): number[] => names.map(() => 0)

/**
 * By hand, without `patch`: how much of the score goes with each head silenced, its outputs the mean of those on texts
 * without what they are to know (mean ablation, Wang et al. 2023, section 2.1).
 */
function ablations(
  model: Gpt,
  { prompt, answer }: Pick<CopyCase, 'prompt' | 'answer'>,
  without: CopyCase['without'],
): number[] {
  const run = (
    tokens: readonly number[],
    options: Pick<ForwardOptions, 'observe' | 'replace'>,
  ): readonly number[] =>
    scope(() => {
      const read = model.device.tensor(tokens, { shape: [1, tokens.length], dtype: 'i32' })
      return [...model.forward(read, undefined, { lastOnly: true, ...options }).readSync()]
    })
  const score = (options: Pick<ForwardOptions, 'observe' | 'replace'>): number => {
    const logits = run(prompt, options)
    return logits[answer[0]] - mean(logits)
  }
  const means = new Map<string, Float64Array>()
  for (const tokens of without) {
    run(tokens, {
      observe(block, what, x) {
        if (what !== 'headOutput') return
        const sums = means.get(block) ?? new Float64Array(x.size)
        x.readSync().forEach((value, i) => (sums[i] += value / without.length))
        means.set(block, sums)
      },
    })
  }
  const whole = score({})
  return model.config.blocks.flatMap(({ id, heads }) =>
    Array.from({ length: heads }, (_, head) => {
      const silenced = score({
        replace(block, what, x) {
          if (block !== id || what !== 'headOutput') return undefined
          const [, , H, D] = x.shape
          const middle = means.get(id) as Float64Array
          const numbers = Float32Array.from(x.readSync(), (value, i) =>
            Math.floor(i / D) % H === head ? middle[i] : value,
          )
          return model.device.tensor(numbers, { shape: x.shape, dtype: 'f32' })
        },
      })
      return whole - silenced
    }),
  )
}

const largest = (values: readonly number[]): number => values.indexOf(Math.max(...values))
const topOf = (values: readonly number[], count: number): number[] =>
  [...values.keys()].toSorted((a, b) => values[b] - values[a]).slice(0, count)

/** @param count Cases that are explained. */
export async function inductionTask(
  { seed, steps, count }: { readonly seed: number; readonly steps: number; readonly count: number },
  note: (line: string) => void,
): Promise<{ rows: BenchmarkRow[]; checks: BenchmarkCheck[] }> {
  const random = new RandomStream(keyFromSeed(seed)).named('induction cases')
  const cases = Array.from({ length: count }, () => drawCase(random))
  let before: Promise<GptState> | undefined
  let [recent, taken] = [Infinity, 0]
  const model = await trained({
    // Next to no MLP: what is copied is copied by attention.
    sizes: {
      ...{ vocabulary, context: length, embed: 64, heads: upper, headDim: 16 },
      ...{ layers: 2, mlpHidden: 1, positions: 'rotary' },
    },
    grown: [{ kind: 'addHeads', block: 'b0', to: lower }],
    ...{ seed, steps, rate: 3e-3 },
    batch: (own) => batchOfTask(Array.from({ length: 32 }, () => drawRow(own))),
    seen(_loss, own, step) {
      taken = step + 1
      if (step % 50 !== 0) return false
      recent = copyLoss(own, cases)
      if (recent > doesNot) before = own.toState()
      return recent < copies / 2
    },
  })
  note(`induction: ${taken} steps, loss of what is copied ${recent}`)
  const found = await headsOf(model, cases)
  const early = Gpt.fromState(await (before ?? model.toState()))
  const earlyHeads = await headsOf(early, cases)
  const mixed = await shuffled(model, seed)
  const mixedHeads = await headsOf(mixed, cases)
  for (const own of [model, early, mixed]) own.dispose()
  const previous = largest(found.toPrevious.slice(0, lower))
  const copying = [...found.names.keys()].filter((i) => i >= lower && found.toAnswer[i] > 0.5)
  const isCircuit = (places: readonly number[]): number =>
    Number(places.includes(previous) && copying.some((place) => places.includes(place)))
  const atMostOf = ({ denoised, noised }: Heads): number =>
    Math.max(...denoised, ...noised) / found.difference
  const rank = spearman(found.noised, found.ablated)
  const row = (name: string, metric: string, value: number, unit = ''): BenchmarkRow => ({
    ...{ case: name, metric, value, unit },
  })
  return {
    rows: [
      row('induction', 'loss of what is copied', recent, 'nats'),
      row('induction', 'attention of the lower head to the token before', found.toPrevious[previous]),
      row('induction', 'attention of an upper head to the answer, at most', Math.max(...found.toAnswer)),
      row('induction', 'share that the lower head brings back', found.denoised[previous] / found.difference),
      row(
        ...(['induction', 'share that an upper head brings back, at most'] as const),
        Math.max(...found.denoised.slice(lower)) / found.difference,
      ),
      row('induction, before it copies', 'largest effect, of the difference', atMostOf(earlyHeads)),
      row('induction, shuffled weights', 'largest effect, of the difference', atMostOf(mixedHeads)),
    ],
    checks: [
      atMost('loss of what is copied, nats', recent, copies),
      atLeast('rank correlation of heads, patched and ablated', rank, 0.9),
      atLeast(
        'the two heads with the largest effects are the circuit',
        isCircuit(topOf(found.denoised, 2)),
        1,
      ),
      atLeast('the circuit is among the three largest estimates', isCircuit(topOf(found.estimated, 3)), 1),
      atMost('largest effect before it copies, of the difference', atMostOf(earlyHeads), 0.1),
      atMost('largest effect with shuffled weights, of the difference', atMostOf(mixedHeads), 0.1),
    ],
  }
}

/** Mean loss of the answers. */
function copyLoss(model: Gpt, cases: readonly CopyCase[]): number {
  return mean(
    cases.map(({ prompt, answer }) =>
      scope(() => {
        const tokens = model.device.tensor(prompt, { shape: [1, prompt.length], dtype: 'i32' })
        const logits = Array.from(model.forward(tokens, undefined, { lastOnly: true }).readSync())
        const top = Math.max(...logits)
        const total = logits.reduce((sum, logit) => sum + Math.exp(logit - top), 0)
        return Math.log(total) + top - logits[answer[0]]
      }),
    ),
  )
}
