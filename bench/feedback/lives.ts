/** Lives of a learner that is told what somebody thinks of its answers. */
import { adamw, chain, clipByGlobalNorm } from '@burgeon/autograd/optim'
import {
  type Answer,
  batchOfTokens,
  evaluateText,
  type FeedbackMemory,
  feedbackMemory,
  type FeedbackMemoryOptions,
  growOnSchedule,
  joinBatches,
  Learner,
  type LearnerState,
  type Rehearsal,
  reservoirReplay,
  type TokenBatch,
} from '@burgeon/continual'
import { BytePairTokenizer, Gpt } from '@burgeon/gpt'
import { keyFromSeed, RandomStream } from '@burgeon/tensor'
import { openWasm } from '@burgeon/tensor/wasm'
import { distinctFour, winRate } from './rater.ts'

/** How long everything is. */
export interface Sizes {
  readonly baseSteps: number
  readonly thumbs: number
  readonly rounds: number
  readonly stepsOfRound: number
  readonly testAnswers: number
  readonly corrections: number
}

export interface Texts {
  readonly train: Uint8Array
  readonly heldOut: Uint8Array
}

/** What a learner is in the end. */
export interface Outcome {
  /** Share of answers that please among those that say either. */
  readonly winRate: number
  /** Of held-out text. */
  readonly bitsPerByte: number
  readonly distinct: number
}

const device = openWasm({ threads: 1 })
const config = { context: 64, embed: 96, heads: 4, layers: 2 }
const rowsOfStep = 16
export const [promptBytes, answerBytes] = [24, 32]
const heldOutBytes = 16_384
export const tokenizer = new BytePairTokenizer()

/** Text to learn, and text that is held out; prompts of the test come from the latter. */
export function textsIn(text: Uint8Array): Texts {
  const end = text.length - 65_536
  return { train: text.subarray(0, end), heldOut: text.subarray(end) }
}

/** A rehearsal that recalls nothing: with it, feedback is learnt alone. */
const nothing: Rehearsal = {
  name: 'nothing',
  recall: () => null,
  remember: () => {},
  sample: () => null,
  toState: () => null,
  restore: () => {},
}

/** A learner, and the memory that it is told through. */
export interface Life {
  readonly learner: Learner
  readonly memory: FeedbackMemory
}

/** What of a life differs from arm to arm. */
export type How = Partial<Omit<FeedbackMemoryOptions, 'beside' | 'capacity'>> & {
  /** Whether old rows are learnt beside feedback. True unless given. */
  readonly hasOldRows?: boolean
}

/** Learning rates: of reading, and of what comes after. */
const rates = { base: 1e-3, later: 3e-4 }

function parts({ hasOldRows = true, ...options }: How, grownAt: number, learningRate = rates.later) {
  const memory = feedbackMemory({
    ...{ capacity: 2000, share: 0.25, ...options },
    beside: hasOldRows ? reservoirReplay({ capacity: 2000, share: 1, seed: 1 }) : nothing,
  })
  const growth = growOnSchedule([{ step: grownAt, request: { kind: 'widenMlp', block: 'b0', to: 512 } }])
  return {
    memory,
    optimizer: chain(clipByGlobalNorm(1), adamw({ learningRate })),
    // One name for all arms: each goes on from the same base.
    strategy: { rehearsal: { ...memory, name: 'feedback and what is beside it' }, growth },
  }
}

/** A learner that has read the text, once for all arms of a seed. */
export async function baseOf(texts: Texts, seed: number, sizes: Sizes): Promise<LearnerState> {
  const { optimizer, strategy } = parts({}, sizes.baseSteps + 1, rates.base)
  const model = Gpt.create(config, { device, seed })
  const learner = new Learner({ model, optimizer, strategy, seed, budget: { parameters: Infinity } })
  const random = new RandomStream(keyFromSeed(seed)).named('rows')
  for (let step = 0; step < sizes.baseSteps; step++) await learner.observe(rowsOf(texts.train, random))
  const state = await learner.toState()
  learner.dispose()
  model.dispose()
  return state
}

/** New rows, half as many as there are in a step: as many old ones come with them. */
function rowsOf(text: Uint8Array, random: RandomStream): TokenBatch {
  const { context } = config
  return joinBatches(
    Array.from({ length: rowsOfStep / 2 }, () => {
      const from = random.below(text.length - context - 1)
      return batchOfTokens(text.subarray(from, from + context + 1), context, 'Shakespeare')
    }),
  )
}

/** Goes on from a base, does something with the learner, and frees it. */
export async function lifeFrom<T>(
  base: LearnerState,
  how: How,
  sizes: Sizes,
  live: (life: Life) => Promise<T>,
): Promise<T> {
  const { memory, optimizer, strategy } = parts(how, sizes.baseSteps + 1)
  const learner = Learner.fromState(base, { optimizer, strategy, device })
  try {
    return await live({ learner, memory })
  } finally {
    learner.dispose()
    learner.model.dispose()
  }
}

/** Reads on: the learner grows at the first of these steps. */
export async function readOn({ learner }: Life, texts: Texts, steps: number): Promise<void> {
  const random = new RandomStream(keyFromSeed(77)).named('later rows')
  for (let step = 0; step < steps; step++) await learner.observe(rowsOf(texts.train, random))
}

export const rehearse = ({ learner }: Life, steps: number): Promise<unknown> =>
  learner.rehearse(steps, { rows: rowsOfStep })

/** Answers to prompts out of a text, with what feedback needs to know of them. */
export async function answers(
  { learner: { model } }: Pick<Life, 'learner'>,
  text: Uint8Array,
  count: number,
  seed: number,
): Promise<Answer[]> {
  const random = new RandomStream(keyFromSeed(seed)).named('prompts')
  const prompts = Array.from({ length: count }, () => {
    const from = random.below(text.length - promptBytes)
    return [...text.subarray(from, from + promptBytes)]
  })
  const found: Answer[] = []
  for (let from = 0; from < count; from += 64) {
    const some = prompts.slice(from, from + 64)
    const options = { tokens: answerBytes, seed: 10_000 * seed + from, tokenizer, logProbabilities: 0 }
    const generated = await model.generate(some, options)
    for (const [i, { tokens, text: written = '', logProbabilities = [] }] of generated.entries()) {
      const logProbability = logProbabilities.reduce((sum, { logProbability: own = 0 }) => sum + own, 0)
      found.push({ prompt: some[i], tokens: [...tokens], text: written, logProbability })
    }
  }
  return found
}

/** What the learner is now. */
export async function outcomeOf(life: Life, texts: Texts, sizes: Sizes): Promise<Outcome> {
  const written = (await answers(life, texts.heldOut.subarray(heldOutBytes), sizes.testAnswers, 999)).map(
    ({ text }) => text,
  )
  const { bitsPerByte } = await evaluateText(life.learner.model, texts.heldOut.subarray(0, heldOutBytes))
  return { winRate: winRate(written), bitsPerByte, distinct: distinctFour(written) }
}
