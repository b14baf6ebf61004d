/** Reads JSON that anyone may have written: every part knows where it stands, so that an error can say it. */
import { BurgeonError, shown } from '@burgeon/tensor'

/** A tokenizer's file is damaged, or asks for what burgeon does not have; the message names file and part. */
export class TokenizerError extends BurgeonError {
  override readonly name = 'TokenizerError'
}

/** Lists inside lists, such as a Sequence of Sequences, go no deeper than this. */
const maxDepth = 8

/** A value of a file and its place, such as `tokenizer.json: decoder.decoders[0]`. */
export class JsonPart {
  readonly value: unknown
  readonly place: string
  readonly #depth: number

  constructor(value: unknown, place: string, depth: number = 0) {
    this.value = value
    this.place = place
    this.#depth = depth
  }

  /** @throws TokenizerError always. */
  refuse(expected: string): never {
    throw new TokenizerError(`${this.place}: got ${shown(this.value)}; expected ${expected}.`)
  }

  /** @throws TokenizerError always: what is there is known, but burgeon lacks it. */
  unsupported(what: string): never {
    throw new TokenizerError(
      `${this.place}: ${what} is not supported, so texts would be encoded otherwise than meant. Take a tokenizer without it.`,
    )
  }

  /** @throws TokenizerError always: the name of a kind that burgeon lacks, or no name. */
  unknownName(kind: string): never {
    return typeof this.value === 'string'
      ? this.unsupported(`the ${kind} ${this.value.slice(0, 40)}`)
      : this.refuse(`the name of a ${kind}`)
  }

  /** Absent and null are the same. */
  get isMissing(): boolean {
    return this.value === undefined || this.value === null
  }

  /** A member of an object; missing where there is none. Names of the prototype are no members. */
  get(name: string): JsonPart {
    const members = this.object()
    return new JsonPart(
      Object.hasOwn(members, name) ? members[name] : undefined,
      `${this.place}.${name.slice(0, 40)}`,
      this.#depth,
    )
  }

  object(): Readonly<Record<string, unknown>> {
    const { value } = this
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return value as Record<string, unknown>
    return this.refuse('an object')
  }

  list(): readonly unknown[] {
    return Array.isArray(this.value) ? this.value : this.refuse('a list')
  }

  /** The items of a short list, each with its place. */
  items(): readonly JsonPart[] {
    if (this.#depth >= maxDepth) this.refuse(`lists that stand at most ${maxDepth} deep in each other`)
    // Not `map`, which leaves holes as they are.
    return Array.from(this.list(), (item, i) => new JsonPart(item, `${this.place}[${i}]`, this.#depth + 1))
  }

  text(): string {
    return typeof this.value === 'string' ? this.value : this.refuse('a string')
  }

  /** One character. */
  character(): string {
    const text = this.text()
    return Array.from(text).length === 1 ? text : this.refuse('one character')
  }

  boolean(unlessGiven: boolean): boolean {
    if (this.isMissing) return unlessGiven
    return typeof this.value === 'boolean' ? this.value : this.refuse('true or false')
  }

  integer(to: number): number {
    const { value } = this
    const isWithin = typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= to
    return isWithin ? value : this.refuse(`an integer from 0 to ${to}`)
  }

  oneOf<const T extends string>(...words: readonly T[]): T {
    const word = words.find((each) => each === this.value)
    return word ?? this.refuse(words.map((each) => `'${each}'`).join(' or '))
  }
}

/**
 * A file's text as a part of its own.
 *
 * @throws TokenizerError for what is no JSON.
 */
export function parseJson(text: string, file: string): JsonPart {
  try {
    return new JsonPart(JSON.parse(text), file)
  } catch (error) {
    throw new TokenizerError(`${file}: expected JSON; ${(error as Error).message}.`)
  }
}
