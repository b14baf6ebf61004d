/** The text/event-stream format (the HTML standard, section 9.2.6), event by event. */
import { StreamError } from '../stream-error.ts'

/** One event. */
export interface ServerSentEvent {
  /** The last id that the stream has given, this event's included; undefined before the first. */
  readonly id: string | undefined
  /** Its type; undefined unless the stream names one. */
  readonly type: string | undefined
  readonly data: string
}

/**
 * The events of a stream, however it is cut into chunks. An event that the stream does not end is dropped,
 * and so is one without data.
 *
 * @param maxBytes An event that takes more is an error, before it is held as a whole.
 * @throws StreamError for an event that is too long.
 */
export async function* eventsIn(
  chunks: AsyncIterable<Uint8Array>,
  maxBytes: number,
): AsyncGenerator<ServerSentEvent, void, void> {
  let id: string | undefined
  let [type, data, size]: [string | undefined, string[], number] = [undefined, [], 0]
  for await (const line of linesIn(chunks, maxBytes)) {
    if (line === '') {
      if (data.length > 0) yield { id, type, data: data.join('\n') }
      ;[type, data, size] = [undefined, [], 0]
      continue
    }
    size += line.length
    if (size > maxBytes) throw tooLong(maxBytes)
    const [, field, value] = /^([^:]*):? ?([^]*)$/.exec(line) ?? []
    if (field === 'data') data.push(value)
    else if (field === 'event') type = value === '' ? undefined : value
    else if (field === 'id' && !value.includes('\0')) id = value
  }
}

/** Lines that end with a line feed, a carriage return or both; what follows the last of these is dropped. */
async function* linesIn(
  chunks: AsyncIterable<Uint8Array>,
  maxBytes: number,
): AsyncGenerator<string, void, void> {
  // It drops a byte order mark at the beginning, as the standard wants it.
  const decoder = new TextDecoder()
  let [rest, endsInReturn] = ['', false]
  for await (const chunk of chunks) {
    let text = decoder.decode(chunk, { stream: true })
    if (endsInReturn && text.startsWith('\n')) text = text.slice(1)
    if (text === '') continue
    endsInReturn = text.endsWith('\r')
    const lines = `${rest}${text}`.split(/\r\n|\n|\r/)
    rest = lines.pop() ?? ''
    yield* lines
    if (rest.length > maxBytes) throw tooLong(maxBytes)
  }
}

function tooLong(maxBytes: number): StreamError {
  return new StreamError('source-failed', `an event is longer than ${maxBytes} bytes`)
}
