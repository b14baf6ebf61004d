/**
 * Cross-entropy on WASM: one pass for the maximum, one for the sum of exponentials; the softmax is never
 * stored.
 */
import { f32, f32x4, i32, v128 } from '../../backends/wasm/assembler/index.ts'
import { vectorMath } from '../../backends/wasm/expression/math.ts'
import { forRow, maxOfRow, sumOfRow } from '../../backends/wasm/loops/row-loop.ts'
import type { WasmBackend, WasmKernel, WasmOperand } from '../../backends/wasm/wasm-backend.ts'
import { IndexError } from '../../errors.ts'

/** Minimum number of exponentials that are worth giving to another thread. */
const minExponentials = 4096

const { add, extractLane, mul, splat, sub } = f32x4

export const crossEntropyWasm: WasmKernel<'crossEntropy'> = (backend, [logits, targets], [losses, lse]) => {
  checkTargets(backend, logits, targets)
  const { forward } = backend.functions('cross entropy', (module) => {
    // biome-ignore format: what comes in, what goes out
    const parameters = {
      logits: 'i32', targets: 'i32', losses: 'i32', lse: 'i32', rows: 'i32', bytes: 'i32',
    } as const
    module.export('forward', parameters, (b, p) => {
      b.repeat(p.rows, () => {
        const top = maxOfRow(b, p.bytes, (at, { load }) => load(i32.add(p.logits, at)))
        const total = sumOfRow(b, p.bytes, (at, { load }) =>
          b.inline(vectorMath.exp, { x: sub(load(i32.add(p.logits, at)), top) }),
        )
        const logSumExp = b.let(extractLane(add(top, b.call(vectorMath.log, { x: total })), 0))
        const target = b.let(i32.load(p.targets))
        b.store(p.lse, logSumExp)
        b.if(
          i32.ltS(target, 0),
          () => b.store(p.losses, f32.const(0)),
          () => b.store(p.losses, f32.sub(logSumExp, f32.load(i32.add(p.logits, i32.shl(target, 2))))),
        )
        b.advance(p.logits, p.bytes)
        for (const perRow of [p.targets, p.losses, p.lse]) b.advance(perRow, 4)
      })
    })
  })
  const [n, v] = logits.shape
  backend.runOver(forward, n, minExponentials / v, (first, many) => {
    const perRow = [targets, losses, lse].map(({ buffer }) => buffer + 4 * first)
    return [logits.buffer + 4 * v * first, ...perRow, many, 4 * v]
  })
}

export const crossEntropyGradWasm: WasmKernel<'crossEntropyGrad'> = (
  backend,
  [dlosses, logits, targets, lse],
  [dlogits],
) => {
  checkTargets(backend, logits, targets)
  const { backward } = backend.functions('cross entropy grad', (module) => {
    // biome-ignore format: what comes in, what goes out
    const parameters = {
      dlosses: 'i32', logits: 'i32', targets: 'i32', lse: 'i32', dlogits: 'i32', rows: 'i32', bytes: 'i32',
    } as const
    module.export('backward', parameters, (b, p) => {
      b.repeat(p.rows, () => {
        const target = b.let(i32.load(p.targets))
        b.if(
          i32.ltS(target, 0),
          () => b.fill(p.dlogits, 0, p.bytes),
          () => {
            const dloss = b.let(f32.load(p.dlosses))
            const logSumExp = b.let(v128.load32Splat(p.lse))
            forRow(b, p.bytes, (at, { load, store }) => {
              const share = b.inline(vectorMath.exp, { x: sub(load(i32.add(p.logits, at)), logSumExp) })
              store(i32.add(p.dlogits, at), mul(share, splat(dloss)))
            })
            const chosen = b.let(i32.add(p.dlogits, i32.shl(target, 2)))
            b.store(chosen, f32.sub(f32.load(chosen), dloss))
          },
        )
        for (const row of [p.logits, p.dlogits]) b.advance(row, p.bytes)
        for (const perRow of [p.dlosses, p.targets, p.lse]) b.advance(perRow, 4)
      })
    })
  })
  const [n, v] = logits.shape
  backend.runOver(backward, n, minExponentials / v, (first, many) => {
    const row = 4 * v * first
    const perRow = 4 * first
    const from = [dlosses.buffer + perRow, logits.buffer + row, targets.buffer + perRow, lse.buffer + perRow]
    return [...from, dlogits.buffer + row, many, 4 * v]
  })
}

/** Throws IndexError for a target beyond the vocabulary; a negative one means "not counted". */
function checkTargets(backend: WasmBackend, logits: WasmOperand, targets: WasmOperand): void {
  const [n, v] = logits.shape
  const ids = backend.view('i32', targets.buffer, n)
  const bad = ids.findIndex((id) => id >= v)
  if (bad >= 0) {
    throw new IndexError(
      `crossEntropy: target ${ids[bad]} at position ${bad} is outside the vocabulary; expected at most ${v - 1}, ` +
        'or a negative number for "not counted".',
    )
  }
}
