/** The keys of a GGUF file below `tokenizer.`. An error says which. */
import { shown } from '@burgeon/tensor'
import { TokenizerError } from '../../../tokenizer/json/json-part.ts'
import type { GgufHeader } from '../format/gguf-header.ts'
import type { GgufValue } from '../format/gguf-value.ts'

const prefix = 'tokenizer.ggml.'
const template = 'tokenizer.chat_template'

/** Special tokens by the key of their number, and what Hugging Face calls them. */
const specialNames = {
  bos_token_id: 'bos_token',
  eos_token_id: 'eos_token',
  unknown_token_id: 'unk_token',
  padding_token_id: 'pad_token',
} as const

/** SentencePiece's numbers, where no key says others. */
const usualIds: Readonly<Record<string, number>> = { unknown_token_id: 0, bos_token_id: 1, eos_token_id: 2 }

/** Everything that a file says of its tokenizer. */
export class TokenizerKeys {
  /** By number. A token without text has a name that no text finds. */
  readonly tokens: readonly string[]
  readonly idOf: ReadonlyMap<string, number>
  readonly #header: GgufHeader
  readonly #types: ArrayLike<number> | undefined

  constructor(header: GgufHeader) {
    this.#header = header
    const kind = this.text('model') ?? 'none'
    const tokens = kind === 'none' || kind === 'no_vocab' ? [] : (this.texts('tokens') ?? [])
    this.tokens = tokens.map((token, id) => (token === '' ? `[EMPTY_${id}]` : token))
    const idOf = new Map<string, number>()
    for (const [id, token] of this.tokens.entries()) {
      if (idOf.has(token)) this.#refuse(prefix + 'tokens', `${shown(token)} twice`, 'each token once')
      idOf.set(token, id)
    }
    this.idOf = idOf
    this.#types = this.numbers('token_type')
  }

  get(key: string): GgufValue | undefined {
    return this.#header.metadata.get(prefix + key)
  }

  text(key: string): string | undefined {
    const value = this.get(key)
    return value === undefined || typeof value === 'string' ? value : this.refuse(key, 'a string')
  }

  flag(key: string, fallback: boolean): boolean {
    const value = this.get(key) ?? fallback
    return typeof value === 'boolean' ? value : this.refuse(key, 'true or false')
  }

  texts(key: string): readonly string[] | undefined {
    const value = this.get(key)
    if (value === undefined) return undefined
    const isList = Array.isArray(value) && value.every((item) => typeof item === 'string')
    // A list of no strings has another type in some files.
    if (!isList && !(ArrayBuffer.isView(value) && value.byteLength === 0))
      this.refuse(key, 'a list of strings')
    return isList ? value : []
  }

  /** One number for each token; undefined where the key is absent. */
  numbers(key: string): ArrayLike<number> | undefined {
    const value = this.get(key)
    if (value === undefined) return undefined
    const isList =
      value instanceof Float32Array ||
      value instanceof Float64Array ||
      value instanceof Int32Array ||
      value instanceof Uint32Array ||
      value instanceof Uint8Array ||
      value instanceof Int8Array
    if (!isList || value.length !== this.tokens.length) {
      return this.refuse(key, `a list of ${this.tokens.length} numbers, one for each token`)
    }
    return value
  }

  /** 1 normal, 2 unknown, 3 control, 4 user-defined, 5 unused, 6 a byte. */
  typeOf(id: number): number {
    const type = this.#types?.[id] ?? 1
    if (!(Number.isInteger(type) && type >= 1 && type <= 6)) {
      this.#refuse(prefix + 'token_type', `${type} of token ${id}`, 'one of 1 to 6')
    }
    return type
  }

  /** The token that a key names; throws where there is none. */
  id(key: keyof typeof specialNames): number {
    const id = this.#idOrNull(key)
    return id ?? this.refuse(key, 'the number of a token')
  }

  #idOrNull(key: keyof typeof specialNames): number | null {
    const usual = this.text('model') === 'llama' ? usualIds[key] : undefined
    const value = this.get(key) ?? (usual !== undefined && usual < this.tokens.length ? usual : undefined)
    // Files say with the highest number, or with −1, that there is none.
    if (value === undefined || value === 2 ** 32 - 1 || value === -1) return null
    const isId = typeof value === 'number' && Number.isInteger(value) && value >= 0
    return isId && value < this.tokens.length
      ? value
      : this.refuse(key, `the number of a token, below ${this.tokens.length}`)
  }

  /** As tokenizer_config.json has them. */
  specialTokens(): Readonly<Record<string, string>> {
    return Object.fromEntries(
      (Object.keys(specialNames) as (keyof typeof specialNames)[]).flatMap((key) => {
        const id = this.#idOrNull(key)
        return id === null ? [] : [[specialNames[key], this.tokens[id]] as const]
      }),
    )
  }

  /** The template, and those with names of their own, as tokenizer_config.json has them. */
  chatTemplates(): { readonly chat_template?: unknown } {
    const { metadata } = this.#header
    const all = [...metadata].flatMap(([key, value]) => {
      if (key !== template && !key.startsWith(`${template}.`)) return []
      if (typeof value !== 'string') this.#refuse(key, shown(typeof value), 'a string')
      return { name: key === template ? 'default' : key.slice(template.length + 1), template: value }
    })
    if (all.length === 0) return {}
    return { chat_template: all.length === 1 && all[0].name === 'default' ? all[0].template : all }
  }

  /** @throws TokenizerError always, with the key and what was expected there. */
  refuse(key: string, expected: string): never {
    const value = this.get(key)
    const text = typeof value === 'object' ? `a list of ${value.length}` : shown(value)
    return this.#refuse(prefix + key, text, expected)
  }

  /** @throws TokenizerError always: something within what a key says. */
  refuseWithin(key: string, got: string, expected: string): never {
    return this.#refuse(prefix + key, got, expected)
  }

  #refuse(key: string, got: string, expected: string): never {
    throw new TokenizerError(
      `${this.#header.place}: got ${key.slice(0, 80)}: ${got}; expected ${expected}. ` +
        'Without it texts would be encoded otherwise than meant.',
    )
  }
}
