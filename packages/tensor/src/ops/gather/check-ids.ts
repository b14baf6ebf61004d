import { IndexError } from '../../errors.ts'

/** Throws IndexError that names the first id outside [0, rows). */
export function checkIds(op: string, ids: ArrayLike<number>, rows: number): void {
  for (let i = 0; i < ids.length; i++) {
    if (!(ids[i] >= 0 && ids[i] < rows)) {
      throw new IndexError(
        `${op}: id ${ids[i]} at position ${i} is outside the table; expected 0 to ${rows - 1}.`,
      )
    }
  }
}
