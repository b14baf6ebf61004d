/** Reads and writes the words of packed rows, one number at a time: the meaning of the layout. */
import { brainBits, brainFloat, floatOf, halfBits, halfFloat } from './half-floats.ts'
import { blockSize, headerWords, type PackedForm } from './packed-form.ts'

/** Where a number of a row lies: its word, and how far its bits are shifted there. */
function placeOf(form: PackedForm, width: number, i: number): { word: number; shift: number } {
  const first = headerWords(form, width)
  const { format } = form
  if (format === 'int4') {
    const j = i % 32
    const byte = j % 16
    return {
      word: first + 4 * Math.floor(i / 32) + (byte >> 2),
      shift: 8 * (byte & 3) + (j < 16 ? 0 : 4),
    }
  }
  if (format === 'int8' || format === 'int7') return { word: first + (i >> 2), shift: 8 * (i & 3) }
  return { word: first + 4 * (i >> 3) + (i & 3), shift: i & 4 ? 16 : 0 }
}

/** Returns number `i` of the row that begins at `at`, rounded to a single float. */
export function readNumber(
  words: ArrayLike<number>,
  at: number,
  form: PackedForm,
  width: number,
  i: number,
): number {
  const { word, shift } = placeOf(form, width, i)
  const bits = words[at + word] >>> shift
  if (form.format === 'f16') return halfFloat(bits & 0xffff)
  if (form.format === 'bf16') return brainFloat(bits & 0xffff)
  if (form.format === 'int4') {
    const pair = words[at + Math.floor(i / (form.group ?? blockSize))]
    return Math.fround(brainFloat(pair & 0xffff) * (bits & 15) + brainFloat(pair >>> 16))
  }
  return Math.fround(floatOf(words[at]) * ((bits << 24) >> 24))
}

/** Adds the bits of a code to a row that is 0 there. */
export function writeCode(
  words: Int32Array,
  at: number,
  form: PackedForm,
  width: number,
  i: number,
  code: number,
): void {
  const { word, shift } = placeOf(form, width, i)
  const mask = form.format === 'int4' ? 15 : form.format === 'int8' || form.format === 'int7' ? 255 : 0xffff
  words[at + word] |= (code & mask) << shift
}

/** The bits of a number in a format of floats. */
export const floatCode = (format: 'f16' | 'bf16', x: number): number =>
  format === 'f16' ? halfBits(x) : brainBits(x)

/** The word of a group of int4: two brain floats, given as numbers that brain floats can hold. */
export const groupWord = (scale: number, minimum: number): number =>
  (brainBits(minimum) << 16) | brainBits(scale)
