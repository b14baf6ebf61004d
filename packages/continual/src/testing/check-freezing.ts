/** The contract of a freezing, as statements to be checked in any test runner. */
import { Gpt } from '@burgeon/gpt'
import { checkArgument, checks, OptionError, shown } from '@burgeon/tensor'
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
import { aFreezing, type Freezing } from '../freezing/freezing.ts'
import type { LearnerEvent } from '../journal/event.ts'
import type { StepContext } from '../journal/step-context.ts'
import { batchOfTokens } from '../stream/batch.ts'

/** Number of blocks of the model that it is tried on. */
const blocks = 4

/**
 * Checks a freezing on a model of four blocks that learns nothing more, for a number of steps, the same in
 * every run: by any measurement it has converged.
 *
 * @param make Makes a fresh freezing.
 * @param steps Steps after which it must have frozen something; from 1. Default 100.
 * @throws OptionError if `make` does not return a freezing.
 */
export async function checkFreezing(make: () => Freezing, steps: number = 100): Promise<CheckResult[]> {
  checkArgument('checkFreezing', 'make', make, checks.callback('a function that makes a freezing'))
  checkArgument('checkFreezing', 'steps', steps, checks.integer({ from: 1, to: 100_000 }))
  const made = (): Freezing => {
    const freezing = make()
    if (aFreezing.accepts(freezing)) return freezing
    throw new OptionError(`checkFreezing: got ${shown(freezing)} from make; expected a freezing.`)
  }
  const { name } = made()
  const model = Gpt.create(
    { vocabulary: 16, context: 8, embed: 4, heads: 1, layers: blocks, mlpHidden: 4 },
    { device: openReference() },
  )
  const live = async (freezing: Freezing, from: number, to: number): Promise<Seen[]> => {
    const seen: Seen[] = []
    for (let step = from; step < to; step++) {
      const shares = [...freezing.sharesAt(step)]
      seen.push({ step, shares, events: await freezing.afterStep(contextOf(step, model, [])) })
    }
    return seen
  }
  const whole = made()
  const seen = await live(whole, 0, steps)
  const resumed = await complaintOf(() => resumes(made, live, seen, Math.floor(steps / 2)))
  const woken = await complaintOf(() => wokenBy(made, live, model, steps))
  const promises: Promised[] = [
    [
      'asks for shares from 0 to 1 that never fall from one block to the next, and for fewer than all blocks',
      () => wrongShares(seen),
    ],
    ['freezes something where nothing moves any more', () => frozeNothing(seen)],
    ['wakes every block after a drift alarm, and after growth', () => woken],
    ['goes on the same after its state was saved and restored', () => resumed],
    ['says of its events whose they are, and in which step', () => strangeEvent(seen, name)],
    [
      'refuses a state that is not its own, and stays unchanged',
      () =>
        takenStates(
          (state) => whole.restore(state),
          () => whole.toState(),
        ),
    ],
  ]
  const results = statements(name, promises)
  model.dispose()
  return results
}

interface Seen {
  readonly step: number
  readonly shares: readonly number[]
  readonly events: readonly LearnerEvent[]
}

type Live = (freezing: Freezing, from: number, to: number) => Promise<Seen[]>

function contextOf(step: number, model: Gpt, events: readonly LearnerEvent[]): StepContext<Gpt> {
  const fresh = batchOfTokens(
    Array.from({ length: 17 }, (_, i) => (3 * i + step) % 16),
    8,
    'stream',
  )
  return {
    step: step + 1,
    model,
    fresh,
    old: null,
    rowLosses: [2, 2],
    tokenLosses: new Float64Array(16).fill(2),
    oldLosses: null,
    bitsPerByte: 2,
    bytes: fresh.tokens,
    losses: [2],
    stepsSinceDrift: events.length > 0 ? 0 : null,
    mirrors: [],
    events,
  }
}

function wrongShares(seen: readonly Seen[]): string | null {
  for (const { step, shares } of seen) {
    const isWrong = shares.some((share, i) => !(share >= 0 && share <= 1) || share < (shares[i - 1] ?? 0))
    if (isWrong || shares.length >= blocks) return `in step ${step}: ${shares.join(', ')}`
  }
  return null
}

function frozeNothing(seen: readonly Seen[]): string | null {
  const least = Math.min(...seen.map(({ shares }) => shares[0] ?? 1))
  return least < 1 ? null : `the lowest block learnt at its whole rate for ${seen.length} steps`
}

function strangeEvent(seen: readonly Seen[], name: string): string | null {
  for (const { step, events } of seen) {
    const strange = events.find(
      (event) => event.step !== step + 1 || event.part !== name || event.summary === '',
    )
    if (strange) return `in step ${step + 1}: ${JSON.stringify(strange)}`
  }
  return null
}

async function resumes(
  make: () => Freezing,
  live: Live,
  seen: readonly Seen[],
  at: number,
): Promise<string | null> {
  const [first, second] = [make(), make()]
  await live(first, 0, at)
  second.restore(copied(first.toState()))
  const found = await live(second, at, seen.length)
  return isSame(found, seen.slice(at)) ? null : `saved before step ${at}, it went another way`
}

async function wokenBy(make: () => Freezing, live: Live, model: Gpt, steps: number): Promise<string | null> {
  for (const kind of ['drift', 'growth'] as const) {
    const freezing = make()
    await live(freezing, 0, steps)
    const event = { kind, step: steps + 1, part: 'another', summary: kind, data: {} } as LearnerEvent
    await freezing.afterStep(contextOf(steps, model, [event]))
    const asleep = freezing.sharesAt(steps + 1).filter((share) => share < 1).length
    if (asleep > 0) return `${asleep} blocks sleep on after ${kind}`
  }
  return null
}
