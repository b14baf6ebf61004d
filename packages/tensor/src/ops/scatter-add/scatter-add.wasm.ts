/**
 * Scatter-add on WASM: values are first sorted by row, then each row is one sum, in blocks and in order of
 * position. So a row that is hit a million times does not drift, and the bits depend neither on other rows
 * nor on the number of threads.
 */
import { i32, type Value, v128 } from '../../backends/wasm/assembler/index.ts'
import { forRow, minNumbers } from '../../backends/wasm/loops/row-loop.ts'
import { sumOfVectors } from '../../backends/wasm/loops/sum-of-vectors.ts'
import type { WasmBackend, WasmKernel } from '../../backends/wasm/wasm-backend.ts'
import { sizeOf } from '../../shape.ts'
import { checkIds } from '../gather/check-ids.ts'

export const scatterAddWasm: WasmKernel<'scatterAdd'> = (backend, [ids, values], [out], { rows }) => {
  const count = sizeOf(ids.shape)
  checkIds('scatterAdd', backend.view('i32', ids.buffer, count), rows)
  const row = 4 * sizeOf(out.shape.slice(1))
  const { scatter } = scatterFunctions(backend)
  backend.scratch(4 * (rows + count), 'scatterAdd', (hits) => {
    const places = hits + 4 * rows
    const found = backend.view('i32', ids.buffer, count)
    // For each row: how many values it gets, and where the list of their places begins.
    const perRow = backend.view('i32', hits, rows).fill(0)
    for (const id of found) perRow[id]++
    const next = new Uint32Array(rows + 1)
    for (let r = 0; r < rows; r++) next[r + 1] = next[r] + perRow[r]
    const starts = next.slice()
    const listed = backend.view('i32', places, count)
    for (let i = 0; i < count; i++) listed[next[found[i]]++] = values.buffer + i * row
    const numbersOfRow = (count * row) / (4 * Math.max(rows, 1))
    backend.runOver(scatter, rows, minNumbers / Math.max(numbersOfRow, 1), (first, many) => {
      return [out.buffer + first * row, hits + 4 * first, places + 4 * starts[first], many, row]
    })
  })
}

function scatterFunctions(backend: WasmBackend): ReturnType<WasmBackend['functions']> {
  return backend.functions('scatter add', (module) => {
    const parameters = { to: 'i32', hits: 'i32', places: 'i32', rows: 'i32', bytes: 'i32' } as const
    module.export('scatter', parameters, (b, { to, hits, places, rows, bytes }) => {
      // Takes a cache line of columns at a time, then the rest.
      const lines = b.let(i32.and(bytes, ~63))
      const rest = b.let(i32.sub(bytes, lines))
      b.repeat(rows, () => {
        const count = b.let(i32.load(hits))
        const sums = (
          at: Value<'i32'>,
          loads: readonly ((pointer: Value<'i32'>) => Value<'v128'>)[],
        ): Value<'v128'>[] => {
          const place = b.local('i32', places)
          const term = (): Value<'v128'>[] => {
            const from = b.let(i32.add(i32.load(place), at))
            return loads.map((load) => load(from))
          }
          return sumOfVectors(b, count, loads.length, term, () => b.advance(place, 4))
        }
        b.forRange(0, lines, 64, (at) => {
          const offsets = [0, 16, 32, 48]
          const loads = offsets.map((offset) => (pointer: Value<'i32'>) => v128.load(pointer, offset))
          sums(at, loads).forEach((sum, i) => b.store(i32.add(to, at), sum, offsets[i]))
        })
        forRow(b, rest, (after, { load, store }) => {
          const at = b.let(i32.add(lines, after))
          const [sum] = sums(at, [load])
          store(i32.add(to, at), sum)
        })
        b.advance(to, bytes)
        b.advance(hits, 4)
        b.advance(places, i32.shl(count, 2))
      })
    })
  })
}
