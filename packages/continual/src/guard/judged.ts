/** One decision of a guard, looked at before anything follows it. */
import { checks, OptionError, shown } from '@burgeon/tensor'
import type { Guard, GuardContext, GuardDecision, GuardRecord, Verdict } from './guard.ts'
import { verdicts } from './guard.ts'

/** A decision with all that may be left out. */
export interface Judged {
  readonly verdict: Verdict
  /** What may be learnt, or is kept apart; empty where the text is refused. */
  readonly text: string
  /** From 0 to 1. */
  readonly trust: number
  readonly reasons: readonly string[]
  /** Name of the guard that gave the verdict; null where none had anything against the text. */
  readonly by: string | null
}

const share = checks.number({ from: 0, to: 1 })

/**
 * Asks a guard, and each of its members in turn: the first that refuses a text or keeps it apart ends it,
 * redactions follow each other, and shares of trust multiply.
 *
 * @throws OptionError for what is no decision, which says nothing of the text; and what a guard throws.
 */
export function judged(guard: Guard, record: GuardRecord, context: GuardContext): Judged {
  const { trust = 1, ...others } = record
  let result: Judged = { verdict: 'learn', text: record.text, trust, reasons: [], by: null }
  for (const member of guard.members ?? [guard]) {
    const asked = { ...others, text: result.text, trust: result.trust }
    const { verdict, text = result.text, trust: own = 1, reasons = [] } = decisionOf(member, asked, context)
    result = { ...result, trust: result.trust * own }
    if (verdict === 'learn') continue
    result = { ...result, verdict, text, by: member.name, reasons: union(result.reasons, reasons) }
    if (verdict === 'refuse') return { ...result, text: '', reasons }
    if (verdict === 'quarantine') return { ...result, reasons }
  }
  return result
}

const union = (a: readonly string[], b: readonly string[]): readonly string[] =>
  [...new Set([...a, ...b])].toSorted()

/** What a guard says may hold the text, so none of it is shown. */
function refuse({ name }: Guard, what: string): never {
  throw new OptionError(`guard ${name}: expected ${what} in its decision. The text was not learnt.`)
}

function decisionOf(guard: Guard, record: GuardRecord, context: GuardContext): GuardDecision {
  const decision = guard.admit(record, context) as Partial<Record<keyof GuardDecision, unknown>> | null
  const { verdict, text, trust = 1, reasons = [] } = decision ?? {}
  if (!verdicts.some((one) => one === verdict)) refuse(guard, `one of ${shown(verdicts)} as verdict`)
  if (!share.accepts(trust)) refuse(guard, 'a trust from 0 to 1')
  if ((verdict === 'redact') !== (text !== undefined) || (text !== undefined && !checks.text.accepts(text))) {
    refuse(guard, 'a text with the verdict redact, and with no other')
  }
  const isKnown = (reason: unknown): boolean => guard.reasons.includes(reason as string)
  if (
    !Array.isArray(reasons) ||
    !reasons.every(isKnown) ||
    (reasons.length === 0) !== (verdict === 'learn')
  ) {
    refuse(guard, 'reasons among its own, one at least unless the text is learnt as it came')
  }
  return decision as GuardDecision
}
