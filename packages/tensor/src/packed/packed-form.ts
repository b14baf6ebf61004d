/**
 * Rows of numbers packed into 32-bit words. Every row stands for itself, what its numbers are scaled by
 * included, so rows can be gathered, sliced and concatenated like any others.
 *
 * `f16`, `bf16`: for each 8 numbers 4 words; word j holds number j in its low half, number j + 4 in its high
 * half.
 *
 * `int8`, `int7`: the scale as a single float; then the codes, a byte each, in order, filled up with zeros to
 * 16.
 *
 * `int4`: for each group the scale (low half) and the minimum (high half) as brain floats; then for each 32
 * numbers 16 bytes, byte j with code j in its low four bits and code j + 16 in its high ones.
 *
 * A number is `scale · code`, its code from −127 to 127 (int8) or from −63 to 63 (int7); of int4
 * `minimum + scale · code`, its code from 0 to 15. Either is rounded once, to a single float.
 */
import { checkArgument, checkOptions, type ChecksOf } from '../checks/check-options.ts'
import * as checks from '../checks/checks.ts'
import { OptionError } from '../errors.ts'

/** The name of a storage format. */
export type PackedFormat = 'f16' | 'bf16' | 'int8' | 'int7' | 'int4'

/** How rows are packed. */
export interface PackedForm {
  readonly format: PackedFormat
  /** Numbers of int4 that share a scale and a minimum: 32 (unless given), 64 or 128. */
  readonly group?: number | undefined
}

/** Numbers that int4 rows are cut into, and the default group. */
export const blockSize = 32

export const formats: readonly PackedFormat[] = ['f16', 'bf16', 'int8', 'int7', 'int4']

export const aFormat: checks.Check<PackedFormat> = checks.oneOf('f16', 'bf16', 'int8', 'int7', 'int4')
const groups = [32, 64, 128]

/** Throws OptionError unless it is a form. */
export function checkForm(who: string, { format, group }: PackedForm): void {
  checkArgument(who, 'format', format, aFormat)
  if (group === undefined) return
  if (format !== 'int4') {
    throw new OptionError(`${who}: got group ${group} for ${format}; expected none: only int4 has groups.`)
  }
  if (!groups.includes(group)) {
    throw new OptionError(`${who}: got group ${group}; expected 32, 64 or 128.`)
  }
}

/** Words of a row before its codes. */
export function headerWords({ format, group = blockSize }: PackedForm, width: number): number {
  if (format === 'f16' || format === 'bf16') return 0
  return format === 'int4' ? Math.ceil(width / group) : 1
}

/** Words of a row of `width` numbers. */
export function rowWords(form: PackedForm, width: number): number {
  const { format } = form
  const perFourWords = format === 'int4' ? 32 : format === 'int8' || format === 'int7' ? 16 : 8
  return headerWords(form, width) + 4 * Math.ceil(width / perFourWords)
}

/** The largest code of a format with signed codes. */
export const maxCode = (format: PackedFormat): number => (format === 'int7' ? 63 : 127)

/**
 * How many 32-bit words a packed row of `width` numbers takes.
 *
 * @throws OptionError for a form that does not exist, or a width that is not an integer ≥ 0.
 */
export function packedWords(form: PackedForm, width: number): number {
  checkOptions('packedWords', form, formChecks)
  checkForm('packedWords', form)
  checkArgument('packedWords', 'width', width, checks.count)
  return rowWords(form, width)
}

const formChecks: ChecksOf<PackedForm> = {
  format: checks.required(aFormat),
  group: checks.integer({ from: 1 }),
}
