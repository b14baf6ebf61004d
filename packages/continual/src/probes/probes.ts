/** Probes: rows that are predicted and never learnt, by which it is judged what is known. */
import { type Check, checks } from '@burgeon/tensor'
import type { ProbeLosses } from '../journal/probe-losses.ts'
import type { Part } from '../part.ts'
import type { Batch } from '../stream/batch.ts'
import type { Row } from '../stream/row.ts'

/** What a row costs as the model is now. */
export interface RowBits {
  /** All its predictions together, in bits. */
  readonly bits: number
  /** Bytes that they stand for, > 0; of an example 1. */
  readonly bytes: number
}

/** Measures some rows, each by itself. */
export type MeasureRows = (rows: Batch) => Promise<readonly RowBits[]>

/** The role that holds rows back. Rows that it holds back are nowhere but here. */
export interface Probes extends Part {
  /** Whether a row is held back: of the same experience always the same, whatever was seen before. */
  isHeldBack(row: Row): boolean
  /** Takes note of rows that were held back in a step. */
  keep(held: Batch, step: number): void
  /** Rows kept. */
  readonly rows: number
  /** Measures every domain now, and changes nothing. */
  measure(measureRows: MeasureRows): Promise<ProbeLosses>
  /**
   * Measures after a step, where it is due and paid for.
   *
   * @param tokens Predictions that were learnt in the step.
   * @returns null where it is not due.
   */
  afterStep(tokens: number, measureRows: MeasureRows): Promise<ProbeLosses | null>
  recode(encoded: (row: Int32Array) => Int32Array): void
  toState(): unknown
  restore(state: unknown): void
}

/** The rows that probes would measure now, domain by domain. */
export async function rowsOf(probes: Pick<Probes, 'measure'>): Promise<readonly Batch[]> {
  const found: Batch[] = []
  await probes.measure(async (rows) => {
    found.push(rows)
    return rows.domains.map(() => ({ bits: 0, bytes: 1 }))
  })
  return found
}

/** Any object of the role. */
export const someProbes: Check<Probes> = checks.role(
  'probes, such as heldBack()',
  ...(['name', 'isHeldBack', 'keep', 'measure', 'afterStep', 'recode', 'toState', 'restore'] as const),
)
