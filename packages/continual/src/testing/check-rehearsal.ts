/** The contract of a rehearsal, as statements to be checked in any test runner. */
import { Gpt } from '@burgeon/gpt'
import { checkArgument, checks, OptionError, shown } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import {
  type CheckResult,
  copied,
  isSame,
  type Promised,
  statements,
  takenStates,
} from '@burgeon/tensor/testing'
import { aRehearsal, type Rehearsal } from '../rehearsal/rehearsal.ts'
import type { StepContext } from '../journal/step-context.ts'
import {
  type Batch,
  batchOfRows,
  isTokenBatch,
  padding,
  rowOf,
  type TokenBatch,
  trimmed,
} from '../stream/batch.ts'

/** Number of steps of the life that a rehearsal is tried in. */
const steps = 60
/** The step from which on rows are as long as a context that has grown. */
const longFrom = 30

/**
 * Checks a rehearsal on a made-up stream of two domains, the same in every run: rows are four predictions
 * long at first and eight later, as after growth of the context.
 *
 * @param make Makes a fresh rehearsal. Each must be the same: random streams are seeded.
 * @throws OptionError if `make` does not return a rehearsal.
 * @example
 * ```ts
 * for (const { statement, holds, detail } of checkRehearsal(() => reservoirReplay({ capacity: 20 }))) {
 *   if (!holds) throw new Error(`${statement}: ${detail}`)
 * }
 * ```
 */
export function checkRehearsal(make: () => Rehearsal): CheckResult[] {
  checkArgument('checkRehearsal', 'make', make, checks.callback('a function that makes a rehearsal'))
  const made = (): Rehearsal => {
    const rehearsal = make()
    if (aRehearsal.accepts(rehearsal)) return rehearsal
    throw new OptionError(`checkRehearsal: got ${shown(rehearsal)} from make; expected a rehearsal.`)
  }
  const { name } = made()
  const model = Gpt.create(
    { vocabulary: 16, context: 8, embed: 4, heads: 1, layers: 1, mlpHidden: 4 },
    { device: openReference() },
  )
  const lived = (rehearsal: Rehearsal, from: number, to: number): (Batch | null)[] =>
    range(from, to).map((step) => {
      const context = contextOf(step, model)
      const old = rehearsal.recall({ ...context, step })
      rehearsal.remember(context)
      return old
    })
  const promises: Promised[] = [
    ['recalls nothing before there is anything to rehearse', () => isSilentAtFirst(made(), model)],
    [
      'gives back rows that were learnt, whole, each with its domain',
      () => givesWhatWasLearnt(made(), lived),
    ],
    ['samples no more rows than it is asked for', () => keepsToTheNumber(made(), lived)],
    ['changes nothing that it is given, and keeps copies', () => keepsCopies(made(), model)],
    ['is as it was when a step that failed is taken back', () => takesBack(made, model, lived)],
    ['goes on to the bit after its state was saved and restored, at any step', () => resumes(made, lived)],
    ['refuses a state that is not its own, and stays unchanged', () => refuses(made(), lived)],
    ...(made().recode
      ? [['puts another row in the place of every one', () => recodes(made(), lived)] as const]
      : []),
  ]
  const results = statements(name, promises)
  model.dispose()
  return results
}

type Lived = (rehearsal: Rehearsal, from: number, to: number) => (Batch | null)[]

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i)

/** Two new rows in every step, all different; the second is shorter. */
function batchAt(step: number): TokenBatch {
  const length = step < longFrom ? 4 : 8
  const row = (i: number, size: number): Int32Array =>
    Int32Array.from({ length: size }, (_, t) =>
      t === 0 ? step % 16 : t === 1 ? i + (step >> 4) : (step + t) % 16,
    )
  return batchOfRows([row(0, length + 1), row(8, length - 1)], [domainAt(step), domainAt(step)], length)
}

const domainAt = (step: number): string => (step < steps / 2 ? 'first' : 'second')

function contextOf(step: number, model: Gpt, fresh: TokenBatch = batchAt(step)): StepContext<Gpt> {
  const rowLosses = Array.from({ length: fresh.rows }, (_, i) => 1 + ((step + i) % 3))
  return {
    step: step + 1,
    model,
    fresh,
    old: null,
    rowLosses,
    bitsPerByte: 2,
    bytes: fresh.tokens.filter((token) => token !== padding),
    losses: [2],
    stepsSinceDrift: null,
    mirrors: [],
    events: [],
  }
}

/** The rows of a batch without their padding, with their domains. */
function rowsIn(batch: Batch | null): string[] {
  if (batch === null || !isTokenBatch(batch)) return []
  return range(0, batch.rows).map((i) => `${batch.domains[i]}: ${trimmed(rowOf(batch, i)).join()}`)
}

