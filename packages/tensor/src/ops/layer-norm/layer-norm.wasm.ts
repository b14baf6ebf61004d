/**
 * Layer normalization on WASM: two passes over each row, so that nothing cancels; rows are shared among
 * threads.
 */
import { f32x4, i32, type Value, v128 } from '../../backends/wasm/assembler/index.ts'
import { minNumbers, forRow, type RowAccess, sumOfRow } from '../../backends/wasm/loops/row-loop.ts'
import type { WasmKernel } from '../../backends/wasm/wasm-backend.ts'
import { sizeOf } from '../../shape.ts'
import { forBlocksOfRows, sumOverRows } from './sum-over-rows.wasm.ts'

const { add, div, mul, splat, sqrt, sub } = f32x4

// biome-ignore format: what comes in, what goes out
const forwardParameters = {
  x: 'i32', gain: 'i32', bias: 'i32', y: 'i32', mean: 'i32', rstd: 'i32',
  rows: 'i32', bytes: 'i32', size: 'f32', epsilon: 'f32',
} as const

export const layerNormWasm: WasmKernel<'layerNorm'> = (
  backend,
  [x, gain, bias],
  [y, mean, rstd],
  { epsilon },
) => {
  const { forward } = backend.functions('layer norm', (module) => {
    module.export('forward', forwardParameters, (b, p) => {
      b.repeat(p.rows, () => {
        const mu = b.let(
          div(
            sumOfRow(b, p.bytes, (at, { load }) => load(i32.add(p.x, at))),
            splat(p.size),
          ),
        )
        const squares = sumOfRow(b, p.bytes, (at, { load }) => {
          const centered = b.let(sub(load(i32.add(p.x, at)), mu))
          return mul(centered, centered)
        })
        const scale = b.let(div(1, sqrt(add(div(squares, splat(p.size)), splat(p.epsilon)))))
        forRow(b, p.bytes, (at, { load, store }) => {
          const normal = mul(sub(load(i32.add(p.x, at)), mu), scale)
          store(i32.add(p.y, at), add(mul(normal, load(i32.add(p.gain, at))), load(i32.add(p.bias, at))))
        })
        b.storeLane(p.mean, mu, 0)
        b.storeLane(p.rstd, scale, 0)
        for (const row of [p.x, p.y]) b.advance(row, p.bytes)
        for (const perRow of [p.mean, p.rstd]) b.advance(perRow, 4)
      })
    })
  })
  const c = gain.shape[0]
  const rows = sizeOf(mean.shape)
  backend.runOver(forward, rows, minNumbers / c, (first, many) => {
    const row = 4 * c * first
    const perRow = 4 * first
    const from = [x.buffer + row, gain.buffer, bias.buffer]
    const to = [y.buffer + row, mean.buffer + perRow, rstd.buffer + perRow]
    return [...from, ...to, many, 4 * c, c, epsilon]
  })
}

// biome-ignore format: what comes in, what goes out
const backwardParameters = {
  dy: 'i32', x: 'i32', gain: 'i32', mean: 'i32', rstd: 'i32', dx: 'i32', dgain: 'i32', dbias: 'i32',
  rows: 'i32', bytes: 'i32', size: 'f32',
} as const

export const layerNormGradWasm: WasmKernel<'layerNormGrad'> = (
  backend,
  [dy, x, gain, mean, rstd],
  [dx, dgain, dbias],
) => {
  const { backward } = backend.functions('layer norm grad', (module) => {
    module.export('backward', backwardParameters, (b, p) => {
      forBlocksOfRows(b, p.rows, p.bytes, [p.dgain, p.dbias], () => {
        const mu = b.let(v128.load32Splat(p.mean))
        const scale = b.let(v128.load32Splat(p.rstd))
        const normal = (at: Value<'i32'>, load: RowAccess['load']): Value<'v128'> =>
          mul(sub(load(i32.add(p.x, at)), mu), scale)
        const dnormal = (at: Value<'i32'>, load: RowAccess['load']): Value<'v128'> =>
          mul(load(i32.add(p.dy, at)), load(i32.add(p.gain, at)))
        const size = b.let(splat(p.size))
        const meanOf = b.let(
          div(
            sumOfRow(b, p.bytes, (at, { load }) => dnormal(at, load)),
            size,
          ),
        )
        const along = b.let(
          div(
            sumOfRow(b, p.bytes, (at, { load }) => mul(dnormal(at, load), normal(at, load))),
            size,
          ),
        )
        forRow(b, p.bytes, (at, { load, store }) => {
          const xhat = b.let(normal(at, load))
          const dyAt = b.let(load(i32.add(p.dy, at)))
          const [dgainAt, dbiasAt] = [b.let(i32.add(p.dgain, at)), b.let(i32.add(p.dbias, at))]
          store(dgainAt, add(load(dgainAt), mul(dyAt, xhat)))
          store(dbiasAt, add(load(dbiasAt), dyAt))
          store(i32.add(p.dx, at), mul(sub(sub(dnormal(at, load), meanOf), mul(xhat, along)), scale))
        })
        for (const row of [p.dy, p.x, p.dx]) b.advance(row, p.bytes)
        for (const perRow of [p.mean, p.rstd]) b.advance(perRow, 4)
      })
    })
  })
  const c = gain.shape[0]
  const rows = sizeOf(mean.shape)
  sumOverRows(backend, rows, c, [dgain.buffer, dbias.buffer], (first, many, [gainSums, biasSums]) => {
    const row = 4 * c * first
    const perRow = 4 * first
    const from = [dy.buffer + row, x.buffer + row, gain.buffer, mean.buffer + perRow, rstd.buffer + perRow]
    return [backward, [...from, dx.buffer + row, gainSums, biasSums, many, 4 * c, c]]
  })
}
