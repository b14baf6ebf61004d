/**
 * Stays connected with the server: what a break has swallowed is asked for, and a server that comes back is found.
 */
import { ask, AskError, eventsOf, fetched, type Json } from './ask.ts'

/** What the page does with what it hears. */
export interface Listener {
  /** A model is served; called whenever the connection is made. */
  met(model: ModelJson): Promise<void> | void
  /** Asks for all of the life, and shows it. Returns the name of the event to follow from. */
  begin(): Promise<string>
  /** Something happened. Returns whether all of the life has to be asked for again. */
  heard(name: string, data: Json): boolean
  /** Asks for what has no events of its own, every now and then. */
  poll(): Promise<void>
  connected(): void
  lost(why: string): void
  /** The server wants a key, or another. */
  locked(why: AskError): void
}

/** A model as `/v1/models` has it. */
export interface ModelJson {
  readonly id: string
  readonly context: number
  readonly parameters: number
  readonly learns: boolean
  /** Senses beside text. */
  readonly senses: readonly SenseJson[]
}

/** A sense of a model, and the form of files that are written of its pieces. */
export interface SenseJson {
  readonly name: string
  readonly media: string | null
}

/** Milliseconds between two questions of the page. */
const pollEvery = 2000
/** Milliseconds of silence after which a connection is taken for dead; the server breaks it every 15 seconds. */
const silence = 45_000
const [firstWait, longestWait] = [500, 8000]

/** Connects, and connects again whenever that ends, until it is stopped or the server wants a key. */
export async function stayConnected(listener: Listener, stop: AbortSignal): Promise<void> {
  let wait = firstWait
  const past: Known = { model: null, event: null }
  while (!stop.aborted) {
    const own = new AbortController()
    const signal = AbortSignal.any([stop, own.signal])
    try {
      await connect(listener, past, signal, () => {
        wait = firstWait
      })
    } catch (error) {
      if (stop.aborted) return
      const known = error instanceof AskError ? error : null
      if (known?.status === 401 || known?.status === 403) {
        listener.locked(known)
        return
      }
      // A stream that breaks off has an error of the browser's own.
      listener.lost(known?.message ?? 'The connection broke off.')
    } finally {
      own.abort()
    }
    await pause(wait, stop)
    wait = Math.min(2 * wait, longestWait)
  }
}

/** Which model was met, and the last event that was heard of its life. */
interface Known {
  model: ModelJson | null
  event: string | null
}

async function connect(
  listener: Listener,
  known: Known,
  signal: AbortSignal,
  onConnected: () => void,
): Promise<void> {
  const { data } = await ask<{ readonly data: readonly ModelJson[] }>('/v1/models')
  const [model] = data
  if (known.model?.id !== model.id || known.model.learns !== model.learns) known.event = null
  known.model = model
  await listener.met(model)
  if (model.learns) known.event ??= await listener.begin()
  await listener.poll()
  listener.connected()
  onConnected()
  await Promise.race([
    polling(listener, signal),
    ...(model.learns ? [following(listener, known, signal)] : []),
  ])
}

async function polling(listener: Listener, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await pause(pollEvery, signal)
    if (!signal.aborted) await listener.poll()
  }
}

/** Follows events behind the one that is known, until the server ends them. */
async function following(listener: Listener, known: Known, signal: AbortSignal): Promise<void> {
  for (;;) {
    const own = new AbortController()
    let timer = setTimeout(() => own.abort(), silence)
    const isHeard = (): void => {
      clearTimeout(timer)
      timer = setTimeout(() => own.abort(), silence)
    }
    try {
      const headers = { 'last-event-id': known.event ?? '' }
      const response = await fetched('/v1/events', undefined, {
        ...{ headers, signal: AbortSignal.any([signal, own.signal]) },
      })
      if (!(await hear(eventsOf(response, isHeard), listener, known))) return
    } finally {
      clearTimeout(timer)
      own.abort()
    }
    known.event = await listener.begin()
    await listener.poll()
  }
}

/** Hears until the stream ends. Returns whether all has to be asked for again, since something was missed. */
async function hear(events: ReturnType<typeof eventsOf>, listener: Listener, known: Known): Promise<boolean> {
  for await (const { id, name, data } of events) {
    if (name === undefined || id === undefined) continue
    const told = JSON.parse(data) as Json
    known.event = id
    if (name === 'open' ? told['complete'] === false : listener.heard(name, told)) return true
  }
  return false
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds)
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      resolve()
    })
  })
}
