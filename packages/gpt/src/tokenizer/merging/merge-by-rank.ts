/** Merging pairs of tokens by rank, in time that stays near the length of the piece. */

/** Ranks of pairs, and the tokens that merges make. */
export interface Merges {
  /** The rank of a pair, −1 if it has no merge. */
  rankOf(left: number, right: number): number
  /** The token that the merge of a pair makes, which has that rank. Several pairs may have the same. */
  tokenOf(rank: number, left: number, right: number): number
}

/** The work that was done: what a test counts instead of time. */
export interface MergeWork {
  pairs: number
  heapSteps: number
}

/** Pieces up to this length are searched over and over, which takes fewer steps than a heap's upkeep. */
const short = 24

/**
 * Merges the pair with the lowest rank first and, of equal ones, the leftmost, until no pair has a merge
 * (Sennrich et al. 2016, algorithm 1). Takes O(n log n) steps for n tokens.
 *
 * @param tokens Those to begin with; what is merged lies at the front of it afterwards.
 * @returns How many tokens there are in the end.
 */
export function mergeByRank(tokens: number[], merges: Merges, work?: MergeWork): number {
  return tokens.length <= short ? mergeShort(tokens, merges) : mergeLong(tokens, merges, work)
}

function mergeShort(tokens: number[], merges: Merges): number {
  const ranks: number[] = []
  for (let i = 0; i + 1 < tokens.length; i++) ranks.push(merges.rankOf(tokens[i], tokens[i + 1]))
  for (;;) {
    let [place, lowest] = [-1, Infinity]
    for (let i = 0; i < ranks.length; i++) {
      if (ranks[i] >= 0 && ranks[i] < lowest) [place, lowest] = [i, ranks[i]]
    }
    if (place < 0) return tokens.length
    tokens[place] = merges.tokenOf(lowest, tokens[place], tokens[place + 1])
    tokens.splice(place + 1, 1)
    ranks.splice(place, 1)
    if (place > 0) ranks[place - 1] = merges.rankOf(tokens[place - 1], tokens[place])
    if (place < ranks.length) ranks[place] = merges.rankOf(tokens[place], tokens[place + 1])
  }
}

/**
 * A list of tokens whose links skip what was merged away, and a heap of the pairs that can be merged, by rank
 * and place. A pair that has changed since it entered the heap is passed over: `rankAt` says what holds.
 */
function mergeLong(tokens: number[], merges: Merges, work?: MergeWork): number {
  const count = tokens.length
  const ids = Int32Array.from(tokens)
  const next = new Int32Array(count)
  const previous = new Int32Array(count)
  const rankAt = new Int32Array(count).fill(-1)
  const heap = new RankHeap(count)
  for (let i = 0; i < count; i++) {
    next[i] = i + 1
    previous[i] = i - 1
    if (i + 1 === count) break
    rankAt[i] = merges.rankOf(ids[i], ids[i + 1])
    if (rankAt[i] >= 0) heap.append(rankAt[i], i)
  }
  heap.order()
  const update = (place: number): void => {
    const after = next[place]
    const rank = after < count ? merges.rankOf(ids[place], ids[after]) : -1
    rankAt[place] = rank
    if (rank >= 0) heap.push(rank, place)
  }
  while (heap.size > 0) {
    const { rank, place } = heap.pop()
    if (rankAt[place] !== rank) continue
    const gone = next[place]
    ids[place] = merges.tokenOf(rank, ids[place], ids[gone])
    rankAt[gone] = -1
    next[place] = next[gone]
    if (next[gone] < count) previous[next[gone]] = place
    update(place)
    if (previous[place] >= 0) update(previous[place])
    if (work !== undefined) work.pairs++
  }
  if (work !== undefined) work.heapSteps += heap.steps
  let length = 0
  for (let i = 0; i < count; i = next[i]) tokens[length++] = ids[i]
  tokens.length = length
  return length
}

/** A binary heap of ranks and places, each pair in one number: rank · 2³¹ + place. */
class RankHeap {
  size = 0
  steps = 0
  #keys: Float64Array
  readonly #top = { rank: 0, place: 0 }

  constructor(room: number) {
    this.#keys = new Float64Array(room)
  }

  /** Without order, which `order` makes. */
  append(rank: number, place: number): void {
    if (this.size === this.#keys.length) {
      const wider = new Float64Array(2 * this.size)
      wider.set(this.#keys)
      this.#keys = wider
    }
    this.#keys[this.size++] = rank * 2 ** 31 + place
  }

  order(): void {
    for (let i = (this.size >> 1) - 1; i >= 0; i--) this.#sink(i)
  }

  push(rank: number, place: number): void {
    this.append(rank, place)
    const keys = this.#keys
    let at = this.size - 1
    const key = keys[at]
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (keys[parent] <= key) break
      keys[at] = keys[parent]
      at = parent
      this.steps++
    }
    keys[at] = key
  }

  /** The lowest; the object is the same each time. */
  pop(): { readonly rank: number; readonly place: number } {
    const key = this.#keys[0]
    this.#keys[0] = this.#keys[--this.size]
    this.#sink(0)
    this.#top.rank = Math.floor(key / 2 ** 31)
    this.#top.place = key - this.#top.rank * 2 ** 31
    return this.#top
  }

  #sink(from: number): void {
    const [keys, size] = [this.#keys, this.size]
    const key = keys[from]
    let at = from
    for (;;) {
      let child = 2 * at + 1
      if (child >= size) break
      if (child + 1 < size && keys[child + 1] < keys[child]) child++
      if (keys[child] >= key) break
      keys[at] = keys[child]
      at = child
      this.steps++
    }
    keys[at] = key
  }
}
