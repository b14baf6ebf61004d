/** What is public of drift, and nothing else. */
export {
  type AdaptiveWindowing,
  type AdaptiveWindowingOptions,
  adaptiveWindowing,
} from './adaptive-windowing.ts'
export { byteShift, type ByteShiftOptions } from './byte-shift.ts'
export { cusum, type CusumOptions } from './cusum.ts'
export type { DriftDetector, DriftDirection, DriftVerdict } from './drift-detector.ts'
export { ddm, type DdmOptions } from './error-rate/ddm.ts'
export { eddm, type EddmOptions } from './error-rate/eddm.ts'
export { hddmAverage, type HddmAverageOptions } from './error-rate/hddm-average.ts'
export { hddmWeighted, type HddmWeightedOptions } from './error-rate/hddm-weighted.ts'
export { kswin, type KswinOptions } from './kswin.ts'
export { pageHinkley, type PageHinkleyOptions } from './page-hinkley.ts'
export { standardized, type StandardizedOptions } from './standardized.ts'
export { meanHiddenState } from './signals/mean-hidden-state.ts'
export { type Signal, type Watching, watching, type WatchingOptions } from './signals/watching.ts'
export type { StreamWatch } from './stream-watch.ts'
export { kernelTwoSample, type KernelTwoSampleOptions } from './vectors/kernel-two-sample.ts'
export type { VectorDetector } from './vectors/vector-detector.ts'
