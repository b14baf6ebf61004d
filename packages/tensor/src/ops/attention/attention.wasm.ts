/**
 * Attention on WASM: queries in blocks, so that only `rowsPerBlock × keys` scores exist at a time. Products are strided
 * `gemm` calls on q, k and v as they lie; the mask is only a bound on how many keys a row sees.
 */
import {
  f32x4,
  type FunctionBuilder,
  i32,
  type Local,
  type Value,
  v128,
} from '../../backends/wasm/assembler/index.ts'
import { vectorMath } from '../../backends/wasm/math.ts'
import { forRow, maxOfRow, sumOfRow } from '../../backends/wasm/row-loop.ts'
import type {
  KernelFunctions,
  Pointer,
  WasmBackend,
  WasmKernel,
  WasmOperand,
} from '../../backends/wasm/wasm-backend.ts'
import { sizeOf } from '../../shape.ts'
import { gemm } from '../matmul/gemm.wasm.ts'
import { type AttentionAttrs, type AttentionSizes, attentionSizes } from './attention.ts'

const { add, div, mul, splat, sub } = f32x4

/** Queries whose scores exist at a time. */
const rowsPerBlock = 64

/** One block of queries of one head. */
interface Block {
  readonly batch: number
  readonly head: number
  /** The key/value group the head reads. */
  readonly group: number
  /** First query. */
  readonly row: number
  readonly rows: number
  /** Keys that the last query sees: the width of the block. */
  readonly keys: number
  /** Keys that the first query sees; each next one sees one more, up to `keys`. */
  readonly firstKeys: number
}

function* blocksOf({ b, t, h, g }: AttentionSizes, { causal, keys }: AttentionAttrs): Generator<Block> {
  for (let batch = 0; batch < b; batch++) {
    for (let head = 0; head < h; head++) {
      const group = Math.floor((head * g) / h)
      for (let row = 0; row < t; row += rowsPerBlock) {
        const rows = Math.min(rowsPerBlock, t - row)
        const seen = (query: number): number => (causal ? keys - t + query + 1 : keys)
        yield { batch, head, group, row, rows, keys: seen(row + rows - 1), firstKeys: seen(row) }
      }
    }
  }
}

/** Where a block's rows of q (or o, dO, dq) and its keys of k (or v, dk, dv) begin, and how far apart rows are. */
function places({ t, s, h, g, d }: AttentionSizes, { batch, head, group, row }: Block) {
  return {
    query: (x: WasmOperand): Pointer => x.buffer + 4 * d * ((batch * t + row) * h + head),
    key: (x: WasmOperand): Pointer => x.buffer + 4 * d * (batch * s * g + group),
    perRow: (x: WasmOperand): Pointer => x.buffer + 4 * ((batch * h + head) * t + row),
    queryRow: 4 * d * h,
    keyRow: 4 * d * g,
  }
}

export const attentionWasm: WasmKernel<'attention'> = (backend, [q, k, v], [o, lse], attrs) => {
  const sizes = attentionSizes('attention', [q, k, v], attrs)
  const { d } = sizes
  const { softmax } = attentionFunctions(backend)
  if (sizeOf(o.shape) === 0) return
  backend.scratch(4 * rowsPerBlock * attrs.keys, 'attention', (scores) => {
    for (const block of blocksOf(sizes, attrs)) {
      const { rows, keys, firstKeys } = block
      const { query, key, perRow, queryRow, keyRow } = places(sizes, block)
      // S = q·kᵀ, then P = softmax(scale·S) in its place, then o = P·v
      gemm(backend, {
        ...{ m: rows, n: keys, k: d, c: scores, cRow: 4 * keys, init: 'zero' },
        a: { at: query(q), row: queryRow, column: 4 },
        b: { at: key(k), row: 4, column: keyRow },
      })
      softmax(scores, perRow(lse), rows, 4 * keys, 4 * firstKeys, attrs.scale, attrs.causal ? 4 : 0)
      gemm(backend, {
        ...{ m: rows, n: d, k: keys, c: query(o), cRow: queryRow, init: 'zero' },
        a: { at: scores, row: 4 * keys, column: 4 },
        b: { at: key(v), row: keyRow, column: 4 },
      })
    }
  })
}

