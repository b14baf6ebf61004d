/** Who gives thumbs, and how they are learnt. */
import type { Answer, LearnerState } from '@burgeon/continual'
import { keyFromSeed, RandomStream } from '@burgeon/tensor'
import {
  answers,
  type How,
  type Life,
  lifeFrom,
  outcomeOf,
  type Outcome,
  readOn,
  rehearse,
  type Sizes,
  type Texts,
} from './lives.ts'
import { rated } from './rater.ts'

/** Gives a thumb for an answer that the rater likes (1) or dislikes (−1). */
type Thumb = (life: Life, answer: Answer, opinion: number, random: RandomStream) => void

/** A way to be told. */
export interface Arm {
  readonly how: How
  /** None of a life that gets no thumbs. */
  readonly thumb?: Thumb
}

const say = ({ memory }: Life, answer: Answer, opinion: number, source?: string): void => {
  const from = source === undefined ? {} : { source }
  if (opinion > 0) memory.accept(answer, from)
  else memory.reject(answer, from)
}

/** The owner's thumb, wrong with some probability. */
const owner =
  (wrong: number): Thumb =>
  (life, answer, opinion, random) =>
    say(life, answer, random.uniform() < wrong ? -opinion : opinion)

/** Thumbs of three, one of whom says the opposite nine times in ten; of one answer in ten the owner's, too. */
const ofThree: Thumb = (life, answer, opinion, random) => {
  const source = random.below(3)
  const isWrong = source === 2 && random.uniform() < 0.9
  say(life, answer, isWrong ? -opinion : opinion, `reader ${source + 1}`)
  if (random.uniform() < 0.1) say(life, answer, opinion)
}

export const arms = {
  'no thumbs': { how: {} },
  thumbs: { how: {}, thumb: owner(0) },
  'thumbs at random': { how: {}, thumb: owner(0.5) },
  'three of ten thumbs wrong': { how: {}, thumb: owner(0.3) },
  'one reader of three wrong': { how: {}, thumb: ofThree },
  'one reader of three wrong, all trusted': {
    how: { trusted: ['reader 1', 'reader 2', 'reader 3'] },
    thumb: ofThree,
  },
  'thumbs, no old rows': { how: { hasOldRows: false }, thumb: owner(0) },
  // A preference that is never satisfied is plain ascent and descent.
  'ascent, no old rows': { how: { hasOldRows: false, beta: 1e-6, likelihood: 0 }, thumb: owner(0) },
} as const satisfies Readonly<Record<string, Arm>>

/** A life of one arm: thumbs for its own answers, steps after each round of them. */
export function armLife(
  base: LearnerState,
  texts: Texts,
  sizes: Sizes,
  { how, thumb }: Arm,
  seed: number,
): Promise<Outcome> {
  return lifeFrom(base, how, sizes, async (life) => {
    const random = new RandomStream(keyFromSeed(seed)).named('thumbs')
    const perRound = thumb === undefined ? 0 : sizes.thumbs / sizes.rounds
    for (let round = 0; round < sizes.rounds; round++) {
      for (let given = 0, ask = 0; given < perRound; ask++) {
        for (const answer of await answers(life, texts.train, 64, 1 + 1000 * round + ask)) {
          const opinion = rated(answer.text)
          if (opinion === 0 || given === perRound) continue
          thumb?.(life, answer, opinion, random)
          given++
        }
      }
      await rehearse(life, sizes.stepsOfRound)
    }
    return outcomeOf(life, texts, sizes)
  })
}

/** When answers are rewarded: at once, after many steps and a growth, or never. */
export type When = 'at once' | 'late' | 'never'

/** A life whose answers are rewarded, all of them given at its beginning. */
export function rewardedLife(base: LearnerState, texts: Texts, sizes: Sizes, when: When): Promise<Outcome> {
  return lifeFrom(base, {}, sizes, async (life) => {
    const given: Answer[] = []
    for (let ask = 0; given.length < sizes.thumbs; ask++) {
      const some = await answers(life, texts.train, 64, 1 + ask)
      given.push(...some.filter(({ text }) => rated(text) !== 0).slice(0, sizes.thumbs - given.length))
    }
    if (when !== 'at once') await readOn(life, texts, sizes.rounds * 50)
    if (when !== 'never') for (const answer of given) life.memory.reward(answer, rated(answer.text))
    await rehearse(life, sizes.rounds * sizes.stepsOfRound)
    return outcomeOf(life, texts, sizes)
  })
}
