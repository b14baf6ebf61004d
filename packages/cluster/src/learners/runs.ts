/** Positions in few words: runs of equal steps. */
import { type Check, checks } from '@burgeon/tensor'

/** `from, from + step, …`, so many of them. */
export type Run = readonly [from: number, count: number, step: number]

const positive = checks.integer({ from: 1 })

/** Check of a run. */
export const aRun: Check<Run> = {
  expected: 'a run [from, count, step] of positive integers, of at most a million positions',
  accepts: (value): value is Run =>
    Array.isArray(value) && value.length === 3 && value.every(positive.accepts) && value[1] <= 1e6,
}

/** Positions as runs, in the same order; it must be ascending. */
export function runsOf(positions: readonly number[]): Run[] {
  const runs: Run[] = []
  for (let i = 0; i < positions.length; ) {
    const step = i + 1 < positions.length ? positions[i + 1] - positions[i] : 1
    let count = 1
    while (positions[i + count] === positions[i] + count * step) count++
    runs.push([positions[i], count, step])
    i += count
  }
  return runs
}

/** The positions of runs, in order. */
export const positionsOf = (runs: readonly Run[]): number[] =>
  runs.flatMap(([from, count, step]) => Array.from({ length: count }, (_, i) => from + i * step))
