/** Cases for packed rows and products with them. */
import * as checks from '../../checks/checks.ts'
import { blockSize, formats, type PackedForm, type PackedFormat, rowWords } from '../../packed/packed-form.ts'
import { packWeights } from '../../packed/pack-weights.ts'
import type { Activations } from '../../ops/packed-matmul/packed-matmul.ts'
import type { RowFormat } from '../../ops/pack-rows/pack-rows.ts'
import { unpackRowsChecks } from '../../ops/unpack-rows/unpack-rows.ts'
import type { RandomStream } from '../../random/random-stream.ts'
import type { Shape } from '../../shape.ts'
import type { PlainInput } from '../check-op.ts'
import { drawShape, drawSize, f32Input, gaussian, pick, spread } from './draw.ts'
import type { OpCase, OpCases } from './op-case.ts'

const rowFormats: readonly RowFormat[] = ['f16', 'bf16', 'int8', 'int7']

/** Numbers on which rounding is decided: halves between codes, what no half holds, what is not a number. */
function hardNumbers(random: RandomStream, shape: Shape): PlainInput {
  const hard = [
    0, -0, 0.5, -0.5, 1.5, 63.5, -126.5, 127, -127, 63, 2049, 65519, 65520, 1e-5, -3e-8, 6e-8, 1e30,
  ]
  return f32Input(shape, () => (random.uniform() < 0.5 ? pick(random, hard) : 100 * random.normal()))
}

export const packRowsCases: OpCases<'packRows'> = {
  attrs: { format: checks.required(checks.oneOf('f16', 'bf16', 'int8', 'int7')) },
  tolerance: 0,
  edges: (random) =>
    rowFormats.flatMap((format): OpCase<'packRows'>[] => [
      ...[0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 33].map((width) => ({
        inputs: [hardNumbers(random, [3, width])],
        attrs: { format },
      })),
      { inputs: [gaussian(random, [0, 5])], attrs: { format } },
      { inputs: [gaussian(random, [6])], attrs: { format } },
      { inputs: [f32Input([2, 9], () => 0)], attrs: { format } },
      { inputs: [f32Input([2, 9], () => -3)], attrs: { format } },
      { inputs: [f32Input([2, 3], (i) => (i === 0 ? 127 : i + 0.5))], attrs: { format } },
      { inputs: [gaussian(random, [3, 8], 1e-32)], attrs: { format } },
      { inputs: [gaussian(random, [3, 8], 1e30)], attrs: { format } },
    ]),
  draw: (random) => ({
    inputs: [pick(random, [spread, hardNumbers])(random, drawShape(random, 1 + random.below(4)))],
    attrs: { format: pick(random, rowFormats) },
  }),
}

/** Draws a form. */
function drawForm(random: RandomStream): PackedForm {
  const format = pick(random, formats)
  return format === 'int4' ? { format, group: pick(random, [32, 64, 128]) } : { format }
}

/** Packed rows of Gaussian numbers. */
function packedRows(random: RandomStream, rows: number, width: number, form: PackedForm): PlainInput {
  const mean = random.normal()
  const numbers = Float32Array.from({ length: rows * width }, () => mean + random.normal())
  const data = packWeights(numbers, { ...form, rows, width })
  return { shape: [rows, rowWords(form, width)], dtype: 'i32', data }
}

const everyForm: readonly PackedForm[] = formats.flatMap((format): PackedForm[] =>
  format === 'int4' ? [{ format }, { format, group: 64 }, { format, group: 128 }] : [{ format }],
)

export const unpackRowsCases: OpCases<'unpackRows'> = {
  attrs: unpackRowsChecks,
  tolerance: 0,
  edges: (random) =>
    everyForm.flatMap((form): OpCase<'unpackRows'>[] => [
      ...[0, 1, 4, 7, 8, 9, 16, 17, 31, 32, 33, 63, 64, 129].map((width) => ({
        inputs: [packedRows(random, 3, width, form)],
        attrs: { ...form, width },
      })),
      { inputs: [packedRows(random, 0, 40, form)], attrs: { ...form, width: 40 } },
      { inputs: [packedRows(random, 400, 40, form)], attrs: { ...form, width: 40 } },
    ]),
  draw(random) {
    const form = drawForm(random)
    const width = drawSize(random, 65, true) + (random.uniform() < 0.3 ? 128 : 0)
    return { inputs: [packedRows(random, drawSize(random, 9), width, form)], attrs: { ...form, width } }
  },
}

const activationsOf = (format: PackedFormat): readonly Activations[] =>
  format === 'f16' || format === 'bf16' ? ['f32'] : ['f32', 'int8', 'int7']

export const packedMatmulCases: OpCases<'packedMatmul'> = {
  attrs: {
    format: unpackRowsChecks.format,
    group: unpackRowsChecks.group,
    activations: checks.required(checks.oneOf('f32', 'int8', 'int7')),
  },
  tolerance: 1,
  edges: (random) =>
    everyForm.flatMap((form) =>
      activationsOf(form.format).flatMap((activations): OpCase<'packedMatmul'>[] => {
        const product = (M: number, N: number, K: number): OpCase<'packedMatmul'> => ({
          inputs: [gaussian(random, [M, K]), packedRows(random, N, K, form)],
          attrs: { ...form, activations },
        })
        return [
          ...[2, 3, 5, 7, 16, 17, 33].map((M) => product(M, 5, blockSize + M)),
          ...[1, 8, 16, 31, 33, 48, 63, 96, 128, 257].map((K) => product(1, 5, K)),
          product(0, 3, 8),
          product(3, 0, 8),
          product(2, 3, 0),
          // so many packed bytes that threads share them, and the second cache holds a part
          ...(form.group === undefined && activations !== 'f32' ? [product(5, 260, 1000)] : []),
        ]
      }),
    ),
  draw(random) {
    const form = drawForm(random)
    const K = 1 + random.below(200)
    return {
      inputs: [spread(random, [drawSize(random, 33), K]), packedRows(random, drawSize(random, 17), K, form)],
      attrs: { ...form, activations: pick(random, activationsOf(form.format)) },
    }
  },
}
