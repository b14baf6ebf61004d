/** Sentences about the changes of the stream that a life noticed, for terminal and page. */
import { byteSize, count, many } from '../terminal/quantities.ts'
import type { LifeReport } from './life-report.ts'

/** One sentence, from the verdicts on the alarms. */
export function driftSentence({ alarms, spans, changesAreKnown }: LifeReport): string {
  if (!changesAreKnown) {
    return `It raised ${many(alarms.length, 'alarm')}; nobody has said where the text really changed.`
  }
  const noticed = alarms.filter(({ verdict }) => verdict === 'true-change')
  const changes = Math.max(0, spans.length - 1)
  const delays = delaysOf(noticed.map(({ delayBytes }) => delayBytes ?? 0))
  return (
    `It noticed ${count(noticed.length)} of ${many(changes, 'change')} in what it read` +
    `${noticed.length > 0 ? `, after ${delays}` : ''}, with ${many(alarms.length - noticed.length, 'false alarm')}.`
  )
}

/** Few delays one by one; of many, between which they lie and the one in the middle. */
function delaysOf(delays: readonly number[]): string {
  if (delays.length <= maxDelays) return delays.map(byteSize).join(' and ')
  const sorted = delays.toSorted((a, b) => a - b)
  const [least, most] = [sorted[0], sorted[sorted.length - 1]]
  return `${byteSize(least)} to ${byteSize(most)}, ${byteSize(sorted[sorted.length >> 1])} in the median`
}

/** Delays that are listed one by one. */
const maxDelays = 6
