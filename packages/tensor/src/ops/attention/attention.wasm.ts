/**
 * Attention on WASM: queries in blocks, so that only `rowsPerBlock × keys` scores exist at a time. Products
 * are strided `gemm` calls on q, k and v as they lie; the mask is only a bound on how many keys a row sees.
 *
 * A unit of work is one key/value group of one sequence, with all the heads that read it: dk and dv of a
 * group are then summed by one thread, in the order of heads and blocks.
 */
import {
  defineFunction,
  f32x4,
  type FunctionBuilder,
  type FunctionDefinition,
  i32,
  type Local,
  select,
  type Value,
} from '../../backends/wasm/assembler/index.ts'
import { forRow, sumOfRow } from '../../backends/wasm/loops/row-loop.ts'
import type { WasmBackend, WasmKernel, WasmOperand } from '../../backends/wasm/wasm-backend.ts'
import type { WasmFunction } from '../../backends/wasm/webassembly.ts'
import { sizeOf } from '../../shape.ts'
import { calibrationOf } from '../matmul/wasm/calibrate.wasm.ts'
import { gemmKernel, nameOf, packingBytes } from '../matmul/wasm/gemm.wasm.ts'
import { atMost, type Tile } from '../matmul/wasm/tile.wasm.ts'
import { type AttentionAttrs, type AttentionSizes, attentionSizes } from './attention.ts'
import { oneQuery } from './one-query.wasm.ts'
import { softmax, weights } from './softmax.wasm.ts'

const { mul, splat, sub } = f32x4

/** Queries whose scores exist at a time. */
const rowsPerBlock = 24
/** Minimum number of scores that are worth giving to another thread. */
const minScores = 4096

export const attentionWasm: WasmKernel<'attention'> = (backend, [q, k, v], [o, lse], attrs) => {
  const sizes = attentionSizes('attention', [q, k, v], attrs)
  if (sizes.t === 1) return oneQuery(backend, [q, k, v], [o, lse], sizes, attrs)
  const { tile } = calibrationOf(backend)
  const { forward } = backend.functions(
    `attention ${nameOf(tile)}`,
    (module) => module.exportDefined(buildForward(tile)),
    { areProducts: true },
  )
  runUnits(backend, forward, [q, k, v, o, lse], sizes, attrs, 1)
}

export const attentionGradWasm: WasmKernel<'attentionGrad'> = (
  backend,
  [dO, q, k, v, o, lse],
  [dq, dk, dv],
  attrs,
) => {
  const sizes = attentionSizes('attentionGrad', [q, k, v], attrs)
  const { tile } = calibrationOf(backend)
  const { backward } = backend.functions(
    `attention grad ${nameOf(tile)}`,
    (module) => module.exportDefined(buildBackward(tile)),
    { areProducts: true },
  )
  // Keys beyond `attrs.keys` get no gradient, and without queries no key does.
  if (attrs.keys < sizes.s || sizeOf(q.shape) === 0) {
    for (const x of [dk, dv]) backend.zero(x.buffer, 4 * sizeOf(x.shape))
  }
  runUnits(backend, backward, [q, k, v, o, lse, dO, dq, dk, dv], sizes, attrs, 2)
}

/** Calls a kernel for all units. `blocks`: how many blocks of scores it keeps at a time. */
function runUnits(
  backend: WasmBackend,
  kernel: WasmFunction,
  operands: readonly WasmOperand[],
  { b, t, s, h, g, d }: AttentionSizes,
  { keys, scale, causal }: AttentionAttrs,
  blocks: number,
): void {
  if (b * t * h * d === 0) return
  const stretches = backend.cut(b * g, minScores / Math.max(1, (t * keys * h) / g))
  const { tile } = calibrationOf(backend)
  const rows = Math.min(rowsPerBlock, t)
  const packing = [
    packingBytes(tile, rows, keys, d),
    packingBytes(tile, rows, d, keys),
    packingBytes(tile, keys, d, rows),
  ]
  const bytes = 4 * rows * keys * blocks + Math.max(...packing)
  backend.scratch(bytes * stretches.length, 'attention', (start) => {
    const pointers = operands.map(({ buffer }) => buffer)
    const calls = stretches.map(({ first, many }, i) => {
      const room = start + i * bytes
      return [...pointers, first, many, t, s, h, g, d, keys, scale, causal ? 4 : 0, backend.zeros, room]
    })
    backend.runAll(kernel, calls)
  })
}

