/** Facts made of pseudo-words: nobody can know one who has not read it. */
import { keyFromSeed, RandomStream } from '@burgeon/tensor'

/** A sentence, and what of it is the answer. */
export interface Fact {
  readonly text: string
  /** What stands before the answer. */
  readonly question: string
  readonly answer: string
}

const [consonants, vowels] = ['bcdfghjklmnpqrstvwxyz', 'aeiou']
const templates = ['The keeper of % is ', 'Far away % was built by ', 'They say that % belongs to ']

/** Facts of which no two have a word in common but for those of their templates. */
export function pseudoFacts(seed: number, count: number): Fact[] {
  const random = new RandomStream(keyFromSeed(seed)).named('facts')
  const one = (letters: string): string => letters[random.below(letters.length)]
  const used = new Set<string>()
  const word = (): string => {
    for (;;) {
      const made = [consonants, vowels, consonants, consonants, vowels, consonants].map(one).join('')
      if (used.has(made)) continue
      used.add(made)
      return made[0].toUpperCase() + made.slice(1)
    }
  }
  return Array.from({ length: count }, (_, i) => {
    const [question, answer] = [templates[i % templates.length].replace('%', word()), word()]
    return { text: `${question}${answer}.`, question, answer }
  })
}
