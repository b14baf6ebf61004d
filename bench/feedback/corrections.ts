/** Corrections, one after the other: whether the first still holds after the last. */
import { type Answer, answerFromText, type LearnerState } from '@burgeon/continual'
import {
  answerBytes,
  answers,
  type Life,
  lifeFrom,
  promptBytes,
  rehearse,
  type Sizes,
  type Texts,
  tokenizer,
} from './lives.ts'

/** How many corrections hold. */
export interface Corrected {
  /** Right after the steps that follow each. */
  readonly atOnce: number
  /** After all of them. */
  readonly inTheEnd: number
  readonly of: number
}

/** Steps after each: with at most two rows of it in each, no more than twenty rows are learnt. */
const stepsAfter = 10

/** Corrects answers one by one to what the text says in their place, with steps after each. */
export function correctedLife(base: LearnerState, texts: Texts, sizes: Sizes): Promise<Corrected> {
  return lifeFrom(base, {}, sizes, async (life) => {
    const pairs: (readonly [given: Answer, wanted: Answer])[] = []
    let atOnce = 0
    for (let i = 0; i < sizes.corrections; i++) {
      const from = i * (promptBytes + answerBytes)
      const [given] = await answers(life, texts.heldOut.subarray(from, from + promptBytes + 1), 1, 500 + i)
      const text = textOf(texts.heldOut, from + promptBytes, answerBytes)
      const wanted = { ...answerFromText('-', text, tokenizer), prompt: given.prompt }
      pairs.push([given, wanted])
      life.memory.correct(given, wanted)
      await rehearse(life, stepsAfter)
      if (await holds(life, given, wanted)) atOnce++
    }
    const held = await Promise.all(pairs.map(([given, wanted]) => holds(life, given, wanted)))
    return { atOnce, inTheEnd: held.filter(Boolean).length, of: sizes.corrections }
  })
}

const textOf = (text: Uint8Array, from: number, bytes: number): string =>
  new TextDecoder().decode(text.subarray(from, from + bytes))

/** Whether what was wanted is likelier than what was given. */
async function holds(life: Life, given: Answer, wanted: Answer): Promise<boolean> {
  return (await logProbability(life, wanted)) > (await logProbability(life, given))
}

async function logProbability({ learner: { model } }: Life, { prompt, tokens }: Answer): Promise<number> {
  const all = [...prompt, ...tokens]
  using read = model.device.tensor(all.slice(0, -1), { shape: [1, all.length - 1], dtype: 'i32' })
  using targets = model.device.tensor(all.slice(1), { shape: [all.length - 1], dtype: 'i32' })
  using losses = model.losses(read, targets)
  return -[...(await losses.read())].slice(prompt.length - 1).reduce((sum, loss) => sum + loss, 0)
}
