/** Rounds rows of activations to bytes on WASM, 32 numbers with a scale each. */
import {
  f32x4,
  type FunctionBuilder,
  i32,
  i32x4,
  type Value,
  v128,
} from '../../../backends/wasm/assembler/index.ts'
import { minNumbers } from '../../../backends/wasm/loops/row-loop.ts'
import type { Pointer, WasmBackend } from '../../../backends/wasm/wasm-backend.ts'
import { blockSize } from '../../../packed/packed-form.ts'
import { codesOf, joinedBytes, maxOfLanes, rowScale } from '../../pack-rows/round-rows.wasm.ts'

/** Where the codes of rows lie, and scale and scale·Σcode of each block. */
export interface RoundedRows {
  readonly codes: Pointer
  readonly scales: Pointer
  readonly sums: Pointer
}

/** @param blocks How many blocks of 32 numbers there are; they lie one after another from `from` on. */
export function roundBlocks(
  backend: WasmBackend,
  from: Pointer,
  blocks: number,
  max: number,
  { codes, scales, sums }: RoundedRows,
): void {
  const parameters = { from: 'i32', blocks: 'i32', codes: 'i32', scales: 'i32', sums: 'i32' } as const
  const { roundBlocks: kernel } = backend.functions(`round blocks ${max}`, (module) => {
    module.export('roundBlocks', parameters, (b, p) => {
      b.repeat(p.blocks, () => {
        const total = b.local('v128', i32x4.splat(0))
        const scale = eachCode(b, p.from, max, (four, i) => {
          b.set(total, i32x4.add(total, four))
          b.storeLane(p.codes, b.let(joinedBytes(four)), 0, 4 * i)
        })
        const sum = f32x4.convertI32x4S(i32x4.splat(lanesSum(total)))
        b.storeLane(p.scales, scale, 0)
        b.storeLane(p.sums, b.let(f32x4.mul(sum, scale)), 0)
        b.advance(p.from, 128)
        b.advance(p.codes, 32)
        b.advance(p.scales, 4)
        b.advance(p.sums, 4)
      })
    })
  })
  kernel(from, blocks, codes, scales, sums)
}

/** Writes the numbers that codes and scales of such blocks stand for, as single floats. */
export function roundNumbers(
  backend: WasmBackend,
  from: Pointer,
  blocks: number,
  max: number,
  to: Pointer,
): void {
  const { roundNumbers: kernel } = backend.functions(`round numbers ${max}`, (module) => {
    module.export('roundNumbers', { from: 'i32', blocks: 'i32', to: 'i32' }, (b, p) => {
      const codes = Array.from({ length: 8 }, () => b.local('v128'))
      b.repeat(p.blocks, () => {
        const scale = eachCode(b, p.from, max, (four, i) => b.set(codes[i], f32x4.convertI32x4S(four)))
        codes.forEach((four, i) => b.store(p.to, f32x4.mul(four, scale), 16 * i))
        b.advance(p.from, 128)
        b.advance(p.to, 128)
      })
    })
  })
  const least = Math.ceil(minNumbers / blockSize)
  backend.runOver(kernel, blocks, least, (first, many) => [from + 128 * first, many, to + 128 * first])
}

/** Calls `use` with each four codes of the 32 numbers at `from`; returns their scale. */
function eachCode(
  b: FunctionBuilder,
  from: Value<'i32'>,
  max: number,
  use: (four: Value<'v128'>, index: number) => void,
): Value<'v128'> {
  const numbers = Array.from({ length: 8 }, (_, i) => v128.load(from, 16 * i))
  const largest = b.local('v128', f32x4.abs(numbers[0]))
  for (const x of numbers.slice(1)) b.set(largest, f32x4.max(largest, f32x4.abs(x)))
  const row = rowScale(b, maxOfLanes(b, largest), max)
  numbers.forEach((x, i) => use(codesOf(b, b.let(x), row, max), i))
  return row.scale
}

const lanesSum = (x: Value<'v128'>): Value<'i32'> =>
  [1, 2, 3].reduce((sum, lane) => i32.add(sum, i32x4.extractLane(x, lane)), i32x4.extractLane(x, 0))
