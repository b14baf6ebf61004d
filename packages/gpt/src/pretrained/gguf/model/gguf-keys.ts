/** The keys of a GGUF file that belong to its architecture. None is trusted, and none is passed over. */
import { shown } from '@burgeon/tensor'
import { PretrainedError } from '../../config/pretrained-error.ts'
import type { GgufHeader } from '../format/gguf-header.ts'
import type { GgufValue } from '../format/gguf-value.ts'

/** Keys below a prefix, such as `llama.`. */
export class GgufKeys {
  readonly header: GgufHeader
  readonly #prefix: string
  readonly #asked = new Set<string>()

  constructor(header: GgufHeader, prefix: string) {
    this.header = header
    this.#prefix = prefix
  }

  get(key: string): GgufValue | undefined {
    this.#asked.add(this.#prefix + key)
    return this.header.metadata.get(this.#prefix + key)
  }

  /** A positive integer, at most so large; for a list of one for each layer, what all of them are. */
  size(key: string, most: number, fallback?: number): number {
    const value = this.get(key) ?? fallback
    const first = isNumbers(value) ? Number(value[0]) : value
    if (isNumbers(value) && value.some((n) => Number(n) !== first)) {
      return this.refuse(key, 'the same in every layer: unequal layers are not read')
    }
    if (typeof first === 'number' && Number.isSafeInteger(first) && first > 0 && first <= most) return first
    return this.refuse(key, `a positive integer, at most ${most}`)
  }

  /** A finite number above 0, as the shortest decimal that is the same single float. */
  positive(key: string, fallback?: number): number {
    const value = this.get(key) ?? fallback
    if (typeof value === 'number' && Number.isFinite(value) && value > 0) return shortest(value)
    return this.refuse(key, 'a finite number above 0')
  }

  text(key: string, fallback: string): string {
    const value = this.get(key) ?? fallback
    return typeof value === 'string' ? value : this.refuse(key, 'a string')
  }

  /** Throws PretrainedError for a key that nothing has asked for and that says something. */
  checkAllAsked(): void {
    for (const [key, value] of this.header.metadata) {
      if (!key.startsWith(this.#prefix) || this.#asked.has(key)) continue
      const isIdle = value === 0 || value === false || value === ''
      if (!isIdle) this.refuse(key.slice(this.#prefix.length), 'none: it is not known here what it changes')
    }
  }

  /** Throws PretrainedError for a key, with what was expected there. */
  refuse(key: string, expected: string): never {
    const value = this.header.metadata.get(this.#prefix + key)
    const text = typeof value === 'object' ? `a list of ${value.length}` : shown(value)
    throw new PretrainedError(
      `${this.header.place}: got ${this.#prefix}${key.slice(0, 80)} ${text}; expected ${expected}.`,
    )
  }
}

type Numbers = Exclude<Extract<GgufValue, ArrayBufferView>, never>

const isNumbers = (value: unknown): value is Numbers & readonly (number | bigint)[] =>
  ArrayBuffer.isView(value) && 'length' in value

/** The shortest decimal that rounds to the same single float, for those that are single floats. */
function shortest(value: number): number {
  if (Math.fround(value) !== value) return value
  for (let digits = 1; digits < 9; digits++) {
    const rounded = Number(value.toPrecision(digits))
    if (Math.fround(rounded) === value) return rounded
  }
  return value
}
