/** What happens to a life, for those who follow it over HTTP. */
import type { StepReport } from '@burgeon/continual'
import type { ServedLife, Told } from '@burgeon/server'
import type { KnownLife } from '../session/life/life-checkpoint.ts'
import { lossCurve } from '../session/record/bounded-series.ts'
import { recentBitsPerByte } from '../session/record/life-record.ts'
import type { SessionWatcher } from '../session/run-session.ts'

/** Watches lessons and sources, and tells whoever listens. */
export interface LifeNews extends ServedLife, SessionWatcher {
  /** Goes on with another life, whose record says what happened. */
  become(life: KnownLife): void
}

/** News of a life. `sinks` hear of the same. */
export function lifeNews(first: KnownLife, sinks?: SessionWatcher): LifeNews {
  let { learner, record } = first
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
    become(life) {
      learner = life.learner
      record = life.record
      const last = record.events.at(-1)
      if (last !== undefined) tell({ what: 'event', event: last.event })
    },
    soFar: () => {
      const { bytes, seconds, spans, measurements, parameters, events } = record
      return { bytes, seconds, losses: lossCurve(record), spans, measurements, parameters, events }
    },
  }
}
