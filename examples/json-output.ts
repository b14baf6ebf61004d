/**
 * Output that always parses: a mask lets the model write only what a JSON schema allows. Even a model that has
 * learnt nothing writes valid JSON; one that has learnt something chooses well among what is allowed.
 */
import { byteTokenizer, generate, Gpt } from 'burgeon'

/** The part of JSON Schema that this example knows. Properties are all required, in their order. */
type Schema =
  | { readonly enum: readonly (string | number)[] }
  | { readonly type: 'integer' }
  | { readonly type: 'boolean' }
  | { readonly type: 'string' }
  | { readonly type: 'object'; readonly properties: Readonly<Record<string, Schema>> }

/** A text that is not written to its end: the bytes that may come next, and the rest after one of them. */
interface Rest {
  readonly next: readonly number[]
  after(byte: number): Rest
}

const end: Rest = { next: [], after: () => end }

/** These very bytes, then the rest. */
function literal(text: string, then: Rest): Rest {
  const bytes = new TextEncoder().encode(text)
  const from = (i: number): Rest =>
    i === bytes.length ? then : { next: [bytes[i]], after: () => from(i + 1) }
  return from(0)
}

/** Any one of several texts. */
function choice(options: readonly Rest[]): Rest {
  return {
    next: options.flatMap(({ next }) => next),
    after: (byte) =>
      choice(options.filter(({ next }) => next.includes(byte)).map((option) => option.after(byte))),
  }
}

/** Up to `max` characters out of a set, then the rest. */
function some(characters: string, max: number, then: Rest): Rest {
  const one = Array.from(characters, (character) => literal(character, end).next[0])
  const more: Rest = { next: one, after: () => some(characters, max - 1, then) }
  return max === 0 ? then : choice([more, then])
}

function textOf(schema: Schema, then: Rest): Rest {
  if ('enum' in schema) return choice(schema.enum.map((value) => literal(JSON.stringify(value), then)))
  if (schema.type === 'boolean') return choice(['true', 'false'].map((value) => literal(value, then)))
  if (schema.type === 'string') {
    return literal('"', some('abcdefghijklmnopqrstuvwxyz ', 12, literal('"', then)))
  }
  if (schema.type === 'integer') {
    const digits = Array.from('123456789', (digit) => literal(digit, some('0123456789', 5, then)))
    return choice([literal('0', then), ...digits, literal('-', choice(digits))])
  }
  const properties = Object.entries(schema.properties)
  const from = (i: number): Rest => {
    if (i === properties.length) return literal('}', then)
    const [name, value] = properties[i]
    return literal(`${i === 0 ? '{' : ','}${JSON.stringify(name)}:`, textOf(value, from(i + 1)))
  }
  return from(0)
}

const schema: Schema = {
  type: 'object',
  properties: {
    city: { enum: ['Rome', 'Oslo', 'Lima'] },
    degrees: { type: 'integer' },
    remark: { type: 'string' },
  },
}
const model = Gpt.create({ context: 64, embed: 16, heads: 2, layers: 1, mlpHidden: 16 })
const start = textOf(schema, end)
const report = async (seed: number): Promise<{ city: string; degrees: number; remark: string }> => {
  const { text } = await generate(model, 'The weather: ', {
    tokens: 100,
    seed,
    tokenizer: byteTokenizer,
    allowedTokens: (written) => written.reduce((rest, byte) => rest.after(byte), start).next,
  })
  return JSON.parse(text ?? '') as { city: string; degrees: number; remark: string }
}
const reports = await Promise.all(Array.from({ length: 20 }, (_, seed) => report(seed)))
const isRight = ({ city, degrees, remark }: (typeof reports)[0]): boolean =>
  ['Rome', 'Oslo', 'Lima'].includes(city) && Number.isInteger(degrees) && typeof remark === 'string'
console.log(`${reports.filter(isRight).length} of 20 outputs are as the schema says`) // → 20 of 20 outputs are as the schema says
