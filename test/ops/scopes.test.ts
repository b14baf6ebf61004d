import {
  add,
  AsyncCallbackError,
  type Device,
  DisposedTensorError,
  IndexError,
  gather,
  layerNorm,
  multiply,
  openScope,
  makeOwned,
  reshape,
  scope,
  sum,
  type Tensor,
  zeros,
} from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { openWasm } from '@burgeon/tensor/wasm'
import { describe, expect, test } from 'vitest'

describe.each([openReference(), openWasm()].map((device) => [device.name, device] as const))(
  'a scope on %s',
  (_, device: Device) => {
    const make = (...numbers: number[]): Tensor =>
      device.tensor(numbers, { shape: [numbers.length], dtype: 'f32' })
    /** How many buffers a body leaves behind. */
    const leftBehind = (body: () => void): number => {
      const { buffers } = device.memory
      body()
      return device.memory.buffers - buffers
    }

    test('frees the tensors made inside and keeps those returned, in any structure', () => {
      expect(leftBehind(() => scope(() => void add(make(1, 2), make(3, 4))))).toBe(0)
      let kept: { a: Tensor; list: Tensor[]; map: Map<string, Tensor>; text: string } | undefined
      expect(
        leftBehind(() => {
          kept = scope(() => {
            const x = make(1, 2)
            return {
              a: add(x, 1),
              list: [multiply(x, 2)],
              map: new Map([['c', add(x, 5)]]),
              text: 'also this',
            }
          })
        }),
      ).toBe(3)
      expect([...(kept?.a.readSync() ?? [])]).toEqual([2, 3])
      expect([...(kept?.map.get('c')?.readSync() ?? [])]).toEqual([6, 7])
      for (const x of [kept?.a, kept?.list[0], kept?.map.get('c')]) x?.dispose()
    })
    test('gives the tensors it returns to the enclosing scope, which frees them', () => {
      expect(
        leftBehind(() =>
          scope(() => {
            const inner = scope(() => add(make(1), make(2)))
            expect(inner.item()).toBe(3)
          }),
        ),
      ).toBe(0)
    })
    test('does not own a tensor made outside, even if it returns it', () => {
      const outside = make(1, 2)
      scope(() => outside)
      scope(() => void add(outside, 1))
      expect(outside.isDisposed).toBe(false)
      outside.dispose()
    })
    test('frees everything when its body throws', () => {
      expect(
        leftBehind(() => {
          expect(() =>
            scope(() => {
              make(1)
              scope(() => make(2))
              throw new Error('stop')
            }),
          ).toThrow('stop')
        }),
      ).toBe(0)
    })
    test('refuses a promise and frees all tensors made until then', () => {
      expect(
        leftBehind(() => {
          expect(() => scope(async () => make(1))).toThrow(AsyncCallbackError)
        }),
      ).toBe(0)
    })
    test('can end with a block, and keeps the tensors given to `keep`', () => {
      let kept: Tensor | undefined
      expect(
        leftBehind(() => {
          using step = openScope()
          make(1)
          kept = step.keep(add(make(1), make(1)))
        }),
      ).toBe(1)
      kept?.dispose()
    })
    test('can end twice without harm', () => {
      const opened = openScope()
      make(1)
      opened[Symbol.dispose]()
      opened[Symbol.dispose]()
      expect(leftBehind(() => scope(() => void make(1)))).toBe(0)
    })
    test('lets scopes end in any order', () => {
      expect(
        leftBehind(() => {
          const [outer, inner] = [openScope(), openScope()]
          const x = make(1)
          outer[Symbol.dispose]()
          expect(x.isDisposed).toBe(false)
          inner[Symbol.dispose]()
          expect(x.isDisposed).toBe(true)
        }),
      ).toBe(0)
    })
    test('says who made a tensor that is used after its end, and its shape', () => {
      let escaped: Tensor | undefined
      scope(() => {
        escaped = add(make(1, 2), 1)
      })
      const use = (): Tensor => multiply(escaped as Tensor, 2)
      expect(use).toThrow(DisposedTensorError)
      expect(use).toThrow('elementwise: this tensor [2] was used after the scope that owned it had ended.')
      expect(() => escaped?.readSync()).toThrow(DisposedTensorError)
      expect(() => reshape(escaped as Tensor, [1, 2])).toThrow(DisposedTensorError)
    })
    test('keeps numbers as long as one of the tensors that share them lives', () => {
      const x = make(1, 2, 3, 4)
      const square = reshape(x, [2, 2])
      expect(leftBehind(() => x.dispose())).toBe(0)
      expect([...square.readSync()]).toEqual([1, 2, 3, 4])
      expect(leftBehind(() => square.dispose())).toBe(-1)
    })
    test('does not reach an owned tensor, which lives until it is released', () => {
      let mine: Tensor | undefined
      expect(
        leftBehind(() =>
          scope(() => {
            mine = makeOwned(() => add(make(1), 1))
          }),
        ),
      ).toBe(1)
      expect(mine?.item()).toBe(2)
      expect(leftBehind(() => mine?.release())).toBe(-1)
    })
    test('frees all memory of an op that throws, inside or outside', () => {
      const table = make(1, 2)
      const ids = device.tensor([5], { shape: [1], dtype: 'i32' })
      expect(leftBehind(() => expect(() => gather(table, ids)).toThrow(IndexError))).toBe(0)
      expect(leftBehind(() => expect(() => scope(() => gather(table, ids))).toThrow(IndexError))).toBe(0)
      for (const x of [table, ids]) x.dispose()
    })
    test('frees the intermediate tensors of a fused op', () => {
      const [x, gain, bias] = [zeros([3, 4], device), zeros([4], device), zeros([4], device)]
      let y: Tensor | undefined
      expect(
        leftBehind(() => {
          y = scope(() => layerNorm(x, gain, bias))
        }),
      ).toBe(1)
      for (const tensor of [x, gain, bias, y]) tensor?.dispose()
    })
    test('counts bytes as it counts buffers', () => {
      const before = device.memory
      const x = zeros([3, 5], device)
      expect(device.memory).toMatchObject({ buffers: before.buffers + 1, bytes: before.bytes + 60 })
      x.dispose()
      x.dispose()
      expect(device.memory).toEqual(before)
      expect(x.isDisposed).toBe(true)
      expect(leftBehind(() => scope(() => void sum(zeros([0], device))))).toBe(0)
    })
  },
)
