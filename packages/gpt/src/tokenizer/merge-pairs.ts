/** Merging pairs of tokens, the oldest merge first. */

/**
 * Replaces pairs by their tokens until none is left: always the pair with the lowest token first and, of
 * equal ones, the leftmost. Takes n² steps at worst, so it is for pieces of bounded length.
 *
 * @param bytes The tokens to begin with.
 * @param tokenOf The token of a pair, or `undefined` if it has none.
 */
export function mergePairs(
  bytes: Iterable<number>,
  tokenOf: (left: number, right: number) => number | undefined,
): number[] {
  const tokens = [...bytes]
  for (;;) {
    let [place, lowest] = [-1, Infinity]
    for (let i = 0; i + 1 < tokens.length; i++) {
      const token = tokenOf(tokens[i], tokens[i + 1])
      if (token !== undefined && token < lowest) [place, lowest] = [i, token]
    }
    if (place < 0) return tokens
    tokens.splice(place, 2, lowest)
  }
}
