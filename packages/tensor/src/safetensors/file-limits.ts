/** The default limits of a file; nothing is written that could then not be read back. */
export const fileLimits = {
  /** Bounds also the work that a hostile header can cause. */
  headerBytes: 16 * 2 ** 20,
  tensors: 50_000,
  metadata: 50_000,
  rank: 8,
} as const
