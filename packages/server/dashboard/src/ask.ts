/** Asks the server that the page comes from. */

/** Any answer. */
export type Json = Readonly<Record<string, unknown>>

/** An answer that says what is wrong, or that there is none. */
export class AskError extends Error {
  /** 0 where the server cannot be reached. */
  readonly status: number
  /** What it is in a word: `context_length_exceeded`. */
  readonly code: string | null

  constructor(status: number, code: string | null, message: string) {
    super(message)
    this.status = status
    this.code = code
  }
}

/** In memory alone: a page that is reloaded asks for it again. */
let key = ''

/** Has every request carry a key; none where it is empty. */
export function useKey(own: string): void {
  key = own
}

/** Whether requests carry a key. */
export const hasKey = (): boolean => key !== ''

/** Asks, with a body by POST. Throws AskError with what the server says. */
export async function fetched(
  path: string,
  body?: object,
  more: { readonly headers?: Readonly<Record<string, string>>; readonly signal?: AbortSignal } = {},
): Promise<Response> {
  const asked = fetch(path, {
    ...(more.signal && { signal: more.signal }),
    headers: {
      ...(key !== '' && { authorization: `Bearer ${key}` }),
      ...(body && { 'content-type': 'application/json' }),
      ...more.headers,
    },
    ...(body && { method: 'POST', body: JSON.stringify(body) }),
  })
  const response = await asked.catch((error: unknown) => {
    if (more.signal?.aborted === true) throw error
    throw new AskError(0, null, 'The server cannot be reached.')
  })
  if (!response.ok) throw await errorOf(response)
  return response
}

/** The JSON of an answer. */
export async function ask<T = Json>(path: string, body?: object): Promise<T> {
  return (await (await fetched(path, body)).json()) as T
}

async function errorOf(response: Response): Promise<AskError> {
  const text = await response.text()
  try {
    const { error } = JSON.parse(text) as { error: { message: string; code: string | null } }
    return new AskError(response.status, error.code, error.message)
  } catch {
    return new AskError(response.status, null, `the server answered ${response.status}`)
  }
}

/** An event as a server sends it. */
export interface Heard {
  /** Absent where it was sent without: a piece of an answer. */
  readonly id?: string
  readonly name?: string
  readonly data: string
}

/** The events of a response, until it ends. `onPart` is called with whatever comes, beats too. */
export async function* eventsOf(
  { body }: Response,
  onPart: () => void = () => {},
): AsyncGenerator<Heard, void, void> {
  if (body === null) return
  let rest = ''
  const reader = body.pipeThrough(new TextDecoderStream()).getReader()
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    onPart()
    const blocks = (rest + part.value).split('\n\n')
    rest = blocks.pop() ?? ''
    for (const block of blocks) {
      const fields = new Map(
        block.split('\n').map((line) => [line.split(':', 1)[0], line.replace(/^\w*: ?/, '')]),
      )
      const [id, name, data] = [fields.get('id'), fields.get('event'), fields.get('data')]
      if (data !== undefined)
        yield { ...(id !== undefined && { id }), ...(name !== undefined && { name }), data }
    }
  }
}
