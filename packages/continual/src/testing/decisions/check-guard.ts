/** The contract of a guard, as statements to be checked in any test runner. */
import { checkArgument, checkOptions, checks, OptionError, type ParameterStore, shown } from '@burgeon/tensor'
import {
  type CheckResult,
  copied,
  isSame,
  type Promised,
  statements,
  takenStates,
} from '@burgeon/tensor/testing'
import { aGuard, type Guard, type GuardRecord } from '../../guard/guard.ts'
import { type Judged, judged } from '../../guard/judged.ts'

/** What a guard is for, and how much it may keep. */
export interface GuardExpectation {
  /**
   * Texts in order, the last of which is not learnt as it comes, or trusted less than it was. None unless
   * given.
   */
  readonly catches?: readonly GuardRecord[]
  /** Bytes that its state may take, from 1 on, whatever it has seen. Default 4 MiB. */
  readonly stateBytes?: number
}

/** Texts of a made-up life, and bytes of a flood of texts that are all new. */
const [texts, flood] = [300, 5 * 2 ** 20]

/**
 * Checks a guard against made-up texts, the same in every run: of several sources, said once and said again,
 * empty, long, and of characters that are none.
 *
 * @param make Makes a fresh guard.
 * @throws OptionError if `make` does not return a guard, and for an expectation that does not exist or is
 *   outside its range.
 * @example
 * ```ts
 * for (const { statement, holds, detail } of checkGuard(() => provenance())) {
 *   if (!holds) throw new Error(`${statement}: ${detail}`)
 * }
 * ```
 */
export function checkGuard(make: () => Guard, expectation: GuardExpectation = {}): CheckResult[] {
  checkArgument('checkGuard', 'make', make, checks.callback('a function that makes a guard'))
  checkOptions('checkGuard', expectation, {
    catches: checks.list('records', checks.role<GuardRecord>('a record', 'text', 'source', 'domain')),
    stateBytes: checks.integer({ from: 1 }),
  })
  const made = (): Guard => {
    const guard = make()
    if (aGuard.accepts(guard)) return guard
    throw new OptionError(`checkGuard: got ${shown(guard)} from make; expected a guard.`)
  }
  const { catches, stateBytes = 4 * 2 ** 20 } = expectation
  const life = Array.from({ length: texts }, (_, at) => recordAt(at))
  const promises: Promised[] = [
    ['decides of every text, for reasons that it has said before', () => decides(made(), life)],
    ['judges the same texts in the same way', () => differs(made(), made(), life)],
    ['changes no record that it is given', () => changes(made(), life)],
    ['goes on to the bit after its state was saved and restored, anywhere', () => resumes(made, life)],
    ['refuses a state that is not its own, and stays unchanged', () => refuses(made(), life)],
    [`keeps at most ${stateBytes} bytes, whatever it has seen`, () => overflows(made(), stateBytes)],
    ...(catches ? [['finds fault with what it is for', () => passes(made(), catches)] as const] : []),
  ]
  return statements(made().name, promises)
}

const words = ['rain', 'falls', 'on', 'the', 'old', 'town', 'and', 'nobody', 'minds', 'it', 'there', 'now']

/** Numbers that look like chance: the high bits of a multiplicative hash. */
const drawn = (seed: number): number => Math.imul(seed + 1, 0x9e3779b1) >>> 8

const sentence = (seed: number, length: number): string =>
  Array.from({ length }, (_, i) => words[drawn(seed * 31 + i) % words.length]).join(' ')

function recordAt(at: number): GuardRecord {
  const record = { source: `source ${at % 5}`, domain: at % 2 === 0 ? 'notes' : 'mail' }
  if (at % 50 === 11) return { ...record, text: '' }
  if (at % 50 === 23) return { ...record, text: 'a \ud800 b \udc00', source: '' }
  if (at % 50 === 37) return { ...record, text: sentence(at, 4000), trust: 0.5 }
  const isRepeated = at % 3 === 0
  const text = isRepeated ? 'the very same words come over and over again' : sentence(at, 12)
  return { ...record, text, ...(at % 4 === 1 && { key: `${at}`, trust: 1 }) }
}

