/** Sentences of common words, different for each seed. */

const words = (
  'the a of and to in he she it was said that with for his her they had at on by not but from were which ' +
  'one all this house road water night morning people little old long came went saw took made knew thought'
).split(' ')

/** So many words in an order that looks like chance: the high bits of a multiplicative hash. */
export const englishOf = (seed: number, count: number): string =>
  Array.from({ length: count }, (_, i) => {
    const hash = Math.imul((seed + 1) * 7919 + i * 104_729, 0x9e3779b1)
    return words[(Math.imul(hash ^ (hash >>> 15), 0x85ebca6b) >>> 12) % words.length]
  }).join(' ')
