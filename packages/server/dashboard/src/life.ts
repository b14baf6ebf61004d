/** A life as the page knows it: what its record says, kept up by its events. It draws nothing. */

/** A value at some bytes learnt. */
export interface Point {
  readonly at: number
  readonly value: number
}

/** Something that happened, as a line for people. */
export interface LifeEvent {
  readonly at: number
  readonly kind: string
  readonly step: number
  readonly summary: string
}

/** Where a domain was learnt, in bytes. */
export interface Span {
  readonly domain: string
  readonly from: number
  readonly to: number
}

/** What is known of a domain. */
export interface Domain {
  readonly name: string
  readonly bytes: number
  /** How often learning came to it. */
  readonly stretches: number
  /** Moving mean of the loss before learning; null of one whose losses were joined with others'. */
  readonly lately: number | null
  /** Loss of text that is never learnt; null where there is none. */
  readonly heldOut: number | null
}

/** A record of the server, in its words. */
export interface RecordJson {
  readonly last_event_id: string
  readonly step: number
  readonly bytes: number
  readonly losses: readonly { readonly bytes: number; readonly bits_per_byte: number }[]
  readonly parameters: readonly { readonly bytes: number; readonly parameters: number }[]
  readonly spans: readonly Span[]
  readonly measurements: readonly { readonly bits_per_byte: Readonly<Record<string, number>> }[]
  readonly events: readonly (Omit<LifeEvent, 'at'> & { readonly bytes: number })[]
}

/** A step of the server's events, or several told as one. */
export interface StepJson {
  readonly step: number
  readonly bytes: number
  readonly bits_per_byte: number
  readonly domain: string
  readonly parameters: number
}

/** All of it. */
export interface Life {
  step: number
  bytes: number
  losses: Point[]
  readonly sizes: Point[]
  readonly spans: Span[]
  readonly events: LifeEvent[]
  readonly heldOut: ReadonlyMap<string, number>
}

/** Points of the loss that are kept; of more, two neighbors become one. */
const maxLosses = 4096
/** Share of a new value in a moving mean. */
const ofNew = 0.1

/** The life that a record tells of. */
export function lifeOf(record: RecordJson): Life {
  return {
    ...{ step: record.step, bytes: record.bytes, spans: [...record.spans] },
    losses: record.losses.map(({ bytes, bits_per_byte }) => ({ at: bytes, value: bits_per_byte })),
    sizes: record.parameters.map(({ bytes, parameters }) => ({ at: bytes, value: parameters })),
    events: record.events.map(({ bytes, kind, step, summary }) => ({ at: bytes, kind, step, summary })),
    heldOut: new Map(record.measurements.flatMap((one) => Object.entries(one.bits_per_byte))),
  }
}

/** Adds a step. One that the record knew already is left out. */
export function addStep(life: Life, { step, bytes, bits_per_byte, domain, parameters }: StepJson): boolean {
  if (step <= life.step) return false
  const from = life.bytes
  life.step = step
  life.bytes += bytes
  life.losses.push({ at: from, value: bits_per_byte })
  if (life.losses.length > maxLosses) life.losses = joined(life.losses)
  const last = life.spans.at(-1)
  const span = last?.domain === domain ? life.spans.pop() : undefined
  life.spans.push({ domain, from: span?.from ?? from, to: life.bytes })
  if (life.sizes.at(-1)?.value !== parameters) life.sizes.push({ at: life.bytes, value: parameters })
  return true
}

/** Adds an event; it happened when all was learnt that is known by now. */
export function addEvent(life: Life, event: Omit<LifeEvent, 'at'>): void {
  const { kind, step, summary } = event
  life.events.push({ at: life.bytes, kind, step, summary })
}

const joined = (points: readonly Point[]): Point[] =>
  points.flatMap(({ at, value }, i) =>
    i % 2 === 1 ? [] : [{ at, value: (value + (points[i + 1]?.value ?? value)) / 2 }],
  )

/** The loss as a moving mean: slow over a long curve, quick over a short one. */
export function smoothed(points: readonly Point[]): Point[] {
  const share = Math.min(0.5, Math.max(0.02, 25 / points.length))
  let mean = points[0]?.value ?? 0
  return points.map(({ at, value }) => {
    mean += share * (value - mean)
    return { at, value: mean }
  })
}

/** What is known of each domain, the most learnt first. */
export function domainsOf({ spans, losses, heldOut }: Life): Domain[] {
  const found = new Map<string, { bytes: number; stretches: number; lately: number | null }>()
  let at = 0
  for (const { domain, from, to } of spans) {
    const own = found.get(domain) ?? { bytes: 0, stretches: 0, lately: null }
    found.set(domain, own)
    own.bytes += to - from
    own.stretches++
    for (; at < losses.length && losses[at].at < to; at++) {
      const { value } = losses[at]
      own.lately = own.lately === null ? value : own.lately + ofNew * (value - own.lately)
    }
  }
  return [...found]
    .map(([name, own]) => ({ name, ...own, heldOut: heldOut.get(name) ?? null }))
    .toSorted((a, b) => b.bytes - a.bytes)
}

/** The latest value at or before a place; the first one's where there is none. */
export function valueAt(points: readonly Point[], place: number): number | undefined {
  return (points.findLast(({ at }) => at <= place) ?? points[0])?.value
}
