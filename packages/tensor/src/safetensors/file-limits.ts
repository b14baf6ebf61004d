/** What a file may hold unless the reader is told otherwise; nothing is written that would then not be read back. */
export const fileLimits = {
  /** Also the work that a hostile header can cause. */
  headerBytes: 16 * 2 ** 20,
  tensors: 50_000,
  metadata: 50_000,
  rank: 8,
} as const
