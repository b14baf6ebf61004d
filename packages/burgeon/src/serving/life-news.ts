/** What happens to a life, for those who follow it over HTTP. */
import type { StepReport } from '@burgeon/continual'
import type { ServedLife, Told } from '@burgeon/server'
import type { Life } from '../session/life/life-checkpoint.ts'
import { lossCurve } from '../session/record/bounded-series.ts'
import { recentBitsPerByte } from '../session/record/life-record.ts'
import type { SessionWatcher } from '../session/run-session.ts'

/** Watches lessons and sources, and tells whoever listens. */
export type LifeNews = ServedLife & SessionWatcher

/** News of a life. `sinks` hear of the same. */
export function lifeNews(
  { learner, record }: Pick<Life, 'learner' | 'record'>,
  sinks?: SessionWatcher,
): LifeNews {
  const listeners = new Set<(told: Told) => void>()
  const tell = (told: Told): void => {
    for (const hear of listeners) hear(told)
  }
  return {
    listen(hear) {
      listeners.add(hear)
      return () => void listeners.delete(hear)
    },
    step(report: StepReport, note) {
      const { step, bytes, bitsPerByte, domains, parameters, events } = report
      tell({ what: 'step', step: { step, bytes, bitsPerByte, domain: domains[0], parameters } })
      for (const event of events) tell({ what: 'event', event })
      return sinks?.step(report, note)
    },
    saving: (note) => sinks?.saving?.(note),
    saved: () =>
      tell({ what: 'saved', saved: { step: learner.step, bitsPerByte: recentBitsPerByte(record) } }),
    soFar: () => {
      const { bytes, seconds, spans, measurements, parameters, events } = record
      return { bytes, seconds, losses: lossCurve(record), spans, measurements, parameters, events }
    },
  }
}
