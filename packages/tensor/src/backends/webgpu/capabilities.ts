/** The capabilities of a device, as kernels need to know them. */
import { type Factors, halfFactors, quantizedFactors, singleFactors } from './wgsl/factors.ts'
import { type Fragments, tensorCores } from './wgsl/fragments.ts'
import type { GpuAdapter, GpuDevice, GpuInfo } from './gpu-interface.ts'

/**
 * How products and attention hold their factors: `single` precision, or `mixed`: factors are rounded to half
 * precision and sums are single, as tensor cores do it. Everything else is single precision either way, and
 * so are parameters, moments and results.
 */
export type Precision = 'single' | 'mixed'

export interface Capabilities {
  readonly precision: Precision
  readonly adapter: string
  /** Bytes of workgroup memory that a kernel may use. */
  readonly workgroupBytes: number
  readonly hasHalfPrecision: boolean
  /** Tensor cores that multiply half precision with sums in single precision. */
  readonly fragments: Fragments | undefined
  /**
   * Whether caches share numbers as well as workgroup memory does: on Apple's GPUs, and on processors that
   * emulate one.
   */
  readonly sharesThroughCaches: boolean
  /** Number of workgroups that keep the adapter busy; products of fewer tiles split their terms. */
  readonly busyGroups: number
}

/** Optional features that are used where the adapter has them. */
export const wantedFeatures = [
  'shader-f16',
  'subgroups',
  'subgroup-size-control',
  'chromium-experimental-subgroup-matrix',
] as const

/** Shapes of fragments that kernels can use, the best first. */
const fragmentShapes = [
  { rows: 16, columns: 16, terms: 16 },
  { rows: 8, columns: 16, terms: 16 },
  { rows: 8, columns: 8, terms: 8 },
]

export function capabilitiesOf(
  { info }: Pick<GpuAdapter, 'info'>,
  { features, limits }: Pick<GpuDevice, 'features' | 'limits'>,
  precision: Precision,
): Capabilities {
  const isSoftware = /swiftshader|llvmpipe|lavapipe/i.test(
    `${info.device} ${info.description} ${info.architecture}`,
  )
  return {
    precision,
    adapter: adapterName(info),
    workgroupBytes: limits.maxComputeWorkgroupStorageSize,
    hasHalfPrecision: features.has('shader-f16'),
    fragments: wantedFeatures.every((name) => features.has(name)) ? fragmentsOf(info) : undefined,
    sharesThroughCaches: isSoftware || info.vendor === 'apple',
    // Twice the multiprocessors of the largest GPUs; a few more groups cost small ones little.
    busyGroups: isSoftware ? 1 : 264,
  }
}

function fragmentsOf({ subgroupMatrixConfigs }: GpuInfo): Fragments | undefined {
  const shape = fragmentShapes.find(({ rows, columns, terms }) =>
    subgroupMatrixConfigs?.some(
      ({ componentType, resultComponentType, M, N, K }) =>
        componentType === 'f16' &&
        resultComponentType === 'f32' &&
        M === rows &&
        N === columns &&
        K === terms,
    ),
  )
  return shape && tensorCores(shape)
}

/** Formats vendor, architecture and name, as far as the adapter gives them. */
export function adapterName({ vendor, architecture, device, description }: GpuInfo): string {
  return [vendor, architecture, device, description].filter((x) => x !== '').join(', ') || 'unnamed'
}

/** The form in which product kernels hold their factors. */
export function factorsOf({ precision, hasHalfPrecision }: Capabilities): Factors {
  if (precision === 'single') return singleFactors
  return hasHalfPrecision ? halfFactors : quantizedFactors
}
