/** How sure a life may be of what it predicts, for its report. */
import type { Learner } from '@burgeon/continual'
import type { LifeSettings } from './life-settings.ts'

/** Most domains that are named. */
const mostDomains = 3

/** A line of the report. */
interface ReportLine {
  readonly label: string
  readonly value: string
}

/** Lines of what a life has found out about itself; none of one that keeps no account. */
export function certaintyLines({ coverage }: LifeSettings, { strategy }: Learner): readonly ReportLine[] {
  if (coverage === undefined || strategy.assessment === undefined) return []
  const { calibration, weakest } = strategy.assessment.summary()
  // The one that was read last comes last.
  const held = Object.entries(calibration)
    .slice(-mostDomains)
    .map(
      ([domain, own]) =>
        `${(100 * own.coverage).toFixed(1)} % (${own.setSize.toFixed(0)} tokens) in ${domain}`,
    )
  const [weak] = weakest.filter(({ isWeak }) => isWeak)
  return [
    {
      label: `sets that hold ${Number((100 * coverage).toPrecision(4))} %`,
      value: held.join(', ') || 'nothing was predicted yet',
    },
    ...(weak === undefined
      ? []
      : [
          {
            label: 'weakest',
            value: `${weak.slice}: ${weak.excess.toFixed(2)} bits a token more than it expected`,
          },
        ]),
  ]
}
