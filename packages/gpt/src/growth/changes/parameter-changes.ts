/** Changes of the parameters of a model, as operators put them together. */
import {
  type SliceAverage,
  type Axis,
  type ParameterCopy,
  type DimensionMap,
  type InitialValues,
  type ParameterChange,
  type Slices,
  keepAxis,
} from '@burgeon/tensor'
import type { GptConfig } from '../../config/gpt-config.ts'
import { type ParameterSpec, parameterSpecs } from '../../config/parameters.ts'

export const zero: InitialValues = { kind: 'zero' }
/**
 * As large as what the parameter has, so that new slices see and do as much as old ones; small beside
 * nothing.
 */
export const small: InitialValues = { kind: 'normal', standardDeviation: 0.02, asOld: true }

/** Resizes the dimensions with this label in all these parameters. `fresh` says what new slices hold. */
export function resizeAxis(
  specs: readonly ParameterSpec[],
  axis: Axis,
  map: DimensionMap | ((spec: ParameterSpec) => DimensionMap),
  fresh: (spec: ParameterSpec) => InitialValues | SliceAverage | Slices,
): ParameterChange[] {
  return specs
    .filter(({ axes }) => axes.includes(axis))
    .map((spec) => {
      const along = typeof map === 'function' ? map(spec) : map
      const dimensions = spec.axes.map((label, i) => (label === axis ? along : keepAxis(spec.shape[i])))
      return { kind: 'resize', path: spec.path, dimensions, fresh: fresh(spec) }
    })
}

/**
 * Whether a parameter writes into the residual stream. Where all writers of a block are 0, it passes the
 * stream on as it is.
 */
export const isWriter = (path: string): boolean =>
  /\.(output|down)\.(weight|bias|adapter\.b\.weight)$/.test(path)

/**
 * A parameter of a part of the model that writes `share` of what it wrote. Its writers are multiplied by
 * that; their gradients stay, and those of all that stands before them are multiplied by it.
 *
 * @param gradient What else the gradients of all are multiplied by, 1 unless given.
 */
export function writingLess(
  { path, shape }: ParameterSpec,
  share: number,
  gradient: number = 1,
): ParameterChange {
  const [length, ...others] = shape
  const all = (factor: number): number[] => Array.from({ length }, () => factor)
  const first: DimensionMap = {
    ...keepAxis(length),
    ...(isWriter(path) && share !== 1 && { valueFactor: all(share) }),
    gradientFactor: all(isWriter(path) ? gradient : gradient * share),
  }
  return { kind: 'resize', path, dimensions: [first, ...others.map(keepAxis)], fresh: zero }
}

/**
 * Adds what the second configuration has and the first has not; each starts as its specification says unless
 * `initial` does.
 */
export function additions(
  before: GptConfig,
  after: GptConfig,
  initial: (spec: ParameterSpec) => InitialValues | ParameterCopy = (spec) => spec.initial,
): ParameterChange[] {
  const known = new Set(parameterSpecs(before).map(({ path }) => path))
  return parameterSpecs(after)
    .filter(({ path }) => !known.has(path))
    .map((spec) => ({
      kind: 'add',
      path: spec.path,
      axes: spec.axes,
      shape: spec.shape,
      initial: initial(spec),
    }))
}

/** The parameters of one part of a block, such as `attention`. */
export function specsOf(config: GptConfig, block: string, part: 'attention' | 'mlp'): ParameterSpec[] {
  const start = `blocks.${block}.${part}.`
  return parameterSpecs(config).filter(({ path }) => path.startsWith(start))
}
