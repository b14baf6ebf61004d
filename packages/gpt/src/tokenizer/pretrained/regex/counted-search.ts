/** A search that counts its steps and tries nothing twice, for expressions that send others back and back. */
import { TokenizerError } from '../../json/json-part.ts'
import { lengthsOf, type RegexNode } from './regex-node.ts'

/** The work that was done: what a test counts instead of time. */
export interface SearchWork {
  steps: number
}

/** Where a match lies. */
export interface MatchSpan {
  readonly index: number
  readonly length: number
}

/** Steps for each character of a text, and for a text of a few. */
const [stepsPerCharacter, stepsAtLeast] = [250, 500_000]
/** Most instructions that an expression may become. */
const maxInstructions = 20_000

type Instruction =
  | { readonly kind: 'character'; readonly isIn: (point: number) => boolean }
  /** Goes on with the next one, or at `other` if that leads to no match; `isLazy` the other way round. */
  | { readonly kind: 'split'; other: number; readonly isLazy: boolean }
  | { readonly kind: 'jump'; to: number }
  | { readonly kind: 'look'; readonly inner: Program; readonly back: number; readonly isNot: boolean }
  | { readonly kind: 'atomic'; readonly inner: Program }
  | { readonly kind: 'match' }
type Program = readonly Instruction[]

/**
 * Finds what JavaScript's engine would find, one step at a time. A place of the expression that has led to
 * no match at some place of the text is not tried there again (Davis et al. 2021, memoization), so a search
 * takes steps in proportion to expression and text; looks and atomic groups inside may take more, up to a
 * bound.
 */
export class CountedSearch {
  readonly #program: Program
  #size = 0

  /** @param refuse Is called for an expression of too many parts, and for looks behind of open length. */
  constructor(node: RegexNode, refuse: (what: string) => never) {
    this.#program = this.#compiled(node, refuse)
  }

