import { shown, StateError } from '@burgeon/tensor'
import { kindOf } from '../saved-state.ts'
import { AdaptiveWindowing } from './adaptive-windowing.ts'
import type { DriftDetector } from './drift-detector.ts'
import { PageHinkley } from './page-hinkley.ts'
import { StandardisedDetector } from './standardised.ts'

/** Restores any of this library's detectors from what its `toState` gave. Throws a `StateError` for any other state. */
export function driftDetectorFromState(state: unknown): DriftDetector {
  const kind = kindOf(state)
  switch (kind) {
    case 'adaptive-windowing':
      return AdaptiveWindowing.fromState(state)
    case 'page-hinkley':
      return PageHinkley.fromState(state)
    case 'standardised':
      return StandardisedDetector.fromState(state, driftDetectorFromState)
    default:
      throw new StateError(
        `driftDetectorFromState: got kind ${shown(kind)}; expected 'adaptive-windowing', 'page-hinkley' or 'standardised'. ` +
          'Restore a detector of your own with its own fromState.',
      )
  }
}
