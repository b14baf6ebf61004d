/**
 * Products with packed weights on WASM. Few rows are computed from the packed form; for many the weights are
 * unpacked, some rows at a time, for an ordinary product.
 *
 * A result is summed in the same order whatever the tile and wherever the rows of W are cut, so no bit
 * depends on the number of threads. Few rows of integers have the same bits on every machine, too; many are
 * multiplied as the single floats that they stand for, whose products are faster.
 */
import type { Pointer, WasmBackend, WasmKernel } from '../../backends/wasm/wasm-backend.ts'
import { blockSize, headerWords, maxCode, rowWords } from '../../packed/packed-form.ts'
import { gemm } from '../matmul/wasm/gemm.wasm.ts'
import { stepOf } from '../unpack-rows/decode.wasm.ts'
import { unpackInto } from '../unpack-rows/unpack-rows.wasm.ts'
import type { PackedMatmulAttrs } from './packed-matmul.ts'
import { floatKernel } from './wasm/float-kernel.wasm.ts'
import { byteKernel, nibbleKernel } from './wasm/integer-kernel.wasm.ts'
import { roundBlocks, type RoundedRows, roundNumbers } from './wasm/round-activations.wasm.ts'
import type { Tile } from './wasm/tile.wasm.ts'

/** Maximum number of rows of x that are multiplied from the packed form, in single floats and in integers. */
const fewRows = { floats: 16, integers: 32 }
/** Bytes of packed rows that stay in the second cache while several tiles of x read them. */
const cachedBytes = 131072
/** Minimum of packed bytes that are worth giving to another thread. */
const minBytes = 65536
/** Single floats that are unpacked at a time. */
const unpackedNumbers = 2097152

export const packedMatmulWasm: WasmKernel<'packedMatmul'> = (backend, [x, packed], [y], attrs) => {
  const [M, K] = x.shape
  const [N] = packed.shape
  if (M === 0 || N === 0) return
  if (K === 0) return backend.zero(y.buffer, 4 * M * N)
  const { activations } = attrs
  const sizes = [M, N, K] as const
  if (activations === 'f32' && M > fewRows.floats) {
    unpackedProduct(backend, { at: x.buffer, width: K }, packed.buffer, y.buffer, sizes, attrs)
    return
  }
  const step = activations === 'f32' ? stepOf(attrs.format) : blockSize
  withWholeSteps(backend, x.buffer, [M, K], step, (at, width) => {
    const run = (rows: Rows): void => packedProduct(backend, rows, packed.buffer, y.buffer, sizes, attrs)
    if (activations === 'f32') return run({ at, row: 4 * width, blockRow: 0, scales: 0, sums: 0, width })
    const blocks = width / blockSize
    const max = maxCode(activations)
    if (M > fewRows.integers) {
      return backend.scratch(4 * M * width, 'packedMatmul', (rounded) => {
        roundNumbers(backend, at, M * blocks, max, rounded)
        unpackedProduct(backend, { at: rounded, width }, packed.buffer, y.buffer, sizes, attrs)
      })
    }
    backend.scratch(M * blocks * (blockSize + 8), 'packedMatmul', (codes) => {
      const scales = codes + M * width
      const rounded: RoundedRows = { codes, scales, sums: scales + 4 * M * blocks }
      roundBlocks(backend, at, M * blocks, max, rounded)
      // Weights of bytes are filled up to 16 numbers only.
      const read = attrs.format === 'int4' ? width : 16 * Math.ceil(K / 16)
      run({ ...rounded, at: codes, row: width, blockRow: 4 * blocks, width: read })
    })
  })
}

/** Rows of x as a kernel reads them. */
interface Rows {
  readonly at: Pointer
  readonly row: number
  readonly blockRow: number
  readonly scales: Pointer
  readonly sums: Pointer
  readonly width: number
}

type Sizes = readonly [M: number, N: number, K: number]

/**
 * Calls `body` with rows that are whole steps long: with a copy, filled up with zeros, where they are not.
 */
function withWholeSteps(
  backend: WasmBackend,
  x: Pointer,
  [M, K]: readonly [number, number],
  step: number,
  body: (at: Pointer, width: number) => void,
): void {
  const width = step * Math.ceil(K / step)
  if (width === K) return body(x, K)
  backend.scratch(4 * M * width, 'packedMatmul', (copy) => {
    backend.zero(copy, 4 * M * width)
    const numbers = backend.view('f32', copy, M * width)
    const from = backend.view('f32', x, M * K)
    for (let row = 0; row < M; row++) numbers.set(from.subarray(row * K, (row + 1) * K), row * width)
    body(copy, width)
  })
}

