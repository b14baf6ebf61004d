/** The contract of probes, as statements to be checked in any test runner. */
import { checkArgument, checks, OptionError, shown } from '@burgeon/tensor'
import {
  type CheckResult,
  complaintOf,
  copied,
  isSame,
  type Promised,
  statements,
  takenStates,
} from '@burgeon/tensor/testing'
import type { ProbeLosses } from '../journal/probe-losses.ts'
import { divided } from '../probes/hold-back.ts'
import { type MeasureRows, type Probes, type RowBits, someProbes } from '../probes/probes.ts'
import { type Batch, batchOfRows, isTokenBatch } from '../stream/batch.ts'
import { originsOf } from '../stream/origin.ts'
import { rowAt } from '../stream/row.ts'

const [steps, rowsOfStep, length] = [240, 6, 4]
/** Predictions learnt in a step: enough to pay for any measurement. */
const learnt = 1e6
/** The step from which on everything is predicted worse. */
const worseFrom = 130
const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

/**
 * Checks probes in a made-up life of 240 steps, six rows of two domains each, which is the same in every run:
 * every row says which experience it is of, and losses are made up.
 *
 * @param make Makes fresh probes. They must hold some of 1,440 rows back, and measure within 100 steps.
 * @throws OptionError if `make` does not return probes.
 * @example
 * ```ts
 * for (const { statement, holds, detail } of await checkProbes(() => heldBack({ share: 0.05 }))) {
 *   if (!holds) throw new Error(`${statement}: ${detail}`)
 * }
 * ```
 */
export async function checkProbes(make: () => Probes): Promise<CheckResult[]> {
  checkArgument('checkProbes', 'make', make, checks.callback('a function that makes probes'))
  const made = (): Probes => {
    const probes = make()
    if (someProbes.accepts(probes)) return probes
    throw new OptionError(`checkProbes: got ${shown(probes)} from make; expected probes.`)
  }
  const tried: (readonly [promise: string, complaint: () => Promise<string | null>])[] = [
    ['holds an experience back, or not, whatever it has seen', () => wavers(made)],
    ['holds some rows back, and not all', async () => isOneSided(made())],
    ['measures the rows that it keeps, and no others', () => measuresOthers(made())],
    ['measures at any time what it knows, and is not changed by that', () => isChanged(made())],
    [
      'tells as forgotten by how much the loss has risen since it was lowest',
      () => forgetsWrongly(made(), 0),
    ],
    ['tells so by the same rows, whichever others come or go', () => forgetsWrongly(made(), 1)],
    ['goes on to the bit after its state was saved and restored, at any step', () => resumes(made)],
    ['refuses a state that is not its own, and stays unchanged', () => refuses(made())],
    ['puts another row in the place of every one', () => recodes(made())],
  ]
  const promises: Promised[] = []
  for (const [promise, complaint] of tried) {
    const found = await complaintOf(complaint)
    promises.push([promise, () => found])
  }
  return statements(made().name, promises)
}

/** The rows of a step. */
function batchAt(step: number): Batch {
  const domains = range(rowsOfStep).map((i) => (i % 2 === 0 ? 'first' : 'second'))
  const ids = range(rowsOfStep).map((i) => rowsOfStep * step + i)
  return batchOfRows(
    ids.map((id) => Int32Array.from({ length: length + 1 }, (_, t) => (id >> (4 * t)) % 16)),
    domains,
    length,
    ids.map((id, i) => ({ id, source: 'made up', domain: domains[i], at: id, trust: 1 })),
  )
}

/** Losses of rows in bits per byte, the same for each but for what they differ by. */
const rowsCost = (batch: Batch, level: number, differ: number): RowBits[] =>
  originsOf(batch).map((origin) => {
    const own = ((origin?.id ?? 0) * 7) % 11
    return { bits: (level + (differ * own) / 11) * length, bytes: length }
  })

/** Losses that depend on the rows, less than that of a guess. */
const lossesOf: MeasureRows = async (batch) => {
  const sum = isTokenBatch(batch) ? batch.tokens.reduce((all, token) => all + Math.max(0, token), 0) : 0
  return rowsCost(batch, 2 + (sum % 7) / 10, 1)
}

