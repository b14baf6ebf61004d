/** Records from a stream of server-sent events (the HTML standard, section 9.2). */
import { type Check, checkArgument } from '@burgeon/tensor'
import { StreamError } from '../stream-error.ts'
import { eventsIn } from './event-stream.ts'
import type { OpenRecords, RecordSource, SourceRecord } from './record-source.ts'

/** A URL that `fetch` takes. */
export const aWebAddress: Check<string> = {
  expected: 'a URL such as http://localhost:8080/events',
  accepts: (value): value is string =>
    typeof value === 'string' && URL.canParse(value) && /^https?:$/.test(new URL(value).protocol),
}

/** Bytes of an event above which it is refused. */
const maxEventBytes = 16 * 2 ** 20

/**
 * The events at a URL. The data of an event is the text of a record, its id the id, its type the domain, if
 * it has one. After a failure, or when the server ends the stream, it asks again from the last id on, as
 * browsers do; an answer of 204 says that there is no more.
 *
 * @throws OptionError for what is no URL of the web.
 * @example
 * ```ts
 * const source = serverSentEvents('http://localhost:8080/events')
 * ```
 */
export function serverSentEvents(url: string): RecordSource {
  checkArgument('serverSentEvents', 'url', url, aWebAddress)
  const name = `sse:${withoutPassword(url)}`
  return { name, reopens: true, open: (options) => events(url, name, options) }
}

async function* events(
  url: string,
  name: string,
  { signal, lastId }: OpenRecords,
): AsyncGenerator<SourceRecord, void, void> {
  const answer = await fetch(url, {
    headers: { accept: 'text/event-stream', ...(lastId !== undefined && { 'last-event-id': lastId }) },
    signal,
  }).catch((cause: unknown) => {
    throw failed(name, `cannot be reached (${reasonOf(cause)})`, cause)
  })
  const { status, body, headers } = answer
  if (status === 204) return
  const type = headers.get('content-type') ?? 'no type'
  if (status !== 200 || body === null || !type.startsWith('text/event-stream')) {
    await body?.cancel()
    throw failed(name, `answered ${status} with ${type}; expected 200 with text/event-stream`)
  }
  const domain = new URL(url).host
  try {
    for await (const { id, type: kind, data } of eventsIn(body, maxEventBytes)) {
      yield { text: data, domain: kind ?? domain, ...(id !== undefined && { id }) }
    }
  } catch (cause) {
    throw failed(name, `broke off (${reasonOf(cause)})`, cause)
  }
  throw failed(name, 'ended the stream')
}

/** A URL as it may be shown. */
function withoutPassword(url: string): string {
  const shown = new URL(url)
  shown.password = ''
  shown.username = ''
  return shown.href
}

const reasonOf = (cause: unknown): string => {
  const { message, cause: deeper } = cause as Error
  return deeper instanceof Error ? deeper.message : message
}

function failed(name: string, how: string, cause?: unknown): StreamError {
  return new StreamError('source-failed', `learn: ${name} ${how}.`, { cause })
}
