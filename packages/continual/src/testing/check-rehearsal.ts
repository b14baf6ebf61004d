/** The contract of a rehearsal, as statements to be checked in any test runner. */
import { Gpt } from '@burgeon/gpt'
import { checkArgument, checks, OptionError, scope, shown } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import {
  type CheckResult,
  complaintOf,
  copied,
  isSame,
  type Promised,
  statements,
  takenStates,
} from '@burgeon/tensor/testing'
import { aRehearsal, type Rehearsal } from '../rehearsal/rehearsal.ts'
import { passOf } from '../model/pass.ts'
import { type Batch, isTokenBatch, joinBatches, padding, rowOf, trimmed } from '../stream/batch.ts'
import { type Origin, originsOf } from '../stream/origin.ts'
import { weightsAt } from '../stream/row-weights.ts'
import {
  batchAt,
  contextOf,
  longFrom,
  originAt,
  range,
  recallContext,
  steps,
  vocabulary,
} from './rehearsal-life.ts'

/**
 * Checks a rehearsal on a made-up stream of two domains, the same in every run: rows are four predictions
 * long at first and eight later, as after growth of the context.
 *
 * @param make Makes a fresh rehearsal. Each must be the same: random streams are seeded.
 * @throws OptionError if `make` does not return a rehearsal.
 * @example
 * ```ts
 * for (const { statement, holds, detail } of await checkRehearsal(() => reservoirReplay({ capacity: 20 }))) {
 *   if (!holds) throw new Error(`${statement}: ${detail}`)
 * }
 * ```
 */
export async function checkRehearsal(make: () => Rehearsal): Promise<CheckResult[]> {
  checkArgument('checkRehearsal', 'make', make, checks.callback('a function that makes a rehearsal'))
  const made = (): Rehearsal => {
    const rehearsal = make()
    if (aRehearsal.accepts(rehearsal)) return rehearsal
    throw new OptionError(`checkRehearsal: got ${shown(rehearsal)} from make; expected a rehearsal.`)
  }
  const { name } = made()
  const model = Gpt.create(
    { vocabulary, context: 8, embed: 4, heads: 1, layers: 1, mlpHidden: 4 },
    { device: openReference() },
  )
  const lived: Lived = async (rehearsal, from, to) => {
    const recalled: (Batch | null)[] = []
    for (const step of range(from, to)) {
      const context = contextOf(step, model)
      const old = await rehearsal.recall(recallContext(step, model))
      const oldLosses = old && range(0, old.rows).map((i) => 0.5 + ((step + i) % 5))
      rehearsal.remember({ ...context, old, oldLosses })
      recalled.push(old)
    }
    return recalled
  }
  const tried: (readonly [promise: string, complaint: () => Promise<string | null>])[] = [
    ['recalls nothing before there is anything to rehearse', () => isSilentAtFirst(made(), model)],
    [
      'gives back rows that were learnt, whole, each with its domain',
      () => givesWhatWasLearnt(made(), lived),
    ],
    ['says of every row where it came from, also after a resume', () => namesOrigins(made, lived)],
    ['gives back the weights of every row, also after a resume', () => keepsWeights(made, lived)],
    ['samples no more rows than it is asked for', () => keepsToTheNumber(made(), lived)],
    ['changes nothing that it is given, and keeps copies', () => keepsCopies(made(), model)],
    ['recalls nothing of a domain whose factor is 0', () => heedsDomains(made(), model, lived)],
    ['is as it was when a step that failed is taken back', () => takesBack(made, model, lived)],
    ['goes on to the bit after its state was saved and restored, at any step', () => resumes(made, lived)],
    ['refuses a state that is not its own, and stays unchanged', () => refuses(made(), lived)],
    ...(made().recode
      ? ([
          ['puts another row in the place of every one, of the same origin', () => recodes(made(), lived)],
          ['goes on to the bit after that, too', () => resumesRecoded(made, lived)],
        ] as const)
      : []),
  ]
  if (made().loss) {
    tried.push(['adds a finite scalar from 0 on for what it recalls', () => addsWrongly(made(), model)])
  }
  const promises: Promised[] = []
  for (const [promise, complaint] of tried) {
    const found = await complaintOf(complaint)
    promises.push([promise, () => found])
  }
  model.dispose()
  return statements(name, promises)
}

type Lived = (rehearsal: Rehearsal, from: number, to: number) => Promise<(Batch | null)[]>

/** The rows of a batch without their padding, with their domains. */
function rowsIn(batch: Batch | null): string[] {
  if (batch === null || !isTokenBatch(batch)) return []
  return range(0, batch.rows).map((i) => `${batch.domains[i]}: ${trimmed(rowOf(batch, i)).join()}`)
}

