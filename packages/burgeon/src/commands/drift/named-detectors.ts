/** Detectors by the names that the command line has for them. */
import {
  adaptiveWindowing,
  cusum,
  ddm,
  type DriftDetector,
  eddm,
  hddmAverage,
  hddmWeighted,
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
export type DetectorName = 'adwin' | 'page-hinkley' | 'cusum' | 'kswin' | 'ddm' | 'eddm' | 'hddm-a' | 'hddm-w'

const makers: Readonly<Record<DetectorName, Maker>> = {
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
export const detectorNames = Object.keys(makers) as readonly DetectorName[]

/**
 * Makes detectors anew, one of each name.
 *
 * @param options `key=value`, for the only detector, or `name.key=value`. Numbers are read as such.
 * @throws UsageError for an option of no detector, and OptionError for one that the detector does not have.
 */
export function namedDetectors(
  names: readonly DetectorName[],
  options: readonly string[],
  isRaw: boolean,
): [DetectorName, DriftDetector][] {
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
  return names.map((name) => [name, makers[name](byName.get(name) ?? {}, isRaw)])
}
