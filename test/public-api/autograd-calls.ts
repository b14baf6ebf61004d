/** Right calls of `@burgeon/autograd`. */
import * as api from '@burgeon/autograd'
import { multiply, square, sum, Tensor, tensor } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import type { CallsOf } from './call.ts'

const device = openReference()
const t = (numbers: readonly number[] = [1, 2, 3, 4], shape: readonly number[] = [2, 2]): Tensor =>
  tensor(numbers, { shape, device })
/** An empty list of tensors is a right argument, too. */
const loss = (y: Tensor): Tensor => (y instanceof Tensor ? sum(square(y)) : t([1], []))
/** By export. */
export const autogradCalls: CallsOf<typeof api> = {
  checkpoint: [() => ({ args: { body: () => t() }, run: api.checkpoint })],
  grad: [
    () => ({ args: { f: loss }, run: api.grad }),
    () => ({ args: { x: t() }, run: (y: Tensor) => api.grad(loss)(y), takes: { x: ['empty'] } }),
  ],
  valueAndGrad: [
    () => ({ args: { f: loss }, run: api.valueAndGrad }),
    () => ({
      args: { x: t() },
      run: (y: Tensor) => api.valueAndGrad(loss)(y),
      takes: { x: ['empty'] },
      says: ['grad'],
    }),
  ],
  pullBack: [
    () => {
      const y = t()
      const { tape, result } = api.recordTape([y], () => multiply(y, y))
      return { args: { tape, outputs: [result], cotangents: [t()], between: [] }, run: api.pullBack }
    },
  ],
  recordTape: [() => ({ args: { inputs: [t()], body: () => 1 }, run: api.recordTape })],
  sumOfSquaredGradients: [
    () => ({ args: { f: loss, options: { examples: 2 } }, run: api.sumOfSquaredGradients }),
    () => ({
      args: { x: t() },
      run: (y: Tensor) => api.sumOfSquaredGradients(loss, { examples: 2 })(y),
      takes: { x: ['empty'] },
    }),
  ],
  sumOfAbsoluteGradients: [
    () => ({ args: { f: loss, options: { examples: 2 } }, run: api.sumOfAbsoluteGradients }),
    () => ({
      args: { x: t() },
      run: (y: Tensor) => api.sumOfAbsoluteGradients(loss, { examples: 2 })(y),
      takes: { x: ['empty'] },
    }),
  ],
  hvp: [
    () => ({ args: { f: loss }, run: api.hvp }),
    () => ({ args: { x: t(), vector: t() }, run: (y: Tensor, z: Tensor) => api.hvp(loss)(y, z) }),
  ],
  jacobian: [
    () => ({ args: { f: (y: Tensor) => y }, run: api.jacobian }),
    () => ({ args: { x: t() }, run: (y: Tensor) => api.jacobian((z: Tensor) => square(z))(y) }),
  ],
  jvp: [
    () => ({ args: { f: loss }, run: api.jvp }),
    () => ({ args: { x: t(), tangent: t() }, run: (y: Tensor, z: Tensor) => api.jvp(square)(y, z) }),
  ],
  vjp: [
    () => ({ args: { f: loss }, run: api.vjp }),
    () => ({
      args: { x: t(), cotangent: t([1], []) },
      run: (y: Tensor, z: Tensor) => api.vjp(loss)(y, z),
      takes: { x: ['empty'] },
    }),
  ],
  stopGradient: [() => ({ args: { x: t() }, run: api.stopGradient })],
  Tape: [
    () => ({
      args: { tensor: t() },
      run: (y: Tensor) => api.recordTape([], () => 1).tape.watch(y),
    }),
  ],
}
