import type { ReferenceKernel } from '../../backends/reference/reference-backend.ts'
import { sizeOf, stridesOf } from '../../shape.ts'

export const assignReference: ReferenceKernel<'assign'> = (
  _,
  [target, source],
  _outputs,
  { start, mode },
) => {
  const strides = stridesOf(target.shape)
  const position = new Array<number>(start.length).fill(0)
  for (let i = 0; i < sizeOf(source.shape); i++) {
    let at = 0
    for (let d = 0; d < position.length; d++) at += (position[d] + start[d]) * strides[d]
    target.buffer[at] = mode === 'add' ? target.buffer[at] + source.buffer[i] : source.buffer[i]
    for (let d = position.length - 1; d >= 0 && ++position[d] === source.shape[d]; d--) position[d] = 0
  }
}