async function isSilentAtFirst(rehearsal: Rehearsal, model: Gpt): Promise<string | null> {
  const [recalled, sampled] = [await rehearsal.recall(recallContext(0, model)), rehearsal.sample(4)]
  return recalled === null && sampled === null ? null : `it gave ${rowsIn(recalled ?? sampled).join('; ')}`
}

async function givesWhatWasLearnt(rehearsal: Rehearsal, lived: Lived): Promise<string | null> {
  for (const step of range(0, steps)) {
    const known = new Set(range(0, step).flatMap((earlier) => rowsIn(batchAt(earlier))))
    const given = [...(await lived(rehearsal, step, step + 1)), rehearsal.sample(8)]
    // Rows of this step may be sampled only after the step was remembered.
    for (const row of rowsIn(batchAt(step))) known.add(row)
    for (const batch of given) {
      const strange = batch && (malformed(batch) ?? rowsIn(batch).find((row) => !known.has(row)))
      if (strange) return `in step ${step}: ${strange}`
    }
  }
  return rowsIn(rehearsal.sample(8)).length > 0 ? null : 'it gave nothing in all of its life'
}

const namesOrigins = async (made: () => Rehearsal, lived: Lived): Promise<string | null> =>
  firstComplaint(await givenInALife(made, lived), (batch) => strangeOrigin(batch))

const keepsWeights = async (made: () => Rehearsal, lived: Lived): Promise<string | null> =>
  firstComplaint(await givenInALife(made, lived), strangeWeights)

const firstComplaint = (
  given: readonly (Batch | null)[],
  complaint: (batch: Batch | null) => string | null,
): string | null => given.map(complaint).find((strange) => strange !== null) ?? null

/** All batches that a rehearsal gave in a life in the middle of which it was saved and restored. */
async function givenInALife(made: () => Rehearsal, lived: Lived): Promise<readonly (Batch | null)[]> {
  const [first, second] = [made(), made()]
  const given = [...(await lived(first, 0, longFrom)), first.sample(8)]
  second.restore(copied(first.toState()))
  return [...given, ...(await lived(second, longFrom, steps)), second.sample(8)]
}

/** Describes a row whose weights are not its own; null where there is none. */
function strangeWeights(batch: Batch | null): string | null {
  if (batch === null || !isTokenBatch(batch)) return null
  for (const [row, origin] of originsOf(batch).entries()) {
    if (origin === null) continue
    const predictions = trimmed(rowOf(batch, row)).length - 1
    const of = (given: Batch, at: number): string =>
      [...(weightsAt(given, at) ?? new Float32Array(predictions).fill(1))].slice(0, predictions).join()
    const wanted = of(batchAt(Math.floor(origin.id / 2)), origin.id % 2)
    const found = of(batch, row)
    if (found !== wanted) return `row ${rowsIn(batch)[row]} has weights ${found}, and had ${wanted}`
  }
  return null
}

