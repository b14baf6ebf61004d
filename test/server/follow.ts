/** Follows the events of a server. */

/** One of them. */
export interface Heard {
  readonly id: string
  readonly name: string
  readonly data: Readonly<Record<string, unknown>>
}

/** Somebody who follows. */
export interface Followed {
  /** All that was heard so far, once an event for which `isIt` holds is among it. */
  until(isIt: (heard: Heard) => boolean): Promise<readonly Heard[]>
  /** All of it, once the server has ended it. */
  toTheEnd(): Promise<readonly Heard[]>
  leave(): Promise<void>
}

/** Follows from now on, or from behind an event. */
export async function follow(
  app: { fetch(request: Request): Response | Promise<Response> },
  after?: string,
): Promise<Followed> {
  const headers = { host: 'localhost', ...(after !== undefined && { 'last-event-id': after }) }
  const response = await app.fetch(new Request('http://localhost/v1/events', { headers }))
  if (response.status !== 200) throw new Error(`events: ${response.status} ${await response.text()}`)
  const reader = (response.body as ReadableStream<Uint8Array>).getReader()
  const decoder = new TextDecoder()
  const all: Heard[] = []
  let rest = ''
  const hear = async (): Promise<boolean> => {
    const { value, done } = await reader.read()
    if (done) return false
    const parts = (rest + decoder.decode(value, { stream: true })).split('\n\n')
    rest = parts.pop() ?? ''
    all.push(...parts.filter((part) => !part.startsWith(':')).map(heardIn))
    return true
  }
  const toTheEnd = async (): Promise<readonly Heard[]> => {
    while (await hear());
    return all
  }
  return {
    toTheEnd,
    async until(isIt) {
      while (!all.some(isIt)) if (!(await hear())) throw new Error('the stream has ended')
      return [...all]
    },
    leave: () => reader.cancel(),
  }
}

function heardIn(part: string): Heard {
  const [id, name, data] = part.split('\n').map((line) => line.slice(line.indexOf(': ') + 2))
  return { id, name, data: JSON.parse(data) as Heard['data'] }
}
