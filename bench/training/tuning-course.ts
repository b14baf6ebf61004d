/** What `bench -- adapters` tunes: a model of our own or a pretrained one, the texts, and how they are learnt and measured. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { adamw, chain, clipByGlobalNorm, type GradientTransform, warmUpCosine } from '@burgeon/autograd/optim'
import { batchOfTokens, evaluateText, joinBatches, Learner } from '@burgeon/continual'
import {
  BytePairTokenizer,
  Gpt,
  type GrowingTokenizer,
  type GptState,
  isDecayed,
  type LoraAdapter,
} from '@burgeon/gpt'
import { fromPretrained, tokenizerFromPretrained } from '@burgeon/gpt/node'
import { type Device, keyFromSeed, RandomStream } from '@burgeon/tensor'
import { UsageError } from '../benchmark.ts'

const sizes = { context: 64, embed: 64, heads: 4, layers: 3, mlpHidden: 256 }
const [rows, length, heldOutBytes, evaluated] = [16, 64, 20_000, 8192]

/** Text as bytes, and what is never learnt of it: the end. */
export interface Text {
  readonly learnt: Uint8Array
  readonly heldOut: Uint8Array
}

export function readText(folder: string | undefined, name: string): Text {
  if (folder === undefined) {
    throw new UsageError(
      'adapters: got no --data DIR; expected a folder with tinyshakespeare.txt and genesis-english-web.txt.',
    )
  }
  const path = join(folder, name)
  try {
    const bytes = new Uint8Array(readFileSync(path))
    return { learnt: bytes.subarray(0, -heldOutBytes), heldOut: bytes.subarray(-heldOutBytes) }
  } catch (error) {
    throw new UsageError(`adapters: cannot read ${path}; expected the text there.`, { cause: error })
  }
}

/** What is tuned, and how it reads. */
export interface Base {
  readonly state: GptState
  readonly tokenizer: GrowingTokenizer
  readonly device: Device
}

export async function born(text: Text, steps: number, seed: number, device: Device): Promise<Base> {
  const model = Gpt.create(sizes, { device, seed })
  const learner = new Learner({ model, optimizer: optimizerOf(3e-3, steps) })
  const tokenizer = new BytePairTokenizer()
  await learn(learner, tokenizer.encodeBytes(text.learnt), steps, seed)
  const state = await model.toState()
  learner.dispose()
  model.dispose()
  return { state, tokenizer, device }
}

export async function opened(folder: string, device: Device): Promise<Base> {
  const model = await fromPretrained(folder, { device })
  const state = await model.toState()
  model.dispose()
  return { state, tokenizer: await tokenizerFromPretrained(folder), device }
}

export const optimizerOf = (rate: number, steps: number): GradientTransform =>
  chain(
    clipByGlobalNorm(1),
    adamw({
      learningRate: warmUpCosine({ peak: rate, warmup: Math.ceil(steps / 20), total: steps, final: 0 }),
      ...{ beta2: 0.99, weightDecay: 0.01, decays: isDecayed },
    }),
  )

export async function learn(
  learner: Learner,
  tokens: Int32Array,
  steps: number,
  seed: number,
): Promise<void> {
  for (let step = 0; step < steps; step++) {
    const draw = new RandomStream(keyFromSeed(seed)).named(`batch ${step}`)
    const parts = Array.from({ length: rows }, () => {
      const start = draw.below(tokens.length - length - 1)
      return batchOfTokens(tokens.subarray(start, start + length + 1), length, 'text')
    })
    await learner.observe(joinBatches(parts))
  }
}

/** Bits per byte of the beginning of what is held out. */
export async function bitsOf(
  { state, tokenizer, device }: Base,
  { heldOut }: Text,
  of?: Gpt,
  adapter?: LoraAdapter,
): Promise<number> {
  const model = of ?? Gpt.fromState(state, device)
  const options = { tokenizer, window: length, stride: length / 2, rows: 32, ...(adapter && { adapter }) }
  const { bitsPerByte } = await evaluateText(model, heldOut.subarray(0, evaluated), options)
  if (of === undefined) model.dispose()
  return bitsPerByte
}

export function shuffledBytes(text: Uint8Array, seed: number): Uint8Array {
  return new RandomStream(keyFromSeed(seed)).named('shuffle').shuffle(text.slice())
}
