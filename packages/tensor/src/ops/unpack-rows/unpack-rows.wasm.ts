/** Unpacks rows on WASM. The end of a row is unpacked beside it, and copied. */
import {
  f32x4,
  type FunctionBuilder,
  i32,
  i32x4,
  type Value,
  v128,
} from '../../backends/wasm/assembler/index.ts'
import { minNumbers } from '../../backends/wasm/loops/row-loop.ts'
import type { Pointer, WasmBackend, WasmKernel } from '../../backends/wasm/wasm-backend.ts'
import { blockSize, headerWords, type PackedForm, rowWords } from '../../packed/packed-form.ts'
import { sizeOf } from '../../shape.ts'
import { decodeStep, groupScales, type Scales, stepOf } from './decode.wasm.ts'

const roomBytes = 128

export const unpackRowsWasm: WasmKernel<'unpackRows'> = (backend, [packed], [out], attrs) => {
  unpackInto(backend, packed.buffer, out.buffer, sizeOf(packed.shape.slice(0, -1)), attrs, attrs.width)
}

/** Unpacks rows that lie one after another. */
export function unpackInto(
  backend: WasmBackend,
  from: Pointer,
  to: Pointer,
  rows: number,
  form: PackedForm,
  width: number,
): void {
  if (width === 0) return
  const { unpackRows } = unpackFunctions(backend, form)
  const rowBytes = 4 * rowWords(form, width)
  const headerBytes = 4 * headerWords(form, width)
  const stretches = backend.cut(rows, Math.ceil(minNumbers / width))
  backend.scratch(roomBytes * stretches.length, 'unpackRows', (room) => {
    backend.runAll(
      unpackRows,
      stretches.map(({ first, many }, i) => [
        to + 4 * width * first,
        from + rowBytes * first,
        many,
        width,
        rowBytes,
        headerBytes,
        room + roomBytes * i,
      ]),
    )
  })
}

const parameters = {
  to: 'i32',
  from: 'i32',
  rows: 'i32',
  width: 'i32',
  rowBytes: 'i32',
  headerBytes: 'i32',
  room: 'i32',
} as const

function unpackFunctions(
  backend: WasmBackend,
  { format, group = blockSize }: PackedForm,
): ReturnType<WasmBackend['functions']> {
  const step = stepOf(format)
  return backend.functions(`unpackRows ${format} ${group}`, (module) => {
    module.export('unpackRows', parameters, (b, p) => {
      const whole = b.let(i32.and(p.width, -step))
      const rest = b.let(i32.shl(i32.sub(p.width, whole), 2))
      b.repeat(p.rows, () => {
        const codes = b.local('i32', i32.add(p.from, p.headerBytes))
        const scales = rowScales(b, format, group, p.from)
        const unpack = (first: Value<'i32'>, to: Value<'i32'>): void => {
          const own = scales(first)
          decodeStep(b, format, codes, own, (numbers, index) => {
            b.store(to, finished(b, format, numbers, own), 16 * index)
          })
        }
        b.forRange(0, whole, step, (i) => {
          unpack(i, p.to)
          b.advance(codes, 16)
          b.advance(p.to, 4 * step)
        })
        b.if(rest, () => {
          unpack(whole, p.room)
          b.copy(p.to, p.room, rest)
          b.advance(p.to, rest)
        })
        b.advance(p.from, p.rowBytes)
      })
    })
  })
}

/** Returns the scales of the step that begins with a number, of the row at `row`. */
function rowScales(
  b: FunctionBuilder,
  format: PackedForm['format'],
  group: number,
  row: Value<'i32'>,
): (first: Value<'i32'>) => Scales | undefined {
  if (format === 'f16' || format === 'bf16') return () => undefined
  if (format !== 'int4') {
    const scale = b.let(v128.load32Splat(row))
    return () => ({ scale })
  }
  return (first) => {
    const word = i32.shl(i32.shrU(first, Math.log2(group)), 2)
    return groupScales(b, v128.load32Splat(i32.add(row, word)))
  }
}

/** Halves beyond all numbers are infinities and NaN; bytes want their scale. */
function finished(
  b: FunctionBuilder,
  format: PackedForm['format'],
  numbers: Value<'v128'>,
  scales: Scales | undefined,
): Value<'v128'> {
  if (format === 'int8' || format === 'int7') return f32x4.mul(numbers, (scales as Scales).scale)
  if (format !== 'f16') return numbers
  const isBeyond = f32x4.ge(f32x4.abs(numbers), f32x4.splat(65536))
  return b.let(v128.or(numbers, v128.and(isBeyond, i32x4.splat(0x7f800000))))
}