/** Describes a row whose origin is not its own; null where there is none. */
function strangeOrigin(batch: Batch | null, original = (token: number) => token): string | null {
  if (batch === null || !isTokenBatch(batch)) return null
  const strange = range(0, batch.rows).find((row) => {
    const origin = originsOf(batch)[row]
    if (origin === null) return true
    const [step, of] = [Math.floor(origin.id / 2), origin.id % 2]
    const own = trimmed(rowOf(batchAt(step), of)).join()
    const found = trimmed(rowOf(batch, row)).map(original).join()
    return !isSame(origin, originAt(step, of) satisfies Origin) || found !== own
  })
  if (strange === undefined) return null
  return `it says of row ${rowsIn(batch)[strange]} that it is of ${shown(originsOf(batch)[strange])}`
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

async function keepsToTheNumber(rehearsal: Rehearsal, lived: Lived): Promise<string | null> {
  await lived(rehearsal, 0, steps)
  const wrong = [0, 1, 2, 7].find((rows) => (rehearsal.sample(rows)?.rows ?? 0) > rows)
  return wrong === undefined ? null : `it gave more than ${wrong}`
}

async function keepsCopies(rehearsal: Rehearsal, model: Gpt): Promise<string | null> {
  const context = contextOf(0, model)
  const before = [...context.fresh.tokens]
  await rehearsal.recall(recallContext(0, model, context.fresh))
  rehearsal.remember(context)
  if (context.fresh.tokens.some((token, i) => token !== before[i])) return 'the batch was changed'
  context.fresh.tokens.fill(15)
  const own = rowsIn(batchAt(0))
  const strange = rowsIn(rehearsal.sample(8)).find((row) => !own.includes(row))
  return strange === undefined ? null : `what became of the batch later is in memory: ${strange}`
}

async function heedsDomains(rehearsal: Rehearsal, model: Gpt, lived: Lived): Promise<string | null> {
  await lived(rehearsal, 0, steps)
  for (const unwanted of ['first', 'second']) {
    for (const step of range(steps, steps + 8)) {
      const context = { ...recallContext(step, model), domainFactors: { [unwanted]: 0 } }
      const recalled = await rehearsal.recall(context)
      if (recalled?.domains.includes(unwanted)) return `it recalled a row of ${unwanted}`
    }
  }
  return null
}

async function takesBack(made: () => Rehearsal, model: Gpt, lived: Lived): Promise<string | null> {
  const rehearsal = made()
  await lived(rehearsal, 0, 20)
  const before = copied(rehearsal.toState())
  const undo = rehearsal.mark?.() ?? (() => rehearsal.restore(copied(before)))
  const first = rowsIn(await rehearsal.recall(recallContext(20, model)))
  await rehearsal.recall(recallContext(21, model))
  undo()
  if (!isSame(rehearsal.toState(), before)) return 'its state is another'
  const second = rowsIn(await rehearsal.recall(recallContext(20, model)))
  return isSame(first, second) ? null : `it recalled ${second.join('; ')} after ${first.join('; ')}`
}

async function resumes(made: () => Rehearsal, lived: Lived): Promise<string | null> {
  const whole = made()
  const expected = (await lived(whole, 0, steps)).map(rowsIn)
  for (const at of [0, 1, 17, longFrom, steps - 1]) {
    const [first, second] = [made(), made()]
    await lived(first, 0, at)
    // The second has held other rows, which must be gone after `restore`.
    await lived(second, 0, 5)
    second.restore(copied(first.toState()))
    const found = (await lived(second, at, steps)).map(rowsIn)
    if (!isSame(found, expected.slice(at))) return `saved before step ${at}, it recalls other rows`
    if (!isSame(second.toState(), whole.toState())) return `saved before step ${at}, it ends in another state`
  }
  return null
}

async function addsWrongly(rehearsal: Rehearsal, model: Gpt): Promise<string | null> {
  let added = 0
  for (const step of range(0, steps)) {
    const context = recallContext(step, model)
    const old = await rehearsal.recall(context)
    const { buffers } = model.device.memory
    if (old !== null) {
      const all = joinBatches([context.fresh, old])
      const complaint = scope(() => {
        const { weights } = context
        const pass = passOf(model, all, weights, context.fresh.rows)
        const term = rehearsal.loss?.(weights, pass) ?? null
        if (term === null) return null
        added++
        if (term.shape.length > 0)
          return `in step ${step} it added a tensor of shape [${term.shape.join(', ')}]`
        const [value] = term.readSync()
        return value >= 0 && Number.isFinite(value) ? null : `in step ${step} it added ${value}`
      })
      if (complaint !== null) return complaint
      if (model.device.memory.buffers !== buffers) return `in step ${step} it left a buffer behind`
    }
    rehearsal.remember({ ...contextOf(step, model), old })
  }
  return added > 0 ? null : 'it added nothing in all of its life'
}

async function refuses(rehearsal: Rehearsal, lived: Lived): Promise<string | null> {
  await lived(rehearsal, 0, steps)
  return takenStates(
    (state) => rehearsal.restore(state),
    () => rehearsal.toState(),
  )
}

async function recodes(rehearsal: Rehearsal, lived: Lived): Promise<string | null> {
  await lived(rehearsal, 0, steps)
  rehearsal.recode?.((row) => row.map((token) => (token === padding ? token : token + 100)))
  const all = rehearsal.sample(1000)
  const old = rowsIn(all).find((row) => /: (\d{1,2},)*\d{1,2}$/.test(row))
  return old === undefined ? strangeOrigin(all, (token) => token - 100) : `it still has ${old}`
}

/** Other tokens, of which some need more bytes than before. */
const inOtherTokens = (row: Int32Array): Int32Array =>
  row.map((token) => (token === padding ? token : 18 * token + 1))

async function resumesRecoded(made: () => Rehearsal, lived: Lived): Promise<string | null> {
  const [whole, resumed] = [made(), made()]
  await lived(whole, 0, longFrom)
  whole.recode?.(inOtherTokens)
  resumed.restore(copied(whole.toState()))
  const expected = (await lived(whole, longFrom, steps)).map(rowsIn)
  const found = (await lived(resumed, longFrom, steps)).map(rowsIn)
  if (!isSame(found, expected)) return 'restored, it recalls other rows'
  return isSame(resumed.toState(), whole.toState()) ? null : 'restored, it ends in another state'
}
