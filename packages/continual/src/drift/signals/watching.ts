/** What a detector of a strategy watches: any number or vector of a step. */
import { type Check, checkArgument, checkOptions, checks } from '@burgeon/tensor'
import type { StepContext } from '../../journal/step-context.ts'
import type { DriftDetector } from '../drift-detector.ts'
import type { VectorDetector } from '../vectors/vector-detector.ts'

/** Takes a number or a vector of a step that has just been made, or a promise of it. Changes nothing. */
export type Signal<Value> = (context: StepContext) => Value | Promise<Value>

/** Which alarms count. */
export interface WatchingOptions {
  /** Name of the signal, for events; that of the function unless given. */
  readonly name?: string
  /**
   * Alarms that are drift: of a rise, as for losses, or of a change in either direction. `up` unless given;
   * vectors have no other direction.
   */
  readonly direction?: 'up' | 'both'
}

/** A detector and its signal. */
export interface Watching {
  /** Name of the detector and of what it watches. */
  readonly name: string
  readonly signal: Signal<number | ArrayLike<number>>
  readonly detector: DriftDetector | VectorDetector
  readonly direction: 'up' | 'both'
}

/** Any object of the kind. */
export const aWatching: Check<Watching> = checks.role(
  'what watching(signal, detector) makes',
  ...(['name', 'signal', 'detector', 'direction'] as const),
)

const anyDetector = checks.role<DriftDetector>('a detector', 'name', 'update', 'reset', 'toState', 'restore')

/**
 * Has a detector watch a signal of every step. Several stand side by side in `Strategy.detectors`.
 *
 * @param signal What it sees: a function of the step's context, such as `meanHiddenState`.
 * @param detector A fresh detector; of numbers or of vectors, as the signal is.
 * @throws OptionError for what is no function or no detector.
 * @example
 * const strategy = {
 *   detectors: [
 *     watching(({ bitsPerByte }) => bitsPerByte, adaptiveWindowing(), { name: 'loss' }),
 *     watching(meanHiddenState, kernelTwoSample()),
 *   ],
 * }
 */
export function watching(signal: Signal<number>, detector: DriftDetector, options?: WatchingOptions): Watching
export function watching(
  signal: Signal<ArrayLike<number>>,
  detector: VectorDetector,
  options?: WatchingOptions,
): Watching
export function watching(
  signal: Signal<number> | Signal<ArrayLike<number>>,
  detector: DriftDetector | VectorDetector,
  options: WatchingOptions = {},
): Watching {
  checkArgument('watching', 'signal', signal, checks.callback('a function of the step'))
  checkArgument('watching', 'detector', detector, anyDetector)
  checkOptions('watching', options, { name: checks.text, direction: checks.oneOf('up', 'both') })
  const { name = signal.name || 'a signal', direction = 'up' } = options
  return { name: `${detector.name} of ${name}`, signal, detector, direction }
}
