/**
 * Packs weights: whole rows at a time, on the CPU, with the best scales rather than the quickest ones. What a
 * network keeps is packed once.
 */
import { checkArgument, checkOptions, type ChecksOf } from '../checks/check-options.ts'
import * as checks from '../checks/checks.ts'
import { NonFiniteError, OptionError, ShapeError } from '../errors.ts'
import { roundWithFeedback } from './error-feedback.ts'
import { type Fit, fitGroup, fitRow, type Rounding } from './fit-scales.ts'
import { bitsOf } from './half-floats.ts'
import {
  aFormat,
  blockSize,
  checkForm,
  headerWords,
  maxCode,
  type PackedForm,
  rowWords,
} from './packed-form.ts'
import { refineRow } from './refine-row.ts'
import { floatCode, groupWord, readNumber, writeCode } from './row-codes.ts'

/** The size of a matrix, its form, and how codes are chosen. */
export interface PackWeightsOptions extends PackedForm {
  readonly rows: number
  readonly width: number
  /**
   * `plain`, unless given: the range of the numbers is divided evenly. `clipped`: of several narrower ranges
   * the one with the least squared error.
   */
  readonly rounding?: Rounding
  /**
   * XᵀX of what the matrix is multiplied by, `[width, width]`: integers are rounded with error feedback
   * (GPTQ, Frantar et al. 2023), so that the products stay close rather than the weights; scales and codes
   * of int4 are then made better together. Not unless given.
   */
  readonly inputs?: ArrayLike<number>
  /**
   * With inputs: YᵀX, `[rows, width]`, Y what the products shall be. Those of the numbers unless given.
   * What comes before may be rounded already, and this is how it is made up for (Li et al. 2025).
   */
  readonly products?: ArrayLike<number>
}

/** The size of a packed matrix and its form. */
export type UnpackWeightsOptions = Omit<PackWeightsOptions, 'rounding' | 'inputs' | 'products'>

const aSize = checks.required(checks.integer({ from: 0 }))

const sizeChecks: ChecksOf<UnpackWeightsOptions> = {
  format: checks.required(aFormat),
  group: checks.integer({ from: 1 }),
  rows: aSize,
  width: aSize,
}

const packChecks: ChecksOf<PackWeightsOptions> = {
  ...sizeChecks,
  rounding: checks.oneOf('plain', 'clipped'),
  inputs: checks.numbers,
  products: checks.numbers,
}

/** Scales, minima and codes of a matrix, before they become words. */
interface MatrixCodes {
  /** One for each row, or for each group of int4. */
  readonly scales: ArrayLike<number>
  /** Minima of int4, one for each group. */
  readonly minima: ArrayLike<number>
  /** One for each number. */
  readonly codes: ArrayLike<number>
}

/**
 * Packs a matrix of weights by rows.
 *
 * @param numbers Row-major, `rows · width` of them.
 * @returns The words, `i32 [rows, packedWords(form, width)]`.
 * @throws NonFiniteError for NaN, an infinity, and for f16 a number beyond its range; OptionError for a form
 *   that does not exist, ShapeError for another number of numbers.
 */
export function packWeights(numbers: ArrayLike<number>, options: PackWeightsOptions): Int32Array {
  checkSizes('packWeights', 'numbers', numbers, options, packChecks, ({ width }) => width)
  const { rows, width, format, rounding = 'plain' } = options
  checkFinite(numbers, options)
  checkInputs(options)
  if (format === 'f16' || format === 'bf16') {
    const words = new Int32Array(rows * rowWords(options, width))
    forNumbers(options, (row, i, at) => {
      writeCode(words, at, options, width, i, floatCode(format, numbers[row * width + i]))
    })
    return words
  }
  return wordsOf(options, fitCodes(numbers, options, rounding))
}

function fitCodes(
  numbers: ArrayLike<number>,
  { rows, width, format, group = blockSize, inputs, products }: PackWeightsOptions,
  rounding: Rounding,
): MatrixCodes {
  const single = Float32Array.from(numbers)
  const size = format === 'int4' ? group : Math.max(1, width)
  const groups = Math.ceil(width / size)
  const scales = new Float32Array(rows * groups)
  const minima = new Float32Array(format === 'int4' ? rows * groups : 0)
  // An error counts as much as the input that it is multiplied by.
  const diagonal = inputs && Float64Array.from({ length: width }, (_, i) => inputs[i * width + i])
  const fitAt = (row: number, column: number, values: Float32Array): Fit | undefined => {
    if (column % size !== 0) return undefined
    const own = values.subarray(column, column + size)
    const weights = diagonal?.subarray(column, column + size)
    const fit =
      format === 'int4' ? fitGroup(own, rounding, weights) : fitRow(own, maxCode(format), rounding, weights)
    const at = row * groups + column / size
    scales[at] = fit.scale
    if (format === 'int4') minima[at] = fit.minimum
    return fit
  }
  if (inputs === undefined) return { scales, minima, codes: roundEach(single, width, fitAt) }
  const refine = (row: number, target: Float64Array, own: Int8Array, damped: Float64Array): void => {
    const [from, to] = [row * groups, (row + 1) * groups]
    const coded = { target, codes: own, scales: scales.subarray(from, to), minima: minima.subarray(from, to) }
    refineRow(coded, size, damped)
  }
  const aim = { inputs, ...(products && { products }) }
  const codes = roundWithFeedback(single, width, aim, fitAt, format === 'int4' ? refine : undefined)
  return { scales, minima, codes }
}

