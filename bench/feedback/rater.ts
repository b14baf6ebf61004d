/** A rater with one wish, and the measures of what came of it. */

const liked = /\b(thou|thee|thy|hath)\b/gi
const disliked = /\b(you|your)\b/gi

/** What it says of a text: 1 for one that says thou, −1 for one that says you, 0 where it has no opinion. */
export const rated = (text: string): number =>
  Math.sign((text.match(liked)?.length ?? 0) - (text.match(disliked)?.length ?? 0))

/** Share of the texts on which it has an opinion that it likes. */
export function winRate(texts: readonly string[]): number {
  const opinions = texts.map(rated).filter((said) => said !== 0)
  return opinions.filter((said) => said > 0).length / opinions.length
}

/** Different sequences of four characters over all, of all texts together: low where a model repeats itself. */
export function distinctFour(texts: readonly string[]): number {
  let total = 0
  const different = new Set<string>()
  for (const text of texts) {
    for (let i = 0; i + 4 <= text.length; i++) {
      different.add(text.slice(i, i + 4))
      total++
    }
  }
  return different.size / total
}
