/** A memory gives back what was read once, and does not answer with what somebody else's fact says. */
import { episodicMemory, type EpisodicMemory } from '@burgeon/continual'
import { keyFromSeed, RandomStream } from '@burgeon/tensor'
import { expect, test } from 'vitest'
import { bitsOf, bytesSpelled, textOf } from './read-texts.ts'

const letters = ['bcdfghjklmnpqrstvwxyz', 'aeiou'] as const
const frames = ['The keeper of % is ', 'Far away % was built by ', 'They say that % belongs to ']
const answerBytes = 6

interface Fact {
  readonly question: string
  readonly answer: string
}

/** Words, the first ones most often, and facts of names that are nowhere else. */
function made(seed: number) {
  const random = new RandomStream(keyFromSeed(seed)).named('names')
  const wordOf = (length: number): string =>
    Array.from({ length }, (_, i) => letters[i % 2][random.below(letters[i % 2].length)]).join('')
  const words = Array.from({ length: 150 }, () => wordOf(2 + random.below(6)))
  return {
    prose: (): string =>
      Array.from({ length: 12 }, () => words[random.below(1 + random.below(words.length))]).join(' '),
    facts: (count: number): Fact[] =>
      Array.from({ length: count }, (_, i) => ({
        question: frames[i % frames.length].replace('%', wordOf(6)),
        answer: wordOf(answerBytes),
      })),
  }
}

/** Has a fact read. Returns by how many bits a byte its answer cost more than by a model that knows no name. */
function ask(memory: EpisodicMemory, { question, answer }: Fact): number {
  const text = `${question}${answer}.`
  const bits = Array.from({ length: text.length - 1 }, (_, i) => (i + 1 < question.length ? 3 : 5))
  const one = textOf(text, { bits })
  const [losses] = memory.remember([one], bytesSpelled)
  const inAnswer = (own: ArrayLike<number>): number =>
    bitsOf(Array.from(own).slice(question.length - 1, question.length - 1 + answerBytes))
  return (inAnswer(losses) - inAnswer(one.losses)) / answerBytes
}

test('answers that were read once are known, and those of other questions are not given', () => {
  const { prose, facts } = made(5)
  const memory = episodicMemory({ bytes: 4_000_000 })
  const read = (count: number): void => {
    for (let i = 0; i < count; i++) memory.remember([textOf(prose(), { bits: 3 })], bytesSpelled)
  }
  read(300)
  const [seen, unseen] = [facts(120), facts(120)]
  for (const fact of seen) ask(memory, fact)
  read(300)
  let [ofSeen, ofUnseen] = [0, 0]
  for (const [i, fact] of seen.entries()) {
    ofSeen += ask(memory, fact) / seen.length
    ofUnseen += ask(memory, unseen[i]) / unseen.length
    read(1)
  }
  expect(ofSeen).toBeLessThan(-4.5)
  // 0.17 where kinds are lengths of matches; 0.13 to 0.57 where one sign of a match is left out.
  expect(ofUnseen).toBeLessThan(0.12)
})
