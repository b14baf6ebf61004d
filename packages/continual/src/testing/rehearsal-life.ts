/** The made-up stream that a rehearsal is tried on, and what it sees of each step. */
import type { Gpt } from '@burgeon/gpt'
import type { RecallContext, StepContext } from '../journal/step-context.ts'
import { passOf } from '../model/pass.ts'
import { batchOfRows, padding, type TokenBatch } from '../stream/batch.ts'
import type { Origin } from '../stream/origin.ts'

/** Number of steps of the life that a rehearsal is tried in. */
export const steps = 60
/** Tokens that the model has; the stream uses the first sixteen. */
export const vocabulary = 280
/** The step from which on rows are as long as a context that has grown. */
export const longFrom = 30

export const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, i) => from + i)

/**
 * Two new rows in every step, all different; the second is shorter. Each says where it came from, and every
 * third step how strongly its predictions are learnt.
 */
export function batchAt(step: number): TokenBatch {
  const length = step < longFrom ? 4 : 8
  const row = (i: number, size: number): Int32Array =>
    Int32Array.from({ length: size }, (_, t) =>
      t === 0 ? step % 16 : t === 1 ? i + (step >> 4) : (step + t) % 16,
    )
  const rows = [row(0, length + 1), row(8, length - 1)]
  const domains = [domainAt(step), domainAt(step)]
  return batchOfRows(
    rows,
    domains,
    length,
    rows.map((_, i) => originAt(step, i)),
    rows.map(() => (step % 3 === 1 ? weightsFrom(step, length) : null)),
  )
}

const weightsFrom = (step: number, length: number): Float32Array =>
  Float32Array.from({ length }, (_, t) => ((step + t) % 4 === 0 ? 2 : 0.5))

/** Origin of a row of a step. */
export const originAt = (step: number, row: number): Origin => ({
  id: 2 * step + row,
  source: `source ${step % 3}`,
  domain: domainAt(step),
  at: 40 * step + row,
  trust: (step % 5) / 4,
})

const domainAt = (step: number): string => (step < steps / 2 ? 'first' : 'second')

export function contextOf(step: number, model: Gpt, fresh: TokenBatch = batchAt(step)): StepContext<Gpt> {
  const rowLosses = Array.from({ length: fresh.rows }, (_, i) => 1 + ((step + i) % 3))
  return {
    step: step + 1,
    model,
    fresh,
    old: null,
    rowLosses,
    tokenLosses: new Float64Array(fresh.rows * fresh.length).fill(2),
    oldLosses: null,
    // As of a model that had fewer outputs at first.
    logits: Array.from({ length: fresh.rows * fresh.length * (step < longFrom ? 5 : 6) }, (_, i) =>
      Math.sin(step + i),
    ),
    bitsPerByte: 2,
    bytes: fresh.tokens.filter((token) => token !== padding),
    losses: [2],
    stepsSinceDrift: null,
    mirrors: [],
    events: [],
  }
}

export function recallContext(step: number, model: Gpt, fresh: TokenBatch = batchAt(step)): RecallContext {
  return {
    ...{ step, model, fresh, weights: model.parameters.tensors() },
    predict: (rows) => (weights) => passOf(model, rows, weights),
  }
}
