/** Finds phrases in bytes, byte by byte (Aho and Corasick 1975). */

/** A node: where each byte leads, and whether a phrase ends there. */
interface Node {
  readonly next: Map<number, number>
  readonly isBlank: boolean
  fail: number
  ends: boolean
}

const blank = 32
const isBlank = (byte: number): boolean => byte === blank || (byte >= 9 && byte <= 13)
/** Of letters of ASCII case does not count, and all blanks are one. */
const folded = (byte: number): number => (isBlank(byte) ? blank : byte >= 65 && byte <= 90 ? byte + 32 : byte)

/** Reads bytes and knows after each whether a phrase has just ended. */
export class PhraseAutomaton {
  readonly #nodes: Node[] = [{ next: new Map(), isBlank: false, fail: 0, ends: false }]
  /** Bytes of the longest phrase. */
  readonly longest: number

  /** @param phrases Each of one byte or more, without blanks around it. */
  constructor(phrases: readonly string[]) {
    // Bytes of other letters than those of ASCII have no case of their own.
    const all = new Set(phrases.flatMap((phrase) => [phrase, phrase.toLowerCase(), phrase.toUpperCase()]))
    const bytes = [...all].map((phrase) => new TextEncoder().encode(phrase.replace(/\s+/gu, ' ')))
    for (const phrase of bytes) this.#add(phrase)
    this.#link()
    this.longest = Math.max(0, ...bytes.map(({ length }) => length))
  }

  #add(phrase: Uint8Array): void {
    let at = 0
    for (const byte of phrase) {
      const own = folded(byte)
      let to = this.#nodes[at].next.get(own)
      if (to === undefined) {
        to = this.#nodes.push({ next: new Map(), isBlank: own === blank, fail: 0, ends: false }) - 1
        this.#nodes[at].next.set(own, to)
      }
      at = to
    }
    this.#nodes[at].ends = true
  }

  /** Where to go on from where a byte leads nowhere: the longest end of the text that begins a phrase. */
  #link(): void {
    const queue = [...this.#nodes[0].next.values()]
    for (const at of queue) {
      for (const [byte, to] of this.#nodes[at].next) {
        queue.push(to)
        const fail = this.step(this.#nodes[at].fail, byte)
        this.#nodes[to].fail = fail
        this.#nodes[to].ends ||= this.#nodes[fail].ends
      }
    }
  }

  /** The state after one more byte. The first is 0. */
  step(state: number, byte: number): number {
    const own = folded(byte)
    // Several blanks are one.
    if (own === blank && this.#nodes[state].isBlank) return state
    let at = state
    for (;;) {
      const to = this.#nodes[at].next.get(own)
      if (to !== undefined) return to
      if (at === 0) return 0
      at = this.#nodes[at].fail
    }
  }

  /** Whether a phrase ends in a state. */
  ends(state: number): boolean {
    return this.#nodes[state].ends
  }
}
