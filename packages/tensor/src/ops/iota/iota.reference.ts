import type { ReferenceKernel } from '../../backends/reference/reference-backend.ts'

export const iotaReference: ReferenceKernel<'iota'> = (_, _inputs, [out]) => {
  for (let i = 0; i < out.buffer.length; i++) out.buffer[i] = i
}