function roundEach(
  single: Float32Array,
  width: number,
  fitAt: (row: number, column: number, values: Float32Array) => Fit | undefined,
): Int8Array {
  const codes = new Int8Array(single.length)
  let fit: Fit | undefined
  for (let i = 0; i < single.length; i++) {
    const [row, column] = [Math.floor(i / width), i % width]
    fit = fitAt(row, column, single.subarray(row * width, (row + 1) * width)) ?? (fit as Fit)
    codes[i] = fit.codeOf(single[i])
  }
  return codes
}

/** Joins scales, minima and codes to words. The codes must be in the range of the format. */
function wordsOf(size: UnpackWeightsOptions, { scales, minima, codes }: MatrixCodes): Int32Array {
  const { rows, width, format } = size
  const stride = rowWords(size, width)
  const groups = headerWords(size, width)
  const words = new Int32Array(rows * stride)
  for (let row = 0; row < rows; row++) {
    for (let g = 0; g < groups; g++) {
      const at = row * groups + g
      words[row * stride + g] = format === 'int4' ? groupWord(scales[at], minima[at]) : bitsOf(scales[at])
    }
  }
  forNumbers(size, (row, i, at) => writeCode(words, at, size, width, i, codes[row * width + i]))
  return words
}

/**
 * Returns the numbers of a packed matrix, `[rows, width]`, as every device reads them.
 *
 * @throws ShapeError for another number of words, OptionError for a form that does not exist.
 */
export function unpackWeights(words: ArrayLike<number>, options: UnpackWeightsOptions): Float32Array {
  const perRow = (size: UnpackWeightsOptions): number => rowWords(size, size.width)
  checkSizes('unpackWeights', 'words', words, options, sizeChecks, perRow)
  const { rows, width } = options
  const numbers = new Float32Array(rows * width)
  forNumbers(options, (row, i, at) => {
    numbers[row * width + i] = readNumber(words, at, options, width, i)
  })
  return numbers
}

function forNumbers(size: UnpackWeightsOptions, body: (row: number, i: number, at: number) => void): void {
  const { rows, width } = size
  const stride = rowWords(size, width)
  for (let row = 0; row < rows; row++) for (let i = 0; i < width; i++) body(row, i, row * stride)
}

function checkSizes<Options extends UnpackWeightsOptions>(
  who: string,
  name: string,
  data: ArrayLike<number>,
  options: Options,
  optionChecks: ChecksOf<NoInfer<Options>>,
  perRow: (options: Options) => number,
): void {
  checkArgument(who, name, data, checks.numbers)
  checkOptions(who, options, optionChecks)
  checkForm(who, options)
  const expected = options.rows * perRow(options)
  if (data.length === expected) return
  throw new ShapeError(
    `${who}: got ${data.length} ${name} for ${options.rows} rows of ${options.width}; expected ${expected}.`,
  )
}

function checkInputs({ format, rows, width, inputs, products }: PackWeightsOptions): void {
  if (inputs === undefined) {
    if (products === undefined) return
    throw new OptionError('packWeights: got products without inputs; expected both, or none.')
  }
  if (format === 'f16' || format === 'bf16') {
    throw new OptionError(
      `packWeights: got inputs for ${format}; expected none: only integers are rounded by them.`,
    )
  }
  if (inputs.length !== width * width) {
    throw new ShapeError(
      `packWeights: got ${inputs.length} numbers as inputs; expected ${width * width}, XᵀX of ${width} columns.`,
    )
  }
  if (products !== undefined && products.length !== rows * width) {
    throw new ShapeError(
      `packWeights: got ${products.length} numbers as products; expected ${rows * width}, YᵀX of ${rows} rows.`,
    )
  }
  for (const [name, values] of Object.entries({ inputs, products: products ?? [] })) {
    for (let i = 0; i < values.length; i++) {
      if (Number.isFinite(values[i])) continue
      throw new NonFiniteError(`packWeights: got ${values[i]} in ${name}; expected finite numbers.`)
    }
  }
}

function checkFinite(numbers: ArrayLike<number>, { format, width }: PackWeightsOptions): void {
  // Beyond these, rounding reaches infinity.
  const limit = format === 'f16' ? 65520 : format === 'bf16' || format === 'int4' ? 3.38e38 : Infinity
  for (let i = 0; i < numbers.length; i++) {
    if (Math.abs(Math.fround(numbers[i])) < limit) continue
    const advice = format === 'f16' && Number.isFinite(numbers[i]) ? ' Use bf16.' : ''
    throw new NonFiniteError(
      `packWeights: got ${numbers[i]} at row ${Math.floor(i / width)}, column ${i % width}; ` +
        `expected numbers that ${format} can hold.${advice}`,
    )
  }
}
