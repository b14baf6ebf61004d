/** RMS normalization on WASM, forward and backward, one row at a time. */
import { f32x4, i32, type Value, v128 } from '../../backends/wasm/assembler/index.ts'
import { minNumbers, forRow, type RowAccess, sumOfRow } from '../../backends/wasm/loops/row-loop.ts'
import type { WasmKernel } from '../../backends/wasm/wasm-backend.ts'
import { sizeOf } from '../../shape.ts'
import { forBlocksOfRows, sumOverRows } from '../layer-norm/sum-over-rows.wasm.ts'

const { add, div, mul, splat, sqrt, sub } = f32x4

// biome-ignore format: what comes in, what goes out
const forwardParameters = {
  x: 'i32', gain: 'i32', y: 'i32', rrms: 'i32',
  rows: 'i32', bytes: 'i32', size: 'f32', epsilon: 'f32',
} as const

export const rmsNormWasm: WasmKernel<'rmsNorm'> = (backend, [x, gain], [y, rrms], { epsilon, width }) => {
  const { forward } = backend.functions('rms norm', (module) => {
    module.export('forward', forwardParameters, (b, p) => {
      b.repeat(p.rows, () => {
        const squares = sumOfRow(b, p.bytes, (at, { load }) => {
          const value = b.let(load(i32.add(p.x, at)))
          return mul(value, value)
        })
        const scale = b.let(div(1, sqrt(add(div(squares, splat(p.size)), splat(p.epsilon)))))
        forRow(b, p.bytes, (at, { load, store }) => {
          store(i32.add(p.y, at), mul(mul(load(i32.add(p.x, at)), scale), load(i32.add(p.gain, at))))
        })
        b.storeLane(p.rrms, scale, 0)
        for (const row of [p.x, p.y]) b.advance(row, p.bytes)
        b.advance(p.rrms, 4)
      })
    })
  })
  const c = gain.shape[0]
  backend.runOver(forward, sizeOf(rrms.shape), minNumbers / c, (first, many) => {
    const row = 4 * c * first
    const to = [y.buffer + row, rrms.buffer + 4 * first]
    return [x.buffer + row, gain.buffer, ...to, many, 4 * c, width ?? c, epsilon]
  })
}

// biome-ignore format: what comes in, what goes out
const backwardParameters = {
  dy: 'i32', x: 'i32', gain: 'i32', rrms: 'i32', dx: 'i32', dgain: 'i32',
  rows: 'i32', bytes: 'i32', size: 'f32',
} as const

export const rmsNormGradWasm: WasmKernel<'rmsNormGrad'> = (
  backend,
  [dy, x, gain, rrms],
  [dx, dgain],
  { width },
) => {
  const { backward } = backend.functions('rms norm grad', (module) => {
    module.export('backward', backwardParameters, (b, p) => {
      forBlocksOfRows(b, p.rows, p.bytes, [p.dgain], () => {
        const scale = b.let(v128.load32Splat(p.rrms))
        const normal = (at: Value<'i32'>, load: RowAccess['load']): Value<'v128'> =>
          mul(load(i32.add(p.x, at)), scale)
        const dnormal = (at: Value<'i32'>, load: RowAccess['load']): Value<'v128'> =>
          mul(load(i32.add(p.dy, at)), load(i32.add(p.gain, at)))
        const products = sumOfRow(b, p.bytes, (at, { load }) => mul(dnormal(at, load), normal(at, load)))
        const along = b.let(div(products, splat(p.size)))
        forRow(b, p.bytes, (at, { load, store }) => {
          const xhat = b.let(normal(at, load))
          const dgainAt = b.let(i32.add(p.dgain, at))
          store(dgainAt, add(load(dgainAt), mul(load(i32.add(p.dy, at)), xhat)))
          store(i32.add(p.dx, at), mul(sub(dnormal(at, load), mul(xhat, along)), scale))
        })
        for (const row of [p.dy, p.x, p.dx]) b.advance(row, p.bytes)
        b.advance(p.rrms, 4)
      })
    })
  })
  const c = gain.shape[0]
  sumOverRows(backend, sizeOf(rrms.shape), c, [dgain.buffer], (first, many, [gainSums]) => {
    const row = 4 * c * first
    const from = [dy.buffer + row, x.buffer + row, gain.buffer, rrms.buffer + 4 * first]
    return [backward, [...from, dx.buffer + row, gainSums, many, 4 * c, width ?? c]]
  })
}
