/** What the guards of a life kept out, for its report. */
import type { Learner, Verdict } from '@burgeon/continual'

/** Most decisions that are named. */
const maxNamed = 3

const done: Readonly<Record<Verdict, string>> = {
  ...{ learn: 'learnt', redact: 'redacted', quarantine: 'kept apart', refuse: 'refused' },
}

/** A line of the report; none of a life without guards. */
export function guardLines({
  door: { isGuarded, summary },
}: Pick<Learner, 'door'>): readonly { readonly label: string; readonly value: string }[] {
  if (!isGuarded) return []
  const { asked, decisions } = summary
  const named = decisions
    .slice(0, maxNamed)
    .map(({ records, verdict, reasons }) => `${records} ${done[verdict]} (${reasons.join(', ')})`)
  const more = decisions.length - named.length
  return [
    {
      label: 'guarded',
      value: `${asked} ${asked === 1 ? 'text' : 'texts'}: ${named.join(', ') || 'all learnt as they came'}${more > 0 ? ` and ${more} more` : ''}`,
    },
  ]
}
