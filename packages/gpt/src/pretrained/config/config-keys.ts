/** Reads the keys of a `config.json`, and trusts none of them. */
import { shown } from '@burgeon/tensor'
import { PretrainedError } from './pretrained-error.ts'

/** JSON of an object, as it was read. */
export type JsonObject = Readonly<Record<string, unknown>>

/** Bytes, and levels of nesting, beyond which nothing is a configuration. */
const [maxBytes, maxDepth] = [2 ** 22, 64]

/** The object in a JSON file. Throws PretrainedError for anything else. */
export function parseJson(file: string, bytes: Uint8Array): JsonObject {
  if (bytes.length > maxBytes) {
    throw new PretrainedError(`${file}: got ${bytes.length} bytes; expected at most ${maxBytes}.`)
  }
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (error) {
    throw new PretrainedError(`${file}: got what is no JSON: ${String(error)} Is the file whole?`)
  }
  checkTree(file, value)
  if (isObject(value)) return value
  throw new PretrainedError(`${file}: got ${shown(value)}; expected a JSON object.`)
}

/** Whether a value is an object with keys. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Throws PretrainedError for nesting that recursion does not bear, and for the one key that is no key. */
function checkTree(file: string, root: unknown): void {
  const open: [unknown, number][] = [[root, 0]]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [value, depth] = next
    if (typeof value !== 'object' || value === null) continue
    if (depth > maxDepth) {
      throw new PretrainedError(`${file}: got more than ${maxDepth} levels of nesting; expected fewer.`)
    }
    if (Object.hasOwn(value, '__proto__')) {
      throw new PretrainedError(`${file}: got the key __proto__; expected another name.`)
    }
    for (const own of Object.values(value)) open.push([own, depth + 1])
  }
}

/** The keys of one object; an error says which key of which file. */
export class ConfigKeys {
  readonly json: JsonObject
  readonly #file: string

  constructor(file: string, json: JsonObject) {
    this.#file = file
    this.json = json
  }

  /** Its value; undefined where it is absent. */
  get(key: string): unknown {
    return Object.hasOwn(this.json, key) ? this.json[key] : undefined
  }

  /** Whether it is given, and not as null. */
  has(key: string): boolean {
    return (this.get(key) ?? null) !== null
  }

  /** A positive integer, at most so large; the fallback where it is absent or null. */
  size(key: string, fallback: number, most: number = 2 ** 24): number {
    const value = this.get(key) ?? fallback
    if (Number.isSafeInteger(value) && (value as number) > 0 && (value as number) <= most)
      return value as number
    return this.refuse(key, `a positive integer, at most ${most}`)
  }

  /** A finite number above 0. */
  positive(key: string, fallback?: number): number {
    const value = this.get(key) ?? fallback
    if (typeof value === 'number' && Number.isFinite(value) && value > 0) return value
    return this.refuse(key, 'a finite number above 0')
  }

  boolean(key: string, fallback: boolean): boolean {
    const value = this.get(key) ?? fallback
    return typeof value === 'boolean' ? value : this.refuse(key, 'true or false')
  }

  text(key: string, fallback: string): string {
    const value = this.get(key) ?? fallback
    return typeof value === 'string' ? value : this.refuse(key, 'a string')
  }

  /** A list of finite numbers above 0, so many of them. */
  numbers(key: string, count: number): readonly number[] {
    const value = this.get(key)
    const isNumber = (n: unknown): boolean => Number.isFinite(n) && (n as number) > 0
    if (Array.isArray(value) && value.length === count && value.every(isNumber)) return value as number[]
    return this.refuse(key, `a list of ${count} numbers above 0`)
  }

  /** A list of what `isItem` accepts, one for each layer; undefined where it is absent or null. */
  perLayer<T>(
    key: string,
    layers: number,
    isItem: (item: unknown) => item is T,
    expected: string,
  ): readonly T[] | undefined {
    const value = this.get(key) ?? undefined
    if (value === undefined) return undefined
    if (Array.isArray(value) && value.length === layers && value.every(isItem)) return value
    return this.refuse(key, `a list of ${layers}, one for each layer, of ${expected}`)
  }

  /** The object below a key; undefined where it is absent or null. */
  below(key: string): ConfigKeys | undefined {
    const value = this.get(key) ?? undefined
    if (value === undefined) return undefined
    if (isObject(value)) return new ConfigKeys(`${this.#file}: ${key}`, value)
    return this.refuse(key, 'an object')
  }

  /** Throws PretrainedError for a key, with what was expected there. */
  refuse(key: string, expected: string): never {
    throw new PretrainedError(`${this.#file}: got ${key} ${shown(this.get(key))}; expected ${expected}.`)
  }
}
