/** What is measured by rows that are held back. Plain data. */

/** What is known of one domain. */
export interface DomainLoss {
  /** Rows measured. */
  readonly rows: number
  /** Mean loss of their predictions, in bits per byte; of examples, in bits for each. */
  readonly bits: number
  /**
   * That less the lowest mean of the domain ever measured in a step, at least 0: what was forgotten. Of
   * bytes, what lies above 8 bits does not count: a guess costs that much.
   */
  readonly forgotten: number
}

/** A measurement, by domain in the order in which their first rows were kept. Plain data. */
export type ProbeLosses = Readonly<Record<string, DomainLoss>>
