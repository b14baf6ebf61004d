/** Packs rows on WASM. What is left of a row beside whole vectors is first copied between zeros. */
import {
  f32x4,
  type FunctionBuilder,
  i32,
  i32x4,
  type Value,
  v128,
} from '../../backends/wasm/assembler/index.ts'
import { minNumbers } from '../../backends/wasm/loops/row-loop.ts'
import type { WasmBackend, WasmKernel } from '../../backends/wasm/wasm-backend.ts'
import { maxCode } from '../../packed/packed-form.ts'
import { sizeOf } from '../../shape.ts'
import type { RowFormat } from './pack-rows.ts'
import { codesOf, joinedBytes, maxOfLanes, rowScale } from './round-rows.wasm.ts'

/** Bytes where a call puts the end of a row. */
const roomBytes = 64

export const packRowsWasm: WasmKernel<'packRows'> = (backend, [x], [out], { format }) => {
  const width = x.shape.at(-1) as number
  const words = out.shape.at(-1) as number
  const rows = sizeOf(x.shape.slice(0, -1))
  const { packRows } = packFunctions(backend, format)
  const stretches = backend.cut(rows, Math.ceil(minNumbers / Math.max(1, width)))
  backend.scratch(roomBytes * stretches.length, 'packRows', (room) => {
    backend.runAll(
      packRows,
      stretches.map(({ first, many }, i) => [
        out.buffer + 4 * words * first,
        x.buffer + 4 * width * first,
        many,
        width,
        4 * words,
        room + roomBytes * i,
      ]),
    )
  })
}

// biome-ignore format: one line is the call
const parameters = { to: 'i32', from: 'i32', rows: 'i32', width: 'i32', rowBytes: 'i32', room: 'i32' } as const

function packFunctions(backend: WasmBackend, format: RowFormat): ReturnType<WasmBackend['functions']> {
  const isFloat = format === 'f16' || format === 'bf16'
  /** Numbers that are packed at once. */
  const step = isFloat ? 8 : 4
  return backend.functions(`packRows ${format}`, (module) => {
    module.export('packRows', parameters, (b, { to, from, rows, width, rowBytes, room }) => {
      const whole = b.let(i32.and(width, -step))
      const rest = b.let(i32.shl(i32.sub(width, whole), 2))
      b.repeat(rows, () => {
        b.fill(to, 0, rowBytes)
        b.fill(room, 0, 4 * step)
        b.copy(room, i32.add(from, i32.shl(whole, 2)), rest)
        const eachStep = (body: (at: Value<'i32'>, place: Value<'i32'>) => void): void => {
          const place = b.local('i32', to)
          if (!isFloat) b.advance(place, 4)
          b.forRange(0, i32.shl(whole, 2), 4 * step, (at) => {
            body(b.let(i32.add(from, at)), place)
            b.advance(place, isFloat ? 16 : 4)
          })
          b.if(rest, () => body(room, place))
        }
        if (isFloat) eachStep((at, place) => b.store(place, halves(b, format, at)))
        else {
          const max = maxCode(format)
          const largest = b.local('v128', f32x4.splat(0))
          eachStep((at) => b.set(largest, f32x4.max(largest, f32x4.abs(v128.load(at)))))
          const row = rowScale(b, maxOfLanes(b, largest), max)
          b.storeLane(to, row.scale, 0)
          eachStep((at, place) => {
            const codes = codesOf(b, b.let(v128.load(at)), row, max)
            b.storeLane(place, b.let(joinedBytes(codes)), 0)
          })
        }
        b.advance(from, i32.shl(width, 2))
        b.advance(to, rowBytes)
      })
    })
  })
}

/** Eight numbers from `at` on as four words. */
function halves(b: FunctionBuilder, format: 'f16' | 'bf16', at: Value<'i32'>): Value<'v128'> {
  const bits = format === 'f16' ? halfBits : brainBits
  const low = bits(b, b.let(v128.load(at)))
  const high = bits(b, b.let(v128.load(at, 16)))
  return v128.or(low, i32x4.shl(high, 16))
}

/** As `brainBits` of `packed/half-floats.ts`. */
function brainBits(b: FunctionBuilder, x: Value<'v128'>): Value<'v128'> {
  const isOdd = v128.and(i32x4.shrU(x, 16), i32x4.splat(1))
  const rounded = i32x4.shrU(i32x4.add(i32x4.add(x, i32x4.splat(0x7fff)), isOdd), 16)
  const notANumber = v128.or(i32x4.shrU(x, 16), i32x4.splat(0x40))
  return b.let(v128.bitselect(rounded, notANumber, f32x4.eq(x, x)))
}

/** As `halfBits` of `packed/half-floats.ts`. */
function halfBits(b: FunctionBuilder, x: Value<'v128'>): Value<'v128'> {
  const magnitude = b.let(v128.and(x, i32x4.splat(0x7fffffff)))
  const isOdd = v128.and(i32x4.shrU(magnitude, 13), i32x4.splat(1))
  const normal = i32x4.shrU(i32x4.add(i32x4.add(magnitude, i32x4.splat(0xfff - 0x38000000)), isOdd), 13)
  const small = i32x4.sub(f32x4.add(magnitude, f32x4.splat(0.5)), i32x4.splat(0x3f000000))
  const finite = b.let(v128.bitselect(small, normal, i32x4.ltS(magnitude, i32x4.splat(0x38800000))))
  const beyond = v128.bitselect(
    i32x4.splat(0x7e00),
    i32x4.splat(0x7c00),
    i32x4.gtS(magnitude, i32x4.splat(0x7f800000)),
  )
  const bits = v128.bitselect(beyond, finite, i32x4.geS(magnitude, i32x4.splat(0x47800000)))
  return b.let(v128.or(bits, i32x4.shrU(v128.and(x, i32x4.splat(0x80000000)), 16)))
}