export const attentionGradWasm: WasmKernel<'attentionGrad'> = (
  backend,
  [dO, q, k, v, o, lse],
  [dq, dk, dv],
  attrs,
) => {
  const sizes = attentionSizes('attentionGrad', [q, k, v], attrs)
  const { d } = sizes
  const { weights, scoreSlopes } = attentionFunctions(backend)
  for (const x of [dk, dv]) backend.view('f32', x.buffer, sizeOf(x.shape)).fill(0)
  if (sizeOf(q.shape) === 0) return
  const bytes = 4 * rowsPerBlock * attrs.keys
  backend.scratch(2 * bytes, 'attentionGrad', (scores) => {
    const slopes = scores + bytes
    for (const block of blocksOf(sizes, attrs)) {
      const { rows, keys, firstKeys } = block
      const { query, key, perRow, queryRow, keyRow } = places(sizes, block)
      const width = 4 * keys
      // P = exp(scale·q·kᵀ − lse)
      gemm(backend, {
        ...{ m: rows, n: keys, k: d, c: scores, cRow: width, init: 'zero' },
        a: { at: query(q), row: queryRow, column: 4 },
        b: { at: key(k), row: 4, column: keyRow },
      })
      weights(scores, perRow(lse), rows, width, 4 * firstKeys, attrs.scale, attrs.causal ? 4 : 0)
      // dv += Pᵀ·dO
      gemm(backend, {
        ...{ m: keys, n: d, k: rows, c: key(dv), cRow: keyRow, init: 'accumulate' },
        a: { at: scores, row: 4, column: width },
        b: { at: query(dO), row: queryRow, column: 4 },
      })
      // dP = dO·vᵀ, then dS = P∘(dP − Σ dO·o)·scale in its place
      gemm(backend, {
        ...{ m: rows, n: keys, k: d, c: slopes, cRow: width, init: 'zero' },
        a: { at: query(dO), row: queryRow, column: 4 },
        b: { at: key(v), row: 4, column: keyRow },
      })
      scoreSlopes(slopes, scores, query(dO), query(o), rows, width, 4 * d, queryRow, attrs.scale)
      // dq = dS·k,  dk += dSᵀ·q
      gemm(backend, {
        ...{ m: rows, n: d, k: keys, c: query(dq), cRow: queryRow, init: 'zero' },
        a: { at: slopes, row: width, column: 4 },
        b: { at: key(k), row: keyRow, column: 4 },
      })
      gemm(backend, {
        ...{ m: keys, n: d, k: rows, c: key(dk), cRow: keyRow, init: 'accumulate' },
        a: { at: slopes, row: 4, column: width },
        b: { at: query(q), row: queryRow, column: 4 },
      })
    }
  })
}

// biome-ignore format: the rows, what belongs to each, and how many numbers of it count
const maskedParameters = {
  scores: 'i32', lse: 'i32', rows: 'i32', width: 'i32', seen: 'i32', scale: 'f32', more: 'i32',
} as const

function attentionFunctions(backend: WasmBackend): KernelFunctions {
  return backend.functions('attention', (module) => {
    module.export('softmax', maskedParameters, (b, p) => {
      const scale = b.let(splat(p.scale))
      eachMaskedRow(b, p, () => {
        const scaled = (at: Value<'i32'>, load: (pointer: Value<'i32'>) => Value<'v128'>): Value<'v128'> =>
          mul(load(i32.add(p.scores, at)), scale)
        const top = maxOfRow(b, p.seen, (at, { load }) => scaled(at, load))
        const total = sumOfRow(b, p.seen, (at, { load, store }) => {
          const weight = b.call(vectorMath.exp, { x: sub(scaled(at, load), top) })
          store(i32.add(p.scores, at), weight)
          return weight
        })
        const share = b.let(div(1, total))
        forRow(b, p.seen, (at, { load, store }) => {
          const place = b.let(i32.add(p.scores, at))
          store(place, mul(load(place), share))
        })
        b.storeLane(p.lse, add(top, b.call(vectorMath.log, { x: total })), 0)
      })
    })
    module.export('weights', maskedParameters, (b, p) => {
      const scale = b.let(splat(p.scale))
      eachMaskedRow(b, p, () => {
        const logSumExp = b.let(v128.load32Splat(p.lse))
        forRow(b, p.seen, (at, { load, store }) => {
          const place = b.let(i32.add(p.scores, at))
          store(place, b.call(vectorMath.exp, { x: sub(mul(load(place), scale), logSumExp) }))
        })
      })
    })
    // biome-ignore format: slopes and weights of the scores, dO and o, sizes
    const slopeParameters = {
      slopes: 'i32', weights: 'i32', dO: 'i32', o: 'i32',
      rows: 'i32', width: 'i32', bytes: 'i32', queryRow: 'i32', scale: 'f32',
    } as const
    module.export('scoreSlopes', slopeParameters, (b, p) => {
      const scale = b.let(splat(p.scale))
      b.repeat(p.rows, () => {
        const delta = sumOfRow(b, p.bytes, (at, { load }) =>
          mul(load(i32.add(p.dO, at)), load(i32.add(p.o, at))),
        )
        forRow(b, p.width, (at, { load, store }) => {
          const place = b.let(i32.add(p.slopes, at))
          store(place, mul(mul(load(i32.add(p.weights, at)), sub(load(place), delta)), scale))
        })
        for (const row of [p.slopes, p.weights]) b.advance(row, p.width)
        for (const row of [p.dO, p.o]) b.advance(row, p.queryRow)
      })
    })
  })
}

/** The row at hand: `scores` and `lse` point at it, `seen` bytes of it count. */
interface MaskedRow {
  readonly scores: Local<'i32'>
  readonly lse: Local<'i32'>
  readonly rows: Local<'i32'>
  readonly width: Local<'i32'>
  readonly seen: Local<'i32'>
  readonly more: Local<'i32'>
}

/** Runs `body` for each row, with zeros behind what it sees; the next row sees `more` bytes more. */
function eachMaskedRow(b: FunctionBuilder, row: MaskedRow, body: () => void): void {
  b.repeat(row.rows, () => {
    body()
    b.fill(i32.add(row.scores, row.seen), 0, i32.sub(row.width, row.seen))
    b.advance(row.scores, row.width)
    b.advance(row.lse, 4)
    b.advance(row.seen, row.more)
  })
}
