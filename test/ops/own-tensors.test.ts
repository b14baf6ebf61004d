/** Every op returns tensors of its own: what is done to a result never reaches an input, and the other way round. */
import { grad, hvp, jvp, stopGradient, valueAndGrad, vjp } from '@burgeon/autograd'
import {
  add,
  assign,
  broadcastTo,
  concatenate,
  type Device,
  fill,
  keyFromSeed,
  max,
  mean,
  min,
  type OpDefinition,
  type OpName,
  opTable,
  pad,
  permute,
  RandomStream,
  reshape,
  runOp,
  scope,
  slice,
  sum,
  sumTo,
  type Tensor,
} from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { type OpCase, type OpCases, opCases } from '@burgeon/tensor/testing'
import { openWasm } from '@burgeon/tensor/wasm'
import { describe, expect, test } from 'vitest'
import { someOf, times } from '../how-long.ts'

/** Calls of an op that have nothing to do for an input of shape [2, 3]. */
const idleCalls: Readonly<Record<string, (x: Tensor) => Tensor>> = {
  slice: (x) => slice(x, []),
  'slice that names every end': (x) => slice(x, [0, 0], [2, 3]),
  'concatenate of one': (x) => concatenate([x]),
  broadcastTo: (x) => broadcastTo(x, [2, 3]),
  sumTo: (x) => sumTo(x, [2, 3]),
  reshape: (x) => reshape(x, [2, 3]),
  'reshape to one axis': (x) => reshape(x, [-1]),
  permute: (x) => permute(x, [0, 1]),
  pad: (x) => pad(x, [0, 0], [0, 0]),
  'sum over no axes': (x) => sum(x, { axes: [] }),
  'max over no axes': (x) => max(x, { axes: [] }),
  'min over no axes': (x) => min(x, { axes: [] }),
  'mean over no axes': (x) => mean(x, { axes: [] }),
  stopGradient: (x) => stopGradient(x),
  'add of 0': (x) => add(x, 0),
  'several in a row': (x) => slice(broadcastTo(concatenate([reshape(x, [2, 3])]), [2, 3]), []),
}

type Made = { readonly inputs: readonly Tensor[]; readonly outputs: readonly Tensor[] }

const numbersOf = (tensors: readonly Tensor[]): number[][] => tensors.map((x) => [...x.readSync()])
/** Faster than `toEqual`, of which long tensors would be most of this file's time. */
const areSame = (a: ArrayLike<number>, b: ArrayLike<number> = []): boolean =>
  a.length === b.length && Array.from(a).every((value, i) => Object.is(value, b[i]))
const overwrite = (tensors: readonly Tensor[]): void => {
  for (const x of tensors) scope(() => assign(x, fill(x.device, x.shape, 77, x.dtype)))
}
const dispose = (tensors: readonly Tensor[]): void => {
  for (const x of tensors) x.dispose()
}

/** Tries every way in which one side could reach the other. */
function expectIndependence(device: Device, make: () => Made): void {
  const harm: readonly ((made: Made) => readonly [harmed: readonly Tensor[], spared: readonly Tensor[]])[] = [
    ({ inputs, outputs }) => (overwrite(outputs), [outputs, inputs]),
    ({ inputs, outputs }) => (overwrite(inputs), [inputs, outputs]),
    ({ inputs, outputs }) => (dispose(outputs), [outputs, inputs]),
    ({ inputs, outputs }) => (dispose(inputs), [inputs, outputs]),
  ]
  for (const doHarm of harm) {
    const before = device.memory
    const made = make()
    const expected = new Map([...made.inputs, ...made.outputs].map((x) => [x, x.readSync().slice()]))
    expect(new Set([...made.inputs, ...made.outputs]).size).toBe(made.inputs.length + made.outputs.length)
    const [harmed, spared] = doHarm(made)
    for (const x of spared) expect(areSame(x.readSync(), expected.get(x))).toBe(true)
    dispose([...harmed, ...spared])
    expect(device.memory).toMatchObject({ buffers: before.buffers, bytes: before.bytes })
  }
}