/** Lives through some steps; returns what was measured, by step. */
async function lived(
  probes: Probes,
  from: number,
  to: number,
  measuring: (step: number) => MeasureRows = () => lossesOf,
): Promise<Map<number, ProbeLosses>> {
  const found = new Map<number, ProbeLosses>()
  for (let step = from; step < to; step++) {
    const { held } = divided(batchAt(step), probes)
    if (held) probes.keep(held, step + 1)
    const measured = await probes.afterStep(learnt, measuring(step))
    if (measured) found.set(step, measured)
  }
  return found
}

const heldOf = (probes: Probes): boolean[] =>
  range(steps).flatMap((step) => {
    const batch = batchAt(step)
    return range(rowsOfStep).map((i) => probes.isHeldBack(rowAt(batch, i)))
  })

async function wavers(made: () => Probes): Promise<string | null> {
  const probes = made()
  const before = heldOf(probes)
  await lived(probes, 0, steps)
  const wrong = [heldOf(probes), heldOf(made())].find((after) => !isSame(after, before))
  return wrong === undefined ? null : 'it decided otherwise later, or in another life'
}

function isOneSided(probes: Probes): string | null {
  const held = heldOf(probes)
  const count = held.filter(Boolean).length
  return count > 0 && count < held.length ? null : `it held ${count} of ${held.length} rows back`
}

async function measuresOthers(probes: Probes): Promise<string | null> {
  const strange = new Set<string>()
  const measured = await lived(probes, 0, steps, (step) => async (batch) => {
    for (const [row, origin] of originsOf(batch).entries()) {
      const isKept = origin !== null && origin.id < rowsOfStep * (step + 1)
      if (!isKept || !probes.isHeldBack(rowAt(batch, row))) strange.add(`step ${step}: ${shown(origin)}`)
    }
    return lossesOf(batch)
  })
  const [first] = strange
  if (first !== undefined) return `it measured a row that it cannot have, in ${first}`
  const domains = Object.keys([...measured.values()].at(-1) ?? {}).toSorted()
  if (!isSame(domains, ['first', 'second'])) return `in the end it measured the domains ${domains.join()}`
  return probes.rows > 0 ? null : 'it says that it keeps no rows'
}

async function isChanged(probes: Probes): Promise<string | null> {
  await lived(probes, 0, steps)
  const before = copied(probes.toState())
  const measure = (): Promise<ProbeLosses> => probes.measure(lossesOf)
  const [first, second] = [await measure(), await measure()]
  if (!isSame(first, second)) return 'it measured two things'
  return isSame(probes.toState(), before) ? null : 'its state is another'
}

/** @param differ By how much rows differ, at most, in bits per byte. */
async function forgetsWrongly(probes: Probes, differ: number): Promise<string | null> {
  const level = (step: number): number => (step < worseFrom ? 2 : 3.5)
  const measured = await lived(
    probes,
    0,
    steps,
    (step) => async (batch) => rowsCost(batch, level(step), differ),
  )
  if (![...measured.keys()].some((step) => step < worseFrom)) return 'it measured too seldom'
  for (const [step, domains] of measured) {
    const wanted = level(step) - 2
    const wrong = Object.entries(domains).find(([, { forgotten }]) => Math.abs(forgotten - wanted) > 1e-9)
    if (wrong)
      return `in step ${step} it said ${wrong[1].forgotten} of ${wrong[0]}, where ${wanted} was forgotten`
  }
  return null
}

async function resumes(made: () => Probes): Promise<string | null> {
  const whole = made()
  const expected = await lived(whole, 0, steps)
  for (const at of [0, 1, 110, steps - 1]) {
    const [first, second] = [made(), made()]
    await lived(first, 0, at)
    // The second has held other rows, which must be gone after `restore`.
    await lived(second, 0, 40)
    second.restore(copied(first.toState()))
    const found = await lived(second, at, steps)
    const rest = new Map([...expected].filter(([step]) => step >= at))
    if (!isSame([...found], [...rest])) return `saved before step ${at}, it measures something else`
    if (!isSame(second.toState(), whole.toState())) return `saved before step ${at}, it ends in another state`
  }
  return null
}

async function refuses(probes: Probes): Promise<string | null> {
  await lived(probes, 0, 100)
  return takenStates(
    (state) => probes.restore(state),
    () => probes.toState(),
  )
}

async function recodes(probes: Probes): Promise<string | null> {
  await lived(probes, 0, steps)
  probes.recode((row) => row.map((token) => token + 100))
  let strange: string | null = null
  await probes.measure(async (batch) => {
    if (isTokenBatch(batch) && batch.tokens.some((token) => token < 100)) strange = 'it still has an old row'
    return lossesOf(batch)
  })
  return strange
}