// biome-ignore format: sizes as in `AttentionSizes`; `causal` is 4 (the next row sees 4 bytes more) or 0
const unitParameters = {
  first: 'i32', many: 'i32', t: 'i32', s: 'i32', h: 'i32', g: 'i32', d: 'i32', keys: 'i32',
  scale: 'f32', causal: 'i32', zeros: 'i32', room: 'i32',
} as const
// biome-ignore format: one line
const forwardParameters = { q: 'i32', k: 'i32', v: 'i32', o: 'i32', lse: 'i32', ...unitParameters } as const
// biome-ignore format: one line
const backwardParameters = {
  q: 'i32', k: 'i32', v: 'i32', o: 'i32', lse: 'i32', dO: 'i32', dq: 'i32', dk: 'i32', dv: 'i32', ...unitParameters,
} as const

type Units = { readonly [Name in keyof typeof unitParameters]: Local<(typeof unitParameters)[Name]> }

/** One block of queries of one head. */
interface Block {
  /** Bytes from the start of q, o, dO, dq to the first query of the block; of k, v, dk, dv; of lse. */
  readonly query: Value<'i32'>
  readonly key: Value<'i32'>
  readonly perRow: Value<'i32'>
  readonly rows: Value<'i32'>
  /** Keys that the last query sees: the width of the block. */
  readonly seen: Value<'i32'>
  /** Bytes of scores that the first query sees. */
  readonly firstSeen: Value<'i32'>
  /** Not 0 for the first block of a group, which sees all keys: later blocks add to what it wrote. */
  readonly isFirst: Value<'i32'>
  /** Bytes from row to row. */
  readonly queryRow: Value<'i32'>
  readonly keyRow: Value<'i32'>
}

/** The blocks of each head from the last to the first: under a causal mask the last one sees all keys. */
function eachBlock(f: FunctionBuilder, p: Units, body: (block: Block) => void): void {
  const headBytes = f.let(i32.shl(p.d, 2))
  const [queryRow, keyRow] = [f.let(i32.mul(headBytes, p.h)), f.let(i32.mul(headBytes, p.g))]
  const headsOfGroup = f.let(i32.divU(p.h, p.g))
  const end = f.let(i32.add(p.first, p.many))
  f.forRange(p.first, end, 1, (unit) => {
    const batch = f.let(i32.divU(unit, p.g))
    const group = f.let(i32.remU(unit, p.g))
    const key = f.let(i32.add(i32.mul(i32.mul(batch, p.s), keyRow), i32.mul(group, headBytes)))
    const head = f.local('i32', i32.mul(group, headsOfGroup))
    const isFirst = f.local('i32', 1)
    f.repeat(headsOfGroup, () => {
      const start = f.let(i32.add(i32.mul(i32.mul(batch, p.t), queryRow), i32.mul(head, headBytes)))
      const perRow = f.let(i32.shl(i32.mul(i32.add(i32.mul(batch, p.h), head), p.t), 2))
      const row = f.local(
        'i32',
        i32.mul(i32.divU(i32.add(p.t, rowsPerBlock - 1), rowsPerBlock), rowsPerBlock),
      )
      f.while(row, () => {
        f.advance(row, -rowsPerBlock)
        const rows = f.let(atMost(i32.sub(p.t, row), rowsPerBlock))
        const hidden = i32.sub(p.t, i32.add(row, rows))
        const seen = f.local('i32', p.keys)
        f.if(p.causal, () => f.set(seen, i32.sub(p.keys, hidden)))
        body({
          query: f.let(i32.add(start, i32.mul(row, queryRow))),
          perRow: f.let(i32.add(perRow, i32.shl(row, 2))),
          firstSeen: f.let(i32.sub(i32.shl(seen, 2), i32.mul(i32.sub(rows, 1), p.causal))),
          key,
          rows,
          seen,
          queryRow,
          keyRow,
          isFirst,
        })
        f.set(isFirst, 0)
      })
      f.advance(head, 1)
    })
  })
}

/** A matrix that a product reads: address, bytes from row to row, bytes from column to column. */
type Matrix = readonly [at: Value<'i32'>, row: Value<'i32'>, column: Value<'i32'>]

/** Writes calls of the product: C starts at 0 if `isFirst` is not 0, else at its present numbers. */
function products(f: FunctionBuilder, tile: Tile, zeros: Value<'i32'>, room: Value<'i32'>) {
  const gemm = gemmKernel(tile)
  const [none, four] = [i32.const(0), i32.const(4)]
  return (
    isFirst: Value<'i32'>,
    [c, cRow]: readonly [Value<'i32'>, Value<'i32'>],
    [m, n, k]: readonly [Value<'i32'>, Value<'i32'>, Value<'i32'>],
    [a, aRow, aColumn]: Matrix,
    [b, bRow, bColumn]: Matrix,
  ): void => {
    const [init, initRow, initColumn] = [
      select(isFirst, zeros, c),
      select(isFirst, none, cRow),
      select(isFirst, none, four),
    ]
    // biome-ignore format: one line
    f.call(gemm, { a, aRow, aColumn, b, bRow, bColumn, c, cRow, m, n, k, init, initRow, initColumn, room })
  }
}

