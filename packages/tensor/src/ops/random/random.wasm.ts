/** Threefry-2×32 on WASM, four counters at a time; the same bits as `random/threefry.ts`. */
import {
  f32x4,
  type FunctionBuilder,
  i32,
  i32x4,
  type Value,
  v128,
} from '../../backends/wasm/assembler/index.ts'
import type { WasmKernel } from '../../backends/wasm/wasm-backend.ts'
import { parity, rotations } from '../../random/threefry.ts'
import { sizeOf } from '../../shape.ts'

export const randomWasm: WasmKernel<'random'> = (backend, _, [out], { key, distribution }) => {
  const functions = backend.functions('random', (module) => {
    for (const name of ['bits', 'uniform'] as const) {
      module.export(name, { to: 'i32', count: 'i32', key0: 'i32', key1: 'i32' }, (b, p) => {
        const counters = b.local('v128', i32x4.const(0, 1, 2, 3))
        // A block is padded to whole vectors, so the last store may pass the last element.
        b.forRange(0, p.count, 4, (i) => {
          const bits = threefry(b, p.key0, p.key1, counters)
          const numbers =
            name === 'bits' ? bits : f32x4.mul(f32x4.convertI32x4S(i32x4.shrU(bits, 8)), 2 ** -24)
          b.store(i32.add(p.to, i32.shl(i, 2)), numbers)
          b.set(counters, i32x4.add(counters, 4))
        })
      })
    }
  })
  functions[distribution](out.buffer, sizeOf(out.shape), key[0] | 0, key[1] | 0)
}

/** Both words of the counters (0, low), combined by exclusive or. */
function threefry(
  b: FunctionBuilder,
  key0: Value<'i32'>,
  key1: Value<'i32'>,
  low: Value<'v128'>,
): Value<'v128'> {
  const keys = [key0, key1, i32.xor(i32.xor(key0, key1), parity)].map((word) => b.let(i32x4.splat(word)))
  const x = b.local('v128', keys[0])
  const y = b.local('v128', i32x4.add(low, keys[1]))
  for (let group = 0; group < 5; group++) {
    for (const distance of rotations[group % 2]) {
      b.set(x, i32x4.add(x, y))
      b.set(y, v128.xor(x, v128.or(i32x4.shl(y, distance), i32x4.shrU(y, 32 - distance))))
    }
    b.set(x, i32x4.add(x, keys[(group + 1) % 3]))
    b.set(y, i32x4.add(i32x4.add(y, keys[(group + 2) % 3]), group + 1))
  }
  return v128.xor(x, y)
}