/** Lives through records; every eighth text comes back from the model first. */
function lived(guard: Guard, records: readonly GuardRecord[], from = 0): Judged[] {
  return records.map((record, i) => {
    const at = from + i
    if (at % 8 === 7) guard.noteOwn?.(sentence(at, 20))
    return judged(guard, record, { step: at >> 1, at })
  })
}

function decides(guard: Guard, life: readonly GuardRecord[]): string | null {
  const before = [...guard.reasons]
  lived(guard, life)
  return isSame([...guard.reasons], before) ? null : 'its reasons are others after it has seen texts'
}

function differs(one: Guard, other: Guard, life: readonly GuardRecord[]): string | null {
  const [a, b] = [lived(one, life), lived(other, life)]
  const at = a.findIndex((decision, i) => !isSame(decision, b[i]))
  return at < 0 ? null : `two fresh ones differ at text ${at}`
}

function changes(guard: Guard, life: readonly GuardRecord[]): string | null {
  const given = life.map((record) => ({ ...record }))
  for (const [at, record] of given.entries()) guard.admit(record, { step: at >> 1, at })
  const at = given.findIndex((record, i) => !isSame(record, life[i]))
  return at < 0 ? null : `record ${at} was changed`
}

function resumes(make: () => Guard, life: readonly GuardRecord[]): string | null {
  const whole = lived(make(), life)
  for (const from of [0, 1, 40, 151, 299]) {
    const before = make()
    lived(before, life.slice(0, from))
    const state = before.toState?.()
    const [copy, used] = [make(), make()]
    // It was used for something else before.
    lived(used, life.slice(7, 30))
    for (const guard of [copy, used]) guard.restore?.(copied(state), noParameters)
    for (const guard of [before, copy, used]) {
      if (isSame(lived(guard, life.slice(from), from), whole.slice(from))) continue
      return `it goes on otherwise after text ${from}`
    }
  }
  return null
}

function refuses(guard: Guard, life: readonly GuardRecord[]): string | null {
  const { toState, restore } = guard
  if (toState === undefined || restore === undefined) {
    return toState === restore ? null : 'it has one of toState and restore; expected both or none'
  }
  lived(guard, life)
  return takenStates(
    (state) => guard.restore?.(state, noParameters),
    () => guard.toState?.(),
  )
}

function overflows(guard: Guard, stateBytes: number): string | null {
  const each = 50_000
  for (let at = 0; at * each < flood; at++) {
    const text = Array.from({ length: each / 8 }, (_, i) =>
      drawn(at * each + i)
        .toString(36)
        .padStart(8, 'q'),
    )
    judged(guard, { text: text.join(''), source: `flood ${at}`, domain: `d${at}` }, { step: 0, at })
    guard.noteOwn?.(text.toReversed().join(''))
    const bytes = sizeOf(guard.toState?.() ?? null)
    if (bytes > stateBytes) return `its state has ${bytes} bytes after ${at + 1} texts of ${each} bytes`
  }
  return null
}

function passes(guard: Guard, records: readonly GuardRecord[]): string | null {
  const last = lived(guard, records).at(-1)
  const trust = records.at(-1)?.trust ?? 1
  return last !== undefined && (last.verdict !== 'learn' || last.trust < trust)
    ? null
    : 'it let the last text through'
}

/** Bytes of plain data: typed arrays as they are, the rest as JSON. */
function sizeOf(state: unknown): number {
  let arrays = 0
  const rest = JSON.stringify(state, (_, value: unknown) => {
    if (!ArrayBuffer.isView(value)) return value
    arrays += value.byteLength
    return 0
  })
  return arrays + rest.length
}

/** Guards stand before a model, and see nothing of its parameters. */
const noParameters = undefined as unknown as ParameterStore
