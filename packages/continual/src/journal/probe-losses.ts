/** What is measured by rows that are held back. Plain data. */

/** What is known of one domain. */
export interface DomainLoss {
  /** Rows measured. */
  readonly rows: number
  /** Mean loss of their predictions, in bits per byte; of examples, in bits for each. */
  readonly bits: number
  /**
   * What was forgotten, in bits per byte, ≥ 0: by how much the loss has risen since it was lowest, each time
   * by the rows that were measured the time before as well, so that it does not matter which rows come or go.
   * Of bytes, what lies above 8 bits does not count: a guess costs that much.
   */
  readonly forgotten: number
  /**
   * Loss of each row, in the order in which they were kept, in bits per byte: two measurements of the same
   * rows can be compared row by row. Not in events.
   */
  readonly rowBits?: readonly number[]
}

/** A measurement, by domain in the order in which their first rows were kept. Plain data. */
export type ProbeLosses = Readonly<Record<string, DomainLoss>>
