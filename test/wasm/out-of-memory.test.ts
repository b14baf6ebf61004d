import { add, fill, matmul, openScope, OutOfMemoryError, tensorFrom } from '@burgeon/tensor'
import { openWasm } from '@burgeon/tensor/wasm'
import { expect, test } from 'vitest'

test('a tensor that does not fit in the 4 GiB of WebAssembly is named in the error, and no other is lost', () => {
  using _ = openScope()
  const device = openWasm({ threads: 1 })
  const kept = tensorFrom([3], (i) => i, device)
  const { buffers, bytes } = device.memory
  expect(() => fill(device, [40_000, 30_000], 1)).toThrow(OutOfMemoryError)
  expect(() => fill(device, [40_000, 30_000], 1)).toThrow(/^fill \[40000, 30000\]: no room for \d+ bytes/)
  const column = fill(device, [40_000, 1], 1)
  expect(() => matmul(column, column, { transposeB: true })).toThrow(/^matmul \[40000, 40000\]: no room/)
  column.dispose()
  expect(device.memory).toMatchObject({ buffers, bytes })
  expect([...add(kept, 1).readSync()]).toEqual([1, 2, 3])
})
