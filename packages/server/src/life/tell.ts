/** What a life tells, as events of a server. */
import type { LifeEvent, Told } from '../served/served-life.ts'
import type { LatestEvents } from './latest-events.ts'

/** Characters of an event's data as JSON; of longer ones the summary alone is told. */
const maxData = 8192

/** Passes on what a life tells. */
export function tell(events: LatestEvents, told: Told): void {
  if (told.what === 'step') events.tellStep(told.step)
  else if (told.what === 'event') events.tell('learner', eventJson(told.event))
  else events.tell('saved', { step: told.saved.step, bits_per_byte: told.saved.bitsPerByte })
}

/** An event as JSON has it; its data is null where it is long. */
export function eventJson({ kind, step, part, summary, data }: LifeEvent): object {
  const isShort = (JSON.stringify(data) ?? '').length <= maxData
  return { kind, step, part, summary, data: isShort ? data : null }
}