  /**
   * The matches in a text, in order, none over another.
   *
   * @throws TokenizerError where a search takes more steps than 250 a character.
   */
  *matches(text: string, work: SearchWork = { steps: 0 }): Generator<MatchSpan> {
    const limit = work.steps + stepsAtLeast + stepsPerCharacter * text.length
    const failed = new Failures(text.length)
    for (let from = 0; from <= text.length; ) {
      const to = run(this.#program, text, from, { failed, work, limit })
      if (to >= 0) yield { index: from, length: to - from }
      const next = text.codePointAt(from) ?? 0
      from = to > from ? to : from + (next > 0xffff ? 2 : 1)
    }
  }

  #compiled(node: RegexNode, refuse: (what: string) => never): Program {
    const program: Instruction[] = []
    const add = <I extends Instruction>(instruction: I): I => {
      if (++this.#size > maxInstructions) refuse('an expression of so many repetitions')
      program.push(instruction)
      return instruction
    }
    const optional = (inner: RegexNode, isLazy: boolean, isLoop: boolean): void => {
      const at = program.length
      const split = add({ kind: 'split', other: 0, isLazy })
      write(inner)
      if (isLoop) add({ kind: 'jump', to: at })
      split.other = program.length
    }
    const write = (own: RegexNode): void => {
      switch (own.kind) {
        case 'character':
          add({ kind: 'character', isIn: characters(own.source) })
          return
        case 'sequence':
          own.parts.forEach(write)
          return
        case 'choice': {
          const ends = own.options.slice(0, -1).map((option) => {
            const split = add({ kind: 'split', other: 0, isLazy: false })
            write(option)
            const end = add({ kind: 'jump', to: 0 })
            split.other = program.length
            return end
          })
          write(own.options[own.options.length - 1])
          for (const end of ends) end.to = program.length
          return
        }
        case 'repeat': {
          const { inner, from, to, isLazy } = own
          for (let i = 0; i < from; i++) write(inner)
          if (to === Infinity) optional(inner, isLazy, true)
          else for (let i = from; i < to; i++) optional(inner, isLazy, false)
          return
        }
        case 'look': {
          const [least, most] = lengthsOf(own.inner)
          if (own.isBehind && least !== most) refuse('a look behind of open length')
          const back = own.isBehind ? least : 0
          add({ kind: 'look', inner: this.#compiled(own.inner, refuse), back, isNot: own.isNot })
          return
        }
        case 'atomic':
          add({ kind: 'atomic', inner: this.#compiled(own.inner, refuse) })
      }
    }
    write(node)
    add({ kind: 'match' })
    return program
  }
}

interface Search {
  readonly failed: Failures
  readonly work: SearchWork
  readonly limit: number
}

/** The end of the match that begins at a place; −1 if none does. */
function run(program: Program, text: string, from: number, { failed, work, limit }: Search): number {
  const waiting: number[] = []
  let [at, place] = [0, from]
  for (;;) {
    if (++work.steps > limit) {
      throw new TokenizerError(
        `tokenizer.json: an expression took more than ${limit} steps in a text of ${text.length} characters; expected one that needs fewer.`,
      )
    }
    const instruction = program[at]
    let isStuck = false
    switch (instruction.kind) {
      case 'match':
        failed.forgetAt(place)
        return place
      case 'character': {
        const point = text.codePointAt(place)
        isStuck = point === undefined || !instruction.isIn(point)
        place += (point ?? 0) > 0xffff ? 2 : 1
        at++
        break
      }
      case 'jump':
        at = instruction.to
        break
      case 'split': {
        // What was tried here before led to nothing, or is being tried.
        isStuck = failed.was(at, place)
        const [first, second] = instruction.isLazy ? [instruction.other, at + 1] : [at + 1, instruction.other]
        if (!isStuck) waiting.push(second, place)
        at = first
        break
      }
      case 'look': {
        const start = stepBack(text, place, instruction.back)
        const inner = { failed: new Failures(text.length), work, limit }
        const end = start < 0 ? -1 : run(instruction.inner, text, start, inner)
        isStuck = end >= 0 === instruction.isNot
        at++
        break
      }
      case 'atomic': {
        const end = run(instruction.inner, text, place, { failed: new Failures(text.length), work, limit })
        isStuck = end < 0
        place = end
        at++
      }
    }
    if (!isStuck) continue
    if (waiting.length === 0) return -1
    place = waiting.pop() as number
    at = waiting.pop() as number
  }
}

/** Where so many characters before a place begin; −1 if there are fewer. */
function stepBack(text: string, place: number, count: number): number {
  let at = place
  for (let i = 0; i < count; i++) {
    const isPair = at > 1 && (text.codePointAt(at - 2) ?? 0) > 0xffff
    at -= isPair ? 2 : 1
  }
  return at
}

/** Places of an expression that were tried at places of a text. */
class Failures {
  readonly #length: number
  readonly #tried = new Map<number, Uint8Array | Set<number>>()

  constructor(length: number) {
    this.#length = length
  }

  /** Whether it was tried before; from now on it was. */
  was(at: number, place: number): boolean {
    const known = this.#tried.get(at) ?? new Set<number>()
    if (known instanceof Uint8Array) {
      const was = (known[place >> 3] & (1 << (place & 7))) !== 0
      known[place >> 3] |= 1 << (place & 7)
      return was
    }
    const was = known.has(place)
    known.add(place)
    this.#tried.set(at, known.size > 1000 ? this.#dense(known) : known)
    return was
  }

  /** What led to a match there may do so again. */
  forgetAt(place: number): void {
    for (const known of this.#tried.values()) {
      if (known instanceof Set) known.delete(place)
      else known[place >> 3] &= ~(1 << (place & 7))
    }
  }

  #dense(places: ReadonlySet<number>): Uint8Array {
    const bits = new Uint8Array((this.#length >> 3) + 1)
    for (const place of places) bits[place >> 3] |= 1 << (place & 7)
    return bits
  }
}

/** Whether a character is in a class; what was asked before is remembered. */
function characters(source: string): (point: number) => boolean {
  const regex = new RegExp(`^(?:${source})$`, 'u')
  const known = new Map<number, boolean>()
  return (point) => {
    const before = known.get(point)
    if (before !== undefined) return before
    const isIn = regex.test(String.fromCodePoint(point))
    known.set(point, isIn)
    return isIn
  }
}
