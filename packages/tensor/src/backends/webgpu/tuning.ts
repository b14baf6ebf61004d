/** The fastest kernels of one adapter, as plain data. */
export interface WebGpuTuning {
  /** The adapter on which they were measured, as `aboutWebGpu` calls it. */
  readonly adapter: string
  /** The name of a kernel for each class of products. */
  readonly kernels: Readonly<Record<string, string>>
}
