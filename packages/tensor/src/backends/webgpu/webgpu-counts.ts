/** Counts of what has been made so far; a step of unchanged shapes makes nothing new. */
export interface WebGpuCounts {
  readonly pipelines: number
  readonly buffers: number
  readonly bindGroups: number
  readonly dispatches: number
  readonly submissions: number
}
