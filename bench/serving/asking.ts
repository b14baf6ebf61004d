/** Clients that stream completions over HTTP, one request after the other. */

/** What clients got. */
export interface Answers {
  /** Tokens of all clients together. */
  readonly tokens: number
  /** Seconds from a request to its first token. */
  readonly firstTokens: readonly number[]
}

/** A request that a client makes: its prompt, in text or tokens. */
export type PromptOf = (client: number, request: number) => string | readonly number[]

/** Has clients ask for some seconds; each ends the request that it is at. */
export async function asking(
  url: string,
  { seconds, clients, answerTokens, promptOf, temperature }: AskingOptions,
): Promise<Answers> {
  const end = performance.now() + 1000 * seconds
  const firstTokens: number[] = []
  let tokens = 0
  const client = async (name: number): Promise<void> => {
    for (let i = 0; performance.now() < end; i++) {
      const start = performance.now()
      const response = await post(url, '/v1/completions', {
        ...{ model: 'small', max_tokens: answerTokens, stream: true, seed: 100 * name + i },
        ...{ prompt: promptOf(name, i), temperature },
      })
      if (!response.ok || response.body === null) throw new Error(await response.text())
      let isFirst = true
      for await (const part of response.body as unknown as AsyncIterable<Uint8Array>) {
        if (!isFirst || !new TextDecoder().decode(part).includes('data: {')) continue
        firstTokens.push((performance.now() - start) / 1000)
        isFirst = false
      }
      tokens += answerTokens
    }
  }
  await Promise.all(Array.from({ length: clients }, (_, name) => client(name)))
  return { tokens, firstTokens }
}

/** How they ask. */
export interface AskingOptions {
  readonly seconds: number
  readonly clients: number
  readonly answerTokens: number
  readonly promptOf: PromptOf
  readonly temperature: number
}

export const post = (url: string, path: string, body: object): Promise<Response> =>
  fetch(`${url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })

/** A place in ordered numbers, 0.5 for the middle. */
export const quantile = (ordered: readonly number[], share: number): number =>
  ordered[Math.min(ordered.length - 1, Math.floor(share * ordered.length))]
