/** A life in which facts are read once among other text, and asked for after thousands of steps. */
import { adamw, chain, clipByGlobalNorm } from '@burgeon/autograd/optim'
import {
  batchOfTokens,
  episodicMemory,
  evaluateText,
  growingVocabulary,
  growOnSchedule,
  joinBatches,
  Learner,
  type Strategy,
  type TokenBatch,
} from '@burgeon/continual'
import { Gpt } from '@burgeon/gpt'
import { keyFromSeed, RandomStream } from '@burgeon/tensor'
import { openWasm } from '@burgeon/tensor/wasm'
import { type Fact, pseudoFacts } from './pseudo-facts.ts'
import { addCost, type Cost, noCost, witnessed } from './witness.ts'

/** What a life came to. */
export interface OnceSeen {
  /** Answers of facts that were read once. */
  readonly seen: Cost
  /** Answers of facts that were never read. */
  readonly unseen: Cost
  /**
   * The first letters of answers of facts that were read once, by a memory in which the answers are
   * interchanged. Later ones tell the word, which is there.
   */
  readonly shuffled: Cost
  /** All other text between reading and asking. */
  readonly text: Cost
  /** Loss of text that is never learnt, by the model and with what is recalled, in bits per byte. */
  readonly heldOut: number
  readonly mixedHeldOut: number
  /** Parameters at the end. */
  readonly parameters: number
  /** Tokens that the model knows at the end. */
  readonly vocabulary: number
}

export interface OnceSeenOptions {
  readonly seed: number
  readonly train: Uint8Array
  readonly heldOut: Uint8Array
  /** Whether width, depth and vocabulary grow between reading and asking. */
  readonly grows: boolean
  /** Facts that are read. As many others are asked for. */
  readonly facts: number
  /** Steps before the first fact, and between the last fact and the first question. */
  readonly before: number
  readonly between: number
}

export const context = 64
const room = 20_000_000

/** The origin of a text: its place in the list of facts, or none. */
const originOf = (id: number) => ({ id, source: 'facts', domain: 'facts', at: id, trust: 1 })

export async function onceSeen(options: OnceSeenOptions): Promise<OnceSeen> {
  const { seed, train, heldOut, grows, facts: count, before, between } = options
  const facts = pseudoFacts(seed, 2 * count)
  const random = new RandomStream(keyFromSeed(seed)).named('order')
  const order = shuffledList([...facts.keys()], random)
  const model = Gpt.create(
    { context, embed: 48, heads: 4, layers: 2, mlpHidden: 96 },
    { device: openWasm(), seed },
  )
  const [seen, unseen, shuffled, text] = [noCost(), noCost(), noCost(), noCost()]
  const [memory, strange] = [episodicMemory({ bytes: room }), episodicMemory({ bytes: room })]
  let isAsking = false
  const recall = witnessed(memory, (read, mixed, spelling) => {
    const { id = -1 } = read.origin ?? {}
    if (!isAsking) {
      if (id < 0) addCost(text, read, mixed, spelling, [0, Infinity])
      return
    }
    const [others] = strange.remember([read], spelling)
    if (id < 0) return
    const answer = answerIn(facts[id])
    addCost(id < count ? seen : unseen, read, mixed, spelling, answer)
    const [from] = answer
    if (id < count) addCost(shuffled, read, others, spelling, [from, from + 3])
  })
  const middle = before + count + Math.floor(between / 2)
  const learner = new Learner({
    model,
    optimizer: chain(clipByGlobalNorm(1), adamw({ learningRate: 2e-3, weightDecay: 0.01 })),
    strategy: { recall, ...(grows ? growing(middle) : {}) },
    seed,
  })
  const next = rowsOf(train)
  const observe = async (fact: number | null): Promise<void> => {
    const rows = [next(), fact === null ? next() : rowOf(facts[fact], fact)]
    await learner.observe(joinBatches(rows))
  }
  for (let step = 0; step < before; step++) await observe(null)
  for (let id = 0; id < count; id++) await observe(id)
  for (let step = 0; step < between; step++) await observe(null)
  isAsking = true
  strange.restore(interchanged(memory.toState() as { text: Uint8Array }, facts.slice(0, count)))
  for (const id of order) await observe(id)
  const { vocabulary } = model.config
  const { strategy } = learner
  const judged = await evaluateText(model, heldOut, {
    recall: memory,
    ...(strategy.vocabulary && { tokenizer: strategy.vocabulary.tokenizer }),
  })
  const { size: parameters } = model.parameters
  learner.dispose()
  model.dispose()
  const { bitsPerByte, mixedBitsPerByte = NaN } = judged
  const losses = { heldOut: bitsPerByte, mixedHeldOut: mixedBitsPerByte }
  return { seen, unseen, shuffled, text, ...losses, parameters, vocabulary }
}

const growing = (middle: number): Strategy => ({
  growth: growOnSchedule([
    { step: middle, request: { kind: 'widenMlp', block: 'b0', to: 144 } },
    { step: middle + 1, request: { kind: 'addLayer', at: 2 } },
    { step: middle + 2, request: { kind: 'widenEmbed', to: 64 } },
  ]),
  vocabulary: growingVocabulary({
    tokens: 320,
    growWhen: ({ step }) => step === middle + 3,
    tokensAtOnce: 64,
  }),
})

/** From which byte of the text up to which the answer is. */
const answerIn = ({ question, answer }: Fact): readonly [number, number] => [
  question.length,
  question.length + answer.length,
]

export function rowOf({ text }: Pick<Fact, 'text'>, id: number): TokenBatch {
  const batch = batchOfTokens(new TextEncoder().encode(text), context, 'facts')
  return { ...batch, origins: [originOf(id)] }
}

/** Rows of a text, each once, from its beginning on; after its end from there again. */
export function rowsOf(text: Uint8Array): () => TokenBatch {
  let from = 0
  return () => {
    if (from + context >= text.length) from = 0
    const row = batchOfTokens(text.subarray(from, from + context + 1), context, 'text')
    from += context
    return row
  }
}

function shuffledList<T>(list: readonly T[], random: RandomStream): T[] {
  const result = [...list]
  for (let i = result.length - 1; i > 0; i--) {
    const j = random.below(i + 1)
    ;[result[i], result[j]] = [result[j], result[i]]
  }
  return result
}

/** The state of a memory in which every fact has the answer of another. All answers are equally long. */
function interchanged<S extends { readonly text: Uint8Array }>(state: S, facts: readonly Fact[]): S {
  const text = Buffer.from(state.text)
  for (const [i, fact] of facts.entries()) {
    const at = text.indexOf(fact.question)
    const { answer } = facts[(i + 1) % facts.length]
    if (at >= 0) text.write(answer, at + fact.question.length, 'latin1')
  }
  return { ...state, text: new Uint8Array(text) }
}
