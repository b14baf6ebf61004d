/** Rounds rows of activations to bytes on WASM, 32 numbers with a scale each. */
import { f32x4, i32, i32x4, type Value, v128 } from '../../../backends/wasm/assembler/index.ts'
import type { Pointer, WasmBackend } from '../../../backends/wasm/wasm-backend.ts'
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
        const numbers = Array.from({ length: 8 }, (_, i) => v128.load(p.from, 16 * i))
        const largest = b.local('v128', f32x4.abs(numbers[0]))
        for (const x of numbers.slice(1)) b.set(largest, f32x4.max(largest, f32x4.abs(x)))
        const row = rowScale(b, maxOfLanes(b, largest), max)
        const total = b.local('v128', i32x4.splat(0))
        numbers.forEach((x, i) => {
          const four = codesOf(b, b.let(x), row, max)
          b.set(total, i32x4.add(total, four))
          b.storeLane(p.codes, b.let(joinedBytes(four)), 0, 4 * i)
        })
        const sum = f32x4.convertI32x4S(i32x4.splat(lanesSum(total)))
        b.storeLane(p.scales, row.scale, 0)
        b.storeLane(p.sums, b.let(f32x4.mul(sum, row.scale)), 0)
        b.advance(p.from, 128)
        b.advance(p.codes, 32)
        b.advance(p.scales, 4)
        b.advance(p.sums, 4)
      })
    })
  })
  kernel(from, blocks, codes, scales, sums)
}

const lanesSum = (x: Value<'v128'>): Value<'i32'> =>
  [1, 2, 3].reduce((sum, lane) => i32.add(sum, i32x4.extractLane(x, lane)), i32x4.extractLane(x, 0))
