/** Detectors by the names that the command line has for them. */
import {
  adaptiveWindowing,
  cusum,
  ddm,
  type DriftDetector,
  type DriftVerdict,
  eddm,
  hddmAverage,
  hddmWeighted,
  kernelTwoSample,
  kswin,
  pageHinkley,
  standardized,
  type StandardizedOptions,
} from '@burgeon/continual'
import { UsageError } from '../../terminal/usage-error.ts'

/** Values of options by name. */
type Options = Readonly<Record<string, number | string>>

/** Makes a detector; `isRaw` hands it the values in their own unit. */
type Maker = (options: Options, isRaw: boolean) => DriftDetector

/** A detector in units of the signal, which by default sees standard deviations instead. */
const scaled =
  (make: (options: Options) => DriftDetector, defaults: Options): Maker =>
  (options, isRaw) => {
    if (isRaw) return make(options)
    const { warmUp, decay, ...own } = options
    const yardstick = { ...(warmUp !== undefined && { warmUp }), ...(decay !== undefined && { decay }) }
    // What is no number is refused there.
    return standardized(make({ ...defaults, ...own }), yardstick as StandardizedOptions)
  }

/** Name of a detector on the command line. */
export type DetectorName = OfNumbers | 'kernel'

type OfNumbers = 'adwin' | 'page-hinkley' | 'cusum' | 'kswin' | 'ddm' | 'eddm' | 'hddm-a' | 'hddm-w'

const makers: Readonly<Record<OfNumbers, Maker>> = {
  adwin: scaled(adaptiveWindowing, {}),
  'page-hinkley': scaled(pageHinkley, { threshold: 30, delta: 0.25 }),
  cusum: (options) => cusum({ threshold: 10, ...options }),
  kswin: (options) => kswin({ alpha: 1e-4, ...options }),
  ddm,
  eddm,
  'hddm-a': hddmAverage,
  'hddm-w': hddmWeighted,
}

/** All of them. */
export const detectorNames: readonly DetectorName[] = [...(Object.keys(makers) as OfNumbers[]), 'kernel']

/** One detector at work in a table. */
export interface ColumnWatch {
  readonly detector: DetectorName
  /** The column that it watches, or all of them. */
  readonly column: string
  /** The value or the values of a row that it sees. */
  seen(values: readonly number[]): number | readonly number[]
  update(values: readonly number[]): DriftVerdict
}

/**
 * Makes detectors anew: one of each name for each column, and one for all columns together where it takes
 * vectors.
 *
 * @param options `key=value`, for the only detector, or `name.key=value`. Numbers are read as such.
 * @throws UsageError for an option of no detector, and OptionError for one that the detector does not have.
 */
export function columnWatches(
  names: readonly DetectorName[],
  options: readonly string[],
  isRaw: boolean,
  columns: readonly string[],
): ColumnWatch[] {
  const byName = optionsByName(names, options)
  return names.flatMap((detector): ColumnWatch[] => {
    const own = byName.get(detector) ?? {}
    if (detector === 'kernel') {
      const part = kernelTwoSample(own)
      const column = columns.join(', ')
      return [{ detector, column, seen: (values) => values, update: (values) => part.update(values) }]
    }
    return columns.map((column, i) => {
      const part = makers[detector](own, isRaw)
      return { detector, column, seen: (values) => values[i], update: (values) => part.update(values[i]) }
    })
  })
}

function optionsByName(names: readonly DetectorName[], options: readonly string[]): Map<string, Options> {
  const byName = new Map(names.map((name): [string, Record<string, number | string>] => [name, {}]))
  for (const option of options) {
    const [, owner, key, text] = /^(?:([\w-]+)\.)?(\w+)=(.+)$/.exec(option) ?? []
    const only = names.length === 1 ? names[0] : undefined
    const own = byName.get(owner ?? only ?? '')
    if (key === undefined || own === undefined) {
      throw new UsageError(
        `drift: got --option ${option}; expected ${only === undefined ? 'detector.' : ''}key=value with one of the detectors ${names.join(', ')}.`,
      )
    }
    own[key] = Number.isNaN(Number(text)) ? text : Number(text)
  }
  return byName
}
