import type { ReferenceKernel } from '../../backends/reference/reference-backend.ts'
import { fillBits } from '../../random/threefry.ts'

export const randomReference: ReferenceKernel<'random'> = (_, _inputs, [out], { key, distribution }) => {
  const bits = new Uint32Array(out.buffer.length)
  fillBits(key, bits)
  for (let i = 0; i < bits.length; i++)
    out.buffer[i] = distribution === 'bits' ? bits[i] | 0 : (bits[i] >>> 8) * 2 ** -24
}
