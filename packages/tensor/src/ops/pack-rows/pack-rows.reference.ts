import type { ReferenceKernel } from '../../backends/reference/reference-backend.ts'
import { bitsOf } from '../../packed/half-floats.ts'
import { maxCode } from '../../packed/packed-form.ts'
import { floatCode, writeCode } from '../../packed/row-codes.ts'
import { roundedCode, roundedScale } from '../../packed/round-row.ts'

export const packRowsReference: ReferenceKernel<'packRows'> = (_, [x], [out], { format }) => {
  const width = x.shape.at(-1) as number
  const words = out.shape.at(-1) as number
  const buffer = out.buffer as Int32Array
  buffer.fill(0)
  for (let row = 0; row * width < x.buffer.length; row++) {
    const numbers = Float32Array.from(x.buffer.subarray(row * width, (row + 1) * width))
    const at = row * words
    if (format === 'f16' || format === 'bf16') {
      numbers.forEach((number, i) => {
        writeCode(buffer, at, { format }, width, i, floatCode(format, number))
      })
      continue
    }
    const max = maxCode(format)
    const largest = numbers.reduce((most, number) => Math.max(most, Math.abs(number)), 0)
    const scale = roundedScale(largest, max)
    buffer[at] = bitsOf(scale)
    numbers.forEach((number, i) => {
      writeCode(buffer, at, { format }, width, i, roundedCode(number, scale, max))
    })
  }
}
