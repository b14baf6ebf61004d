/** Mends a fault: ways are compared from the same moment, and the best is gone for as long as it helps. */
import type { LearnerEvent } from '../../../journal/event.ts'
import { pairedGain } from '../../../trial/paired-gain.ts'
import type { HeldRow, SleepContext } from '../../sleep-job.ts'
import { byDomain, type Fault } from './faults.ts'
import { ordinarySteps, type RepairSize, type RepairWay } from './repair-ways.ts'

/** Standard errors by which the weak rows have to be better, and others may not be worse. */
const leastErrors = 2.5
/** Bits per byte that are worth a repair, and that others may be worse by. */
const least = 0.02
/** How much better some rows are, in bits, and how many standard errors that is above 0. */
interface Gain {
  readonly gain: number
  readonly errors: number
}

/** What a way came to, on the rows of the fault. */
export interface Tried extends Gain {
  readonly way: RepairWay
  /** Beyond as many ordinary steps, where the fault is one that learning may bring about. */
  readonly beyond: Gain
  /** Another domain that is worse for it; null for none. */
  readonly harmed: string | null
}

/** Tries every way that can do something here, and undoes it. */
export async function triedOf(
  ways: readonly RepairWay[],
  fault: Fault,
  context: SleepContext,
  size: RepairSize,
  held: readonly HeldRow[],
): Promise<Tried[]> {
  const afterOf = (way: RepairWay): Promise<readonly HeldRow[] | null> =>
    context.attempt(async () => (await way.run(fault, context, size)) && (await context.measure()))
  const ordinary = isDoubtful(fault) ? ((await afterOf(ordinarySteps)) ?? held) : held
  const tried: Tried[] = []
  for (const way of ways) {
    const after = await afterOf(way)
    if (after === null) continue
    const beyond = gainOn(fault, ordinary, after)
    tried.push({ way, ...gainOn(fault, held, after), beyond, harmed: harmedBy(fault, held, after) })
  }
  return tried
}

/** The way that gains most, where that is beyond chance and beyond what ordinary steps gain. */
export function bestOf(tried: readonly Tried[]): Tried | null {
  const good = tried.filter((one) => isBeyondChance(one) && isBeyondChance(one.beyond) && one.harmed === null)
  return good.reduce<Tried | null>((best, one) => (best === null || one.gain > best.gain ? one : best), null)
}

/**
 * Goes the best way, and again for as long as that helps and no other domain pays for it; null for none, and
 * where too few operations are left.
 */
export async function mendedBy(
  best: Tried | null,
  fault: Fault,
  context: SleepContext,
  size: RepairSize,
  held: readonly HeldRow[],
): Promise<{ readonly summary: string; readonly events: readonly LearnerEvent[] } | null> {
  if (best === null) return null
  const { way, gain, errors } = best
  const events: LearnerEvent[] = []
  let [now, turn] = [held, 0]
  const helps = (after: readonly HeldRow[] | null): after is readonly HeldRow[] =>
    after !== null && isBeyondChance(gainOn(fault, now, after)) && harmedBy(fault, now, after) === null
  do {
    let own: readonly LearnerEvent[] | null = null
    const after = await context.attempt(async () => {
      own = await way.run(fault, context, { ...size, turn })
      return own && context.measure()
    }, helps)
    if (!helps(after)) break
    events.push(...(own ?? []))
    now = after
    turn++
  } while (way.isRepeated)
  if (turn === 0) return null
  const again =
    turn === 1
      ? ''
      : `, and ${(gainOn(fault, held, now).gain - gain).toFixed(2)} more by ${turn - 1} times again`
  return {
    summary: `${way.name}, ${gain.toFixed(2)} bits better on rows that are held back (${errors.toFixed(1)} standard errors)${again}`,
    events,
  }
}

/** Why no way was gone. */
export function failureOf(tried: readonly Tried[]): string {
  if (tried.length === 0) return 'no way could be tried'
  const told = tried.map((one) => {
    const { way, gain, errors, harmed } = one
    const harm = harmed === null ? '' : ` and harm to ${harmed}`
    const same = isBeyondChance(one) && !isBeyondChance(one.beyond) ? ', no more than ordinary steps' : ''
    return `${way.name} ${gain.toFixed(2)} bits (${errors.toFixed(1)} standard errors${same})${harm}`
  })
  return `${bestOf(tried) === null ? 'no way helped' : 'too few operations are left'}: ${told.join(', ')}`
}

/** What learning itself may bring about: then a way has to be better than learning on. */
const isDoubtful = ({ found }: Fault): boolean => found === 'weights' || found === 'weakness'

const isOf = (fault: Fault, domain: string): boolean => fault.domain === null || fault.domain === domain

/** How much better the rows of a fault are. */
const gainOn = (fault: Fault, before: readonly HeldRow[], after: readonly HeldRow[]): Gain =>
  gainOf(before.flatMap(({ domain, bits }, i) => (isOf(fault, domain) ? [bits - after[i].bits] : [])))

/** Another domain that pays for it; null for none. */
function harmedBy(fault: Fault, before: readonly HeldRow[], after: readonly HeldRow[]): string | null {
  const gains = before.map(({ domain, bits }, i) => ({ domain, bits: bits - after[i].bits }))
  const harmed = byDomain(gains).find(([domain, own]) => {
    const { gain, errors } = gainOf(own)
    return !isOf(fault, domain) && gain < -least && errors < -leastErrors
  })
  return harmed?.[0] ?? null
}

/** The mean of some gains, row by row; nothing of fewer than two. */
function gainOf(gains: readonly number[]): Gain {
  if (gains.length < 2) return { gain: 0, errors: 0 }
  // The comparison of trials takes nats.
  const nats = gains.map((bits) => bits * Math.LN2)
  const { gain, error } = pairedGain(
    nats,
    nats.map(() => 0),
  )
  return { gain, errors: error > 0 ? gain / error : gain === 0 ? 0 : Math.sign(gain) * Infinity }
}

const isBeyondChance = ({ gain, errors }: Gain): boolean => gain > least && errors > leastErrors
