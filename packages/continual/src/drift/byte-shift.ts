import { checkOptions, checks, OptionError, StateError } from '@burgeon/tensor'
import { requireFinite, requireSameOptions, stateOfKind } from '../saved-state.ts'

import type { DriftVerdict } from './drift-detector.ts'
import { FadingCounts, type FadingCountsState } from './fading-counts.ts'
import type { StreamWatch } from './stream-watch.ts'

/** How much and how lasting a change of bytes counts. */
export interface ByteShiftOptions {
  /** Bytes after which a byte counts half in the picture of the present. Default 4,096. */
  readonly recent?: number
  /** Bytes after which a byte counts half in the picture of the past; more than `recent`. Default 65,536. */
  readonly past?: number
  /** Bits per byte by which the present may differ from the past without counting, ≥ 0. Default 0.1. */
  readonly tolerance?: number
  /** Bits of evidence that are an alarm, > 0. Default 384. */
  readonly threshold?: number
  /** Bytes read before evidence counts, ≥ 1, also after an alarm. Default 12,800. */
  readonly warmUp?: number
}

interface State {
  readonly kind: 'byte-shift'
  readonly options: Required<ByteShiftOptions>
  readonly present: FadingCountsState
  readonly past: FadingCountsState
  readonly seen: number
  readonly evidence: number
}

const defaults: Required<ByteShiftOptions> = {
  recent: 4096,
  past: 65_536,
  tolerance: 0.1,
  threshold: 384,
  warmUp: 12_800,
}

/** Bits that one byte may count for, either way. */
const maxEvidence = 2

/** Bytes that each picture's prior counts for: the past leans on nothing much, the present on the past. */
const [pastPrior, presentPrior] = [0.5, 256]

/**
 * Notices that other bytes come than before: a CUSUM (Page 1954) on the log-likelihood ratio of two fading
 * byte frequencies, those of late and those of long,
 *
 *   evidence ← max(0, evidence + log₂ p_present(b) − log₂ p_past(b) − tolerance)   for every byte b,
 *
 * Both frequencies are of the bytes before b, so that a stationary stream gives negative evidence
 * (nonanticipating estimates, Lorden & Pollak 2005). One byte counts for at most two bits, so that a few rare
 * ones are no change. How the stream is cut into batches does not matter.
 *
 * @throws OptionError for an option outside its range.
 * @example
 * ```ts
 * const strategy = { rehearsal: reservoirReplay({ capacity: 500 }), watches: [byteShift()] }
 * ```
 */
export function byteShift(options: ByteShiftOptions = {}): StreamWatch {
  checkOptions('byteShift', options, {
    recent: checks.number({ above: 0 }),
    past: checks.number({ above: 0 }),
    tolerance: checks.number({ from: 0 }),
    threshold: checks.number({ above: 0 }),
    warmUp: checks.integer({ from: 1 }),
  })
  const all = { ...defaults, ...options }
  if (!(all.past > all.recent)) {
    throw new OptionError(`byteShift: got recent ${all.recent} and past ${all.past}; expected recent < past.`)
  }
  const [present, past] = [new FadingCounts(all.recent), new FadingCounts(all.past)]
  let [seen, evidence] = [0, 0]
  const reset = (): void => {
    present.reset()
    past.reset()
    seen = 0
    evidence = 0
  }
  /** Evidence of one byte, in bits; the byte joins both pictures. */
  const surprise = (byte: number): number => {
    const before = past.probability(byte, 1 / 256, pastPrior)
    const now = present.probability(byte, before, presentPrior)
    present.add(byte)
    past.add(byte)
    seen++
    return Math.min(maxEvidence, Math.max(-maxEvidence, Math.log2(now / before)))
  }
  return {
    name: 'byte shift',
    update(bytes): DriftVerdict {
      let [drift, estimate] = [false, evidence]
      for (let i = 0; i < bytes.length; i++) {
        const gained = surprise(bytes[i])
        if (seen > all.warmUp) evidence = Math.max(0, evidence + gained - all.tolerance)
        if (!drift) estimate = evidence
        if (evidence <= all.threshold) continue
        drift = true
        reset()
      }
      return { drift, direction: drift ? 'up' : null, estimate }
    },
    reset,
    toState: (): State => ({
      kind: 'byte-shift',
      options: all,
      present: present.toState(),
      past: past.toState(),
      seen,
      evidence,
    }),
    restore(state) {
      const saved = stateOfKind<State>(state, 'byte-shift')
      requireSameOptions(saved.kind, all, saved.options)
      requireFinite(saved.kind, saved, ['seen', 'evidence'])
      checkCounts('present', saved.present)
      checkCounts('past', saved.past)
      present.restore(saved.present)
      past.restore(saved.past)
      seen = saved.seen
      evidence = saved.evidence
    },
  }
}

function checkCounts(picture: string, state: FadingCountsState | undefined): void {
  const { counts, total = -1, weight = 0 } = (state ?? {}) as Partial<FadingCountsState>
  const { accepts } = checks.number({ from: 0 })
  if (
    Array.isArray(counts) &&
    counts.length === 256 &&
    counts.every(accepts) &&
    accepts(total) &&
    accepts(weight) &&
    weight > 0
  )
    return
  throw new StateError(
    `byte-shift: the saved picture of the ${picture} is damaged; expected 256 counts, their sum and a positive weight.`,
  )
}
