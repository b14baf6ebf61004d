/** The contract of a stream watch, as statements to be checked in any test runner. */
import { checkArgument, checkOptions, checks, OptionError, shown } from '@burgeon/tensor'
import {
  type CheckResult,
  copied,
  isSame,
  type Promised,
  statements,
  takenStates,
} from '@burgeon/tensor/testing'
import type { DriftVerdict } from '../../drift/drift-detector.ts'
import { aStreamWatch, type StreamWatch } from '../../drift/stream-watch.ts'

/** The streams of the suite, and the alarms that a watch must give there. */
export interface WatchExpectation {
  /** Number of bytes without a change, and without an alarm; from 1 to ten million. Default 40,000. */
  readonly quiet?: number
  /** Maximum number of bytes from a change of text to its alarm; from 1 to a million. Default 2,000. */
  readonly delay?: number
}

/** Number of bytes in a batch. */
const atOnce = 64

/**
 * Checks a watch against made-up bytes, letters at first and then digits, the same in every run.
 *
 * @param make Makes a fresh watch.
 * @throws OptionError if `make` does not return a watch, and for an expectation that does not exist or is
 *   outside its range.
 * @example
 * ```ts
 * for (const { statement, holds, detail } of checkStreamWatch(() => byteShift())) {
 *   if (!holds) throw new Error(`${statement}: ${detail}`)
 * }
 * ```
 */
export function checkStreamWatch(make: () => StreamWatch, expectation: WatchExpectation = {}): CheckResult[] {
  checkArgument('checkStreamWatch', 'make', make, checks.callback('a function that makes a stream watch'))
  checkOptions('checkStreamWatch', expectation, {
    quiet: checks.integer({ from: 1, to: 10_000_000 }),
    delay: checks.integer({ from: 1, to: 1_000_000 }),
  })
  const made = (): StreamWatch => {
    const watch = make()
    if (aStreamWatch.accepts(watch)) return watch
    throw new OptionError(`checkStreamWatch: got ${shown(watch)} from make; expected a stream watch.`)
  }
  const { quiet = 40_000, delay = 2000 } = expectation
  const calm = batchesOf(letters, quiet)
  const change = batchesOf(digits, delay)
  const stream = [...calm, ...change]
  const promises: Promised[] = [
    [`is silent on ${quiet} bytes of one kind`, () => alarms(made(), calm)],
    [`reports other bytes within ${delay}, and that they lead away`, () => misses(made(), calm, change)],
    ['says nothing where nothing was read, and is unchanged then', () => speaksUnasked(made(), stream)],
    ['changes none of the bytes that it is given', () => changesBytes(made(), stream)],
    ['is like a new one after a reset', () => remembers(made, stream)],
    ['goes on to the bit after its state was saved and restored, anywhere', () => resumes(made, stream)],
    ['refuses a state that is not its own, and stays unchanged', () => refuses(made(), stream)],
  ]
  return statements(made().name, promises)
}

const [letters, digits] = ['etaoin shrdlu, etaoin. ', '0123456789;:=']

/** Bytes drawn from a text by a 32-bit congruential generator, in batches. */
function batchesOf(text: string, count: number): Uint8Array[] {
  const own = new TextEncoder().encode(text)
  let seed = 20_07
  const bytes = Uint8Array.from({ length: count }, () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
    return own[Math.floor((seed / 2 ** 32) * own.length)]
  })
  return Array.from({ length: Math.ceil(count / atOnce) }, (_, i) =>
    bytes.slice(i * atOnce, (i + 1) * atOnce),
  )
}

const read = (watch: StreamWatch, batches: readonly Uint8Array[]): DriftVerdict[] =>
  batches.map((bytes) => watch.update(bytes.slice()))

function alarms(watch: StreamWatch, calm: readonly Uint8Array[]): string | null {
  const verdicts = read(watch, calm)
  const at = verdicts.flatMap(({ drift }, i) => (drift ? [(i + 1) * atOnce] : []))
  if (at.length > 0) return `alarms up to byte ${at.join(', ')}`
  const strange = verdicts.find(({ direction }) => direction !== null)
  return strange === undefined ? null : `direction '${strange.direction}' without an alarm`
}

function misses(
  watch: StreamWatch,
  calm: readonly Uint8Array[],
  change: readonly Uint8Array[],
): string | null {
  read(watch, calm)
  const alarm = read(watch, change).find(({ drift }) => drift)
  if (alarm === undefined) return 'no alarm'
  return alarm.direction === 'up' ? null : `an alarm of direction '${alarm.direction}'`
}

function speaksUnasked(watch: StreamWatch, stream: readonly Uint8Array[]): string | null {
  for (const batches of [[], stream.slice(0, 20)]) {
    read(watch, batches)
    const before = copied(watch.toState())
    if (watch.update([]).drift) return 'an alarm for no bytes'
    if (!isSame(copied(watch.toState()), before)) return 'its state is another after no bytes'
  }
  return null
}

function changesBytes(watch: StreamWatch, stream: readonly Uint8Array[]): string | null {
  const changed = stream.findIndex((bytes) => {
    const given = bytes.slice()
    watch.update(given)
    return given.some((byte, i) => byte !== bytes[i])
  })
  return changed < 0 ? null : `batch ${changed} was changed`
}

function remembers(make: () => StreamWatch, stream: readonly Uint8Array[]): string | null {
  const [fresh, used] = [make(), make()]
  read(used, stream)
  used.reset()
  const i = stream.findIndex((bytes) => !isSame(fresh.update(bytes.slice()), used.update(bytes.slice())))
  return i < 0 ? null : `it differs from a new one in batch ${i}`
}

function resumes(make: () => StreamWatch, stream: readonly Uint8Array[]): string | null {
  const whole = make()
  const copies: StreamWatch[] = []
  const failed = stream.findIndex((bytes, i) => {
    if (i % 97 === 0) {
      // The second was used for something else before.
      const [fresh, used] = [make(), make()]
      read(used, stream.slice(-10))
      for (const copy of [fresh, used]) copy.restore(copied(whole.toState()))
      const parsed = make()
      parsed.restore(JSON.parse(JSON.stringify(whole.toState())))
      copies.push(fresh, used, parsed)
    }
    const verdict = whole.update(bytes.slice())
    return !copies.every((copy) => isSame(copy.update(bytes.slice()), verdict))
  })
  return failed < 0 ? null : `first difference in batch ${failed}`
}

function refuses(watch: StreamWatch, stream: readonly Uint8Array[]): string | null {
  read(watch, stream)
  return takenStates(
    (state) => watch.restore(state),
    () => watch.toState(),
  )
}