describe.each([openReference(), openWasm()].map((device) => [device.name, device] as const))(
  'on %s',
  (_, device) => {
    const matrix = (): Tensor => device.tensor([1, 2, 3, 4, 5, 6], { shape: [2, 3], dtype: 'f32' })

    test.each(Object.entries(idleCalls))(
      '%s with nothing to do returns a tensor of its own',
      (_name, call) => {
        expectIndependence(device, () => {
          const x = matrix()
          return { inputs: [x], outputs: [scope(() => call(x))] }
        })
      },
    )

    test.each(Object.keys(opTable) as OpName[])('%s returns tensors of its own', (op) => {
      const random = new RandomStream(keyFromSeed(5))
      const cases = opCases[op] as OpCases<OpName>
      const some: readonly OpCase<OpName>[] = [
        ...someOf(cases.edges(random), 5),
        ...Array.from({ length: times(2, 5) }, () => cases.draw(random)),
      ]
      const { mutates = [] } = opTable[op] as OpDefinition<unknown>
      for (const { inputs, attrs } of some) {
        expectIndependence(device, () => {
          const given = inputs.map(({ data, shape, dtype }) => device.tensor(data, { shape, dtype }))
          const outputs = scope(() => runOp(op, given, { ...attrs, device }))
          dispose(mutates.map((i) => given[i]))
          return { inputs: given.filter((x) => !x.isDisposed), outputs }
        })
      }
    })

    test('an op that writes in place changes that tensor alone, although others shared its numbers', () => {
      const random = new RandomStream(keyFromSeed(6))
      for (const op of Object.keys(opTable) as OpName[]) {
        const { mutates = [] } = opTable[op] as OpDefinition<unknown>
        for (const i of mutates) {
          const { inputs, attrs } = (opCases[op] as OpCases<OpName>).draw(random)
          scope(() => {
            const given = inputs.map(({ data, shape, dtype }) => device.tensor(data, { shape, dtype }))
            const twin = reshape(given[i], given[i].shape)
            const [before] = numbersOf([twin])
            runOp(op, given, { ...attrs, device })
            expect([...twin.readSync()]).toEqual(before)
          })
        }
      }
    })

    test('numbers are shared until one of two tensors is written to', () => {
      scope(() => {
        const { buffers } = device.memory
        const x = matrix()
        const y = slice(broadcastTo(x, [2, 3]), [])
        expect(device.memory.buffers).toBe(buffers + 1)
        scope(() => assign(y, fill(device, [1, 1], 9), [0, 0]))
        expect(device.memory.buffers).toBe(buffers + 2)
        scope(() => assign(y, fill(device, [1, 1], 8), [1, 0]))
        expect(device.memory.buffers).toBe(buffers + 2)
        expect(numbersOf([x, y])).toEqual([
          [1, 2, 3, 4, 5, 6],
          [9, 2, 3, 8, 5, 6],
        ])
      })
    })

    test('every gradient is a tensor of its own, and so is the value', () => {
      expectIndependence(device, () => {
        const [x, y] = [
          device.tensor([3], { shape: [], dtype: 'f32' }),
          device.tensor([4], { shape: [], dtype: 'f32' }),
        ]
        const { x: dx, y: dy } = grad(({ x: a, y: b }: { x: Tensor; y: Tensor }) => add(a, b))({ x, y })
        return { inputs: [x, dx], outputs: [y, dy] }
      })
      expectIndependence(device, () => {
        const x = device.tensor([3], { shape: [], dtype: 'f32' })
        const { value, gradient } = valueAndGrad((a: Tensor) => a)(x)
        return { inputs: [x], outputs: [value, gradient] }
      })
    })

    test('products of the identity are tensors of their own', () => {
      for (const product of [vjp, jvp]) {
        expectIndependence(device, () => {
          const [x, direction] = [matrix(), matrix()]
          const result = product((a: Tensor) => a)(x, direction)
          return { inputs: [x, direction], outputs: [result.value, result.product] }
        })
      }
      expectIndependence(device, () => {
        const [x, direction] = [matrix(), matrix()]
        return { inputs: [x, direction], outputs: [hvp((a: Tensor) => sum(a))(x, direction)] }
      })
    })
  },
)