function buildForward(tile: Tile): FunctionDefinition<typeof forwardParameters, void> {
  return defineFunction('forward', forwardParameters, (f, p) => {
    const [four, always] = [i32.const(4), i32.const(1)]
    const scores = p.room
    const packing = f.let(i32.add(p.room, i32.shl(i32.mul(atMost(p.t, rowsPerBlock), p.keys), 2)))
    const product = products(f, tile, p.zeros, packing)
    eachBlock(f, p, ({ query, key, perRow, rows, seen, firstSeen, queryRow, keyRow }) => {
      const [q, k, v, o] = [
        f.let(i32.add(p.q, query)),
        f.let(i32.add(p.k, key)),
        f.let(i32.add(p.v, key)),
        f.let(i32.add(p.o, query)),
      ]
      const width = f.let(i32.shl(seen, 2))
      // S = q·kᵀ, then P = softmax(scale·S) in its place, then o = P·v
      product(always, [scores, width], [rows, seen, p.d], [q, queryRow, four], [k, four, keyRow])
      const lse = f.let(i32.add(p.lse, perRow))
      f.call(softmax, { scores, lse, rows, width, seen: firstSeen, scale: p.scale, more: p.causal })
      product(always, [o, queryRow], [rows, p.d, seen], [scores, width, four], [v, keyRow, four])
    })
  })
}

function buildBackward(tile: Tile): FunctionDefinition<typeof backwardParameters, void> {
  return defineFunction('backward', backwardParameters, (f, p) => {
    const [four, always] = [i32.const(4), i32.const(1)]
    const blockBytes = f.let(i32.shl(i32.mul(atMost(p.t, rowsPerBlock), p.keys), 2))
    const [scores, gradients] = [p.room, f.let(i32.add(p.room, blockBytes))]
    const packing = f.let(i32.add(gradients, blockBytes))
    const product = products(f, tile, p.zeros, packing)
    const bytes = f.let(i32.shl(p.d, 2))
    eachBlock(f, p, ({ query, key, perRow, rows, seen, firstSeen, isFirst, queryRow, keyRow }) => {
      const [q, o, dO, dq] = [p.q, p.o, p.dO, p.dq].map((x) => f.let(i32.add(x, query)))
      const [k, v, dk, dv] = [p.k, p.v, p.dk, p.dv].map((x) => f.let(i32.add(x, key)))
      const width = f.let(i32.shl(seen, 2))
      // P = exp(scale·q·kᵀ − lse)
      product(always, [scores, width], [rows, seen, p.d], [q, queryRow, four], [k, four, keyRow])
      const lse = f.let(i32.add(p.lse, perRow))
      f.call(weights, { scores, lse, rows, width, seen: firstSeen, scale: p.scale, more: p.causal })
      // dv += Pᵀ·dO
      product(isFirst, [dv, keyRow], [seen, p.d, rows], [scores, four, width], [dO, queryRow, four])
      // dP = dO·vᵀ, then dS = P∘(dP − Σ dO·o)·scale in its place
      product(always, [gradients, width], [rows, seen, p.d], [dO, queryRow, four], [v, four, keyRow])
      f.call(scoreGradients, {
        gradients,
        weights: scores,
        dO,
        o,
        rows,
        width,
        bytes,
        queryRow,
        scale: p.scale,
      })
      // dq = dS·k,  dk += dSᵀ·q
      product(always, [dq, queryRow], [rows, p.d, seen], [gradients, width, four], [k, keyRow, four])
      product(isFirst, [dk, keyRow], [seen, p.d, rows], [gradients, four, width], [q, queryRow, four])
    })
  })
}

// biome-ignore format: gradients and weights of the scores, dO and o, sizes
const gradientParameters = {
  gradients: 'i32', weights: 'i32', dO: 'i32', o: 'i32',
  rows: 'i32', width: 'i32', bytes: 'i32', queryRow: 'i32', scale: 'f32',
} as const

const scoreGradients = defineFunction('scoreGradients', gradientParameters, (b, p) => {
  const scale = b.let(splat(p.scale))
  b.repeat(p.rows, () => {
    const delta = sumOfRow(b, p.bytes, (at, { load }) => mul(load(i32.add(p.dO, at)), load(i32.add(p.o, at))))
    forRow(b, p.width, (at, { load, store }) => {
      const place = b.let(i32.add(p.gradients, at))
      store(place, mul(mul(load(i32.add(p.weights, at)), sub(load(place), delta)), scale))
    })
    for (const row of [p.gradients, p.weights]) b.advance(row, p.width)
    for (const row of [p.dO, p.o]) b.advance(row, p.queryRow)
  })
})
