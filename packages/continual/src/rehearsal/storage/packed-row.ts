/** Rows of either form, packed. */
import { StateError } from '@burgeon/tensor'
import type { Origin } from '../../stream/origin.ts'
import { isTokenRow, type Row, withoutPadding } from '../../stream/row.ts'
import { packNumbers, unpackNumbers } from './packed-numbers.ts'
import { packTokens, unpackTokens } from './packed-tokens.ts'

/** First byte of a packed example; those of tokens begin with their form, which is less. */
const example = 3
/** First byte of a row of either form that has weights; they come before it. */
const weighted = 4
/** Bytes before the targets of an example, or before weights: this form, and the bytes that they take. */
const header = 5

/** Packs a row without domain, origin and padding. What it takes is `length` of the result. */
export function packRow(given: Row): Uint8Array {
  const row = withoutPadding(given)
  const { weights } = row
  if (weights === undefined) return packBare(row)
  // Most often a row has one weight throughout.
  const few = weights.every((weight) => Object.is(weight, weights[0])) ? weights.subarray(0, 1) : weights
  return twoParts(weighted, packNumbers(few), packBare(row))
}

const packBare = (row: Row): Uint8Array =>
  isTokenRow(row)
    ? packTokens(row.tokens)
    : twoParts(example, packNumbers(row.targets), packNumbers(row.inputs))

function twoParts(form: number, first: Uint8Array, second: Uint8Array): Uint8Array {
  const packed = new Uint8Array(header + first.length + second.length)
  packed[0] = form
  new DataView(packed.buffer).setUint32(1, first.length, true)
  packed.set(first, header)
  packed.set(second, header + first.length)
  return packed
}

/** Unpacks a row that `packRow` packed. Throws StateError for bytes that it cannot have made. */
export function unpackRow(packed: Uint8Array, domain: string, origin: Origin | null = null): Row {
  if (packed[0] === weighted) {
    const [first, second] = partsOf(packed, 'weights')
    const row = unpackRow(second, domain, origin)
    const predictions = predictionsIn(row)
    const numbers = unpackNumbers(first)
    const isOne = numbers.length === 1
    if ('weights' in row || !(isOne || numbers.length === predictions)) {
      throw new StateError(
        `replay: a packed row has ${numbers.length} weights and ${predictions} predictions; expected one for each. The file is damaged.`,
      )
    }
    return { ...row, weights: isOne ? new Float32Array(predictions).fill(numbers[0]) : numbers }
  }
  if (packed[0] !== example) return { tokens: unpackTokens(packed), domain, origin }
  const [targets, inputs] = partsOf(packed, 'targets')
  return { targets: unpackNumbers(targets), inputs: unpackNumbers(inputs), domain, origin }
}

function partsOf(packed: Uint8Array, first: string): readonly [Uint8Array, Uint8Array] {
  if (packed.length < header) {
    throw new StateError(`replay: a packed row is cut short; expected its ${first}. The file is damaged.`)
  }
  const size = new DataView(packed.buffer, packed.byteOffset).getUint32(1, true)
  return [packed.subarray(header, header + size), packed.subarray(header + size)]
}

/** Number of predictions that a row asks for. */
export function predictionsIn(given: Row): number {
  const row = withoutPadding(given)
  return isTokenRow(row) ? row.tokens.length - 1 : 1
}