function isSilentAtFirst(rehearsal: Rehearsal, model: Gpt): string | null {
  const [recalled, sampled] = [rehearsal.recall(contextOf(0, model)), rehearsal.sample(4)]
  return recalled === null && sampled === null ? null : `it gave ${rowsIn(recalled ?? sampled).join('; ')}`
}

function givesWhatWasLearnt(rehearsal: Rehearsal, lived: Lived): string | null {
  for (const step of range(0, steps)) {
    const known = new Set(range(0, step).flatMap((earlier) => rowsIn(batchAt(earlier))))
    const given = [...lived(rehearsal, step, step + 1), rehearsal.sample(8)]
    // Rows of this step may be sampled only after the step was remembered.
    for (const row of rowsIn(batchAt(step))) known.add(row)
    for (const batch of given) {
      const strange = batch && (malformed(batch) ?? rowsIn(batch).find((row) => !known.has(row)))
      if (strange) return `in step ${step}: ${strange}`
    }
  }
  return rowsIn(rehearsal.sample(8)).length > 0 ? null : 'it gave nothing in all of its life'
}

/** Describes what is wrong with the form of a batch. */
function malformed(batch: Batch): string | undefined {
  if (!isTokenBatch(batch)) return 'a batch of examples, of a stream of tokens'
  const { rows, length, tokens, domains } = batch
  if (rows < 1 || domains.length !== rows) return `${rows} rows with ${domains.length} domains`
  return tokens.length === rows * (length + 1)
    ? undefined
    : `${tokens.length} tokens in ${rows} rows of ${length + 1}`
}

function keepsToTheNumber(rehearsal: Rehearsal, lived: Lived): string | null {
  lived(rehearsal, 0, steps)
  const wrong = [0, 1, 2, 7].find((rows) => (rehearsal.sample(rows)?.rows ?? 0) > rows)
  return wrong === undefined ? null : `it gave more than ${wrong}`
}

function keepsCopies(rehearsal: Rehearsal, model: Gpt): string | null {
  const context = contextOf(0, model)
  const before = [...context.fresh.tokens]
  rehearsal.recall({ ...context, step: 0 })
  rehearsal.remember(context)
  if (context.fresh.tokens.some((token, i) => token !== before[i])) return 'the batch was changed'
  context.fresh.tokens.fill(15)
  const own = rowsIn(batchAt(0))
  const strange = rowsIn(rehearsal.sample(8)).find((row) => !own.includes(row))
  return strange === undefined ? null : `what became of the batch later is in memory: ${strange}`
}

function takesBack(made: () => Rehearsal, model: Gpt, lived: Lived): string | null {
  const rehearsal = made()
  lived(rehearsal, 0, 20)
  const before = copied(rehearsal.toState())
  const undo = rehearsal.mark?.() ?? (() => rehearsal.restore(copied(before)))
  const first = rowsIn(rehearsal.recall({ ...contextOf(20, model), step: 20 }))
  rehearsal.recall({ ...contextOf(21, model), step: 20 })
  undo()
  if (!isSame(rehearsal.toState(), before)) return 'its state is another'
  const second = rowsIn(rehearsal.recall({ ...contextOf(20, model), step: 20 }))
  return isSame(first, second) ? null : `it recalled ${second.join('; ')} after ${first.join('; ')}`
}

function resumes(made: () => Rehearsal, lived: Lived): string | null {
  const whole = made()
  const expected = lived(whole, 0, steps).map(rowsIn)
  for (const at of [0, 1, 17, longFrom, steps - 1]) {
    const [first, second] = [made(), made()]
    lived(first, 0, at)
    // The second has held other rows, which must be gone after `restore`.
    lived(second, 0, 5)
    second.restore(copied(first.toState()))
    const found = lived(second, at, steps).map(rowsIn)
    if (!isSame(found, expected.slice(at))) return `saved before step ${at}, it recalls other rows`
    if (!isSame(second.toState(), whole.toState())) return `saved before step ${at}, it ends in another state`
  }
  return null
}

function refuses(rehearsal: Rehearsal, lived: Lived): string | null {
  lived(rehearsal, 0, steps)
  return takenStates(
    (state) => rehearsal.restore(state),
    () => rehearsal.toState(),
  )
}

function recodes(rehearsal: Rehearsal, lived: Lived): string | null {
  lived(rehearsal, 0, steps)
  rehearsal.recode?.((row) => row.map((token) => (token === padding ? token : token + 100)))
  const old = rowsIn(rehearsal.sample(1000)).find((row) => /: (\d{1,2},)*\d{1,2}$/.test(row))
  return old === undefined ? null : `it still has ${old}`
}
