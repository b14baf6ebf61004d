/** Rows of either form, packed. */
import { StateError } from '@burgeon/tensor'
import type { Origin } from '../../stream/origin.ts'
import { isTokenRow, type Row, withoutPadding } from '../../stream/row.ts'
import { packNumbers, unpackNumbers } from './packed-numbers.ts'
import { packTokens, unpackTokens } from './packed-tokens.ts'

/** First byte of a packed example; those of tokens begin with their form, which is less. */
const example = 3
/** Bytes before the targets of an example: this form, and the bytes that the targets take. */
const header = 5

/** Packs a row without domain, origin and padding. What it takes is `length` of the result. */
export function packRow(given: Row): Uint8Array {
  const row = withoutPadding(given)
  if (isTokenRow(row)) return packTokens(row.tokens)
  const [targets, inputs] = [packNumbers(row.targets), packNumbers(row.inputs)]
  const packed = new Uint8Array(header + targets.length + inputs.length)
  packed[0] = example
  new DataView(packed.buffer).setUint32(1, targets.length, true)
  packed.set(targets, header)
  packed.set(inputs, header + targets.length)
  return packed
}

/** Unpacks a row that `packRow` packed. Throws StateError for bytes that it cannot have made. */
export function unpackRow(packed: Uint8Array, domain: string, origin: Origin | null = null): Row {
  if (packed[0] !== example) return { tokens: unpackTokens(packed), domain, origin }
  if (packed.length < header) {
    throw new StateError('replay: a packed example is cut short; expected its targets. The file is damaged.')
  }
  const size = new DataView(packed.buffer, packed.byteOffset).getUint32(1, true)
  return {
    targets: unpackNumbers(packed.subarray(header, header + size)),
    inputs: unpackNumbers(packed.subarray(header + size)),
    ...{ domain, origin },
  }
}

/** Number of predictions that a row asks for. */
export function predictionsIn(given: Row): number {
  const row = withoutPadding(given)
  return isTokenRow(row) ? row.tokens.length - 1 : 1
}
