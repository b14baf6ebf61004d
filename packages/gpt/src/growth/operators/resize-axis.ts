/** What most operators do: one axis gets longer wherever it occurs. */
import {
  type Average,
  type Axis,
  type DimensionMap,
  type Initial,
  OptionError,
  type ParameterChange,
  sizeOf,
  unchanged,
} from '@burgeon/tensor'
import type { GptConfig } from '../../gpt-config.ts'
import { type ParameterSpec, parameterSpecs } from '../../parameters.ts'

/** Resizes the dimensions with this label in all these parameters. `fresh` says what new slices hold. */
export function resizeAxis(
  specs: readonly ParameterSpec[],
  axis: Axis,
  map: DimensionMap,
  fresh: (spec: ParameterSpec) => Initial | Average,
): ParameterChange[] {
  return specs
    .filter(({ axes }) => axes.includes(axis))
    .map((spec) => ({
      kind: 'resize',
      path: spec.path,
      dimensions: spec.axes.map((label, i) => (label === axis ? map : unchanged(spec.shape[i]))),
      fresh: fresh(spec),
    }))
}

/** Learnt numbers that the second configuration has more than the first. */
export function parametersBetween(before: GptConfig, after: GptConfig): number {
  const [from, to] = [before, after].map((config) =>
    parameterSpecs(config).reduce((total, { shape }) => total + sizeOf(shape), 0),
  )
  return to - from
}

/** Throws OptionError unless `to` is an integer above `from`. */
export function checkGrows(axis: string, from: number, to: number): void {
  if (Number.isSafeInteger(to) && to > from) return
  throw new OptionError(`grow ${axis}: got to = ${to}; expected an integer above ${from}.`)
}