function packedProduct(
  backend: WasmBackend,
  x: Rows,
  packed: Pointer,
  y: Pointer,
  [M, N, K]: Sizes,
  attrs: PackedMatmulAttrs,
): void {
  const rowBytes = 4 * rowWords(attrs, K)
  const header = 4 * headerWords(attrs, K)
  const call = (row: number, first: number, count: number): readonly number[] => [
    x.at + x.row * row,
    x.row,
    x.scales + x.blockRow * row,
    x.sums + x.blockRow * row,
    x.blockRow,
    packed + rowBytes * first,
    rowBytes,
    header,
    y + 4 * (N * row + first),
    4 * N,
    count,
    x.width,
  ]
  const least = Math.max(4, Math.ceil(minBytes / rowBytes))
  const most = M > 4 ? Math.max(4, Math.floor(cachedBytes / rowBytes)) : N
  const stretches = backend.cut(N, least).flatMap(({ first, many }) =>
    Array.from({ length: Math.ceil(many / most) }, (_, i) => ({
      first: first + i * most,
      many: Math.min(most, many - i * most),
    })),
  )
  const calls = new Map<Tile, (readonly number[])[]>()
  for (const { first, many } of stretches) {
    for (const { row, rows } of rowTiles(M)) {
      const wide = 4 / rows
      const whole = Math.floor(many / wide)
      const add = (tile: Tile, from: number, count: number): void => {
        if (count === 0) return
        const list = calls.get(tile) ?? []
        list.push(call(row, from, count))
        calls.set(tile, list)
      }
      add(tileOf(rows, wide), first, whole)
      if (wide > 1) add(tileOf(rows, 1), first + whole * wide, many - whole * wide)
    }
  }
  for (const [tile, list] of calls) backend.runAll(kernelOf(backend, attrs, tile), list)
}

/** Cuts rows of x into fours, a pair and a single one. */
function rowTiles(M: number): { row: number; rows: number }[] {
  const tiles: { row: number; rows: number }[] = []
  for (let row = 0; row < M; row += tiles.at(-1)?.rows ?? 1) {
    tiles.push({ row, rows: M - row >= 4 ? 4 : M - row >= 2 ? 2 : 1 })
  }
  return tiles
}

const tiles = [1, 2, 4].flatMap((x) =>
  x === 4
    ? [{ x, w: 1 }]
    : [
        { x, w: 4 / x },
        { x, w: 1 },
      ],
)
const tileOf = (x: number, w: number): Tile => tiles.find((tile) => tile.x === x && tile.w === w) as Tile

function kernelOf(
  backend: WasmBackend,
  { format, group = blockSize, activations }: PackedMatmulAttrs,
  tile: Tile,
): ReturnType<WasmBackend['functions']>[string] {
  const { relaxedSimd, relaxedDot } = backend.features
  const kind = activations === 'f32' ? 'f32' : relaxedDot ? 'relaxed' : 'exact'
  const key = `packedMatmul ${format} ${group} ${kind} ${tile.x}x${tile.w}`
  const definition = (): ReturnType<typeof floatKernel> => {
    if (activations === 'f32') return floatKernel(format, group, relaxedSimd, tile)
    return format === 'int4' ? nibbleKernel(group, relaxedDot, tile) : byteKernel(relaxedDot, tile)
  }
  const functions = backend.functions(key, (module) => module.exportDefined(definition()))
  return Object.values(functions)[0]
}

function unpackedProduct(
  backend: WasmBackend,
  x: { readonly at: Pointer; readonly width: number },
  packed: Pointer,
  y: Pointer,
  [M, N, K]: Sizes,
  attrs: PackedMatmulAttrs,
): void {
  const rowBytes = 4 * rowWords(attrs, K)
  const rows = Math.min(N, Math.max(16, Math.floor(unpackedNumbers / K)))
  backend.scratch(4 * rows * K, 'packedMatmul', (weights) => {
    for (let first = 0; first < N; first += rows) {
      const n = Math.min(rows, N - first)
      unpackInto(backend, packed + rowBytes * first, weights, n, attrs, K)
      gemm(backend, {
        m: M,
        n,
        k: K,
        a: { at: x.at, row: 4 * x.width, column: 4 },
        b: { at: weights, row: 4, column: 4 * K },
        c: y + 4 * first,
        cRow: 4 * N,
        init: 'zero',
      })
    }
  })
}
