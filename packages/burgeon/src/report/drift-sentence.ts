/** What a life noticed of the changes in its stream, as terminal and page say it. */
import { byteSize, many } from '../terminal/quantities.ts'
import type { LifeReport } from './life-report.ts'

/** One sentence, from the verdicts on the alarms. */
export function driftSentence({ alarms, spans, changesAreKnown }: LifeReport): string {
  if (!changesAreKnown) {
    return `It raised ${many(alarms.length, 'alarm')}; nobody has said where the text really changed.`
  }
  const noticed = alarms.filter(({ verdict }) => verdict === 'true-change')
  const changes = Math.max(0, spans.length - 1)
  const delays = noticed.map(({ delayBytes }) => byteSize(delayBytes ?? 0)).join(' and ')
  return (
    `It noticed ${noticed.length} of ${many(changes, 'change')} in what it read` +
    `${noticed.length > 0 ? `, after ${delays}` : ''}, with ${many(alarms.length - noticed.length, 'false alarm')}.`
  )
}
