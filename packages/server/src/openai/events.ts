/** Server-sent events: an answer in pieces. */
import { apiErrorOf } from '../http/api-error.ts'

/**
 * A response of one event for each item, and `[DONE]` at the end. The next item is made when the client has
 * taken the last one; a client that leaves ends it.
 *
 * @param onEnd Called once, however it ended.
 */
export function eventStream(
  items: AsyncGenerator<object, void, void>,
  {
    headers,
    onError,
    onEnd,
  }: {
    readonly headers: Readonly<Record<string, string>>
    readonly onError: (error: unknown) => void
    readonly onEnd: () => void
  },
): Response {
  const encoder = new TextEncoder()
  let hasEnded = false
  const end = (): void => {
    if (hasEnded) return
    hasEnded = true
    onEnd()
  }
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { value, done } = await items.next()
          const data = done || value === undefined ? '[DONE]' : JSON.stringify(value)
          controller.enqueue(encoder.encode(`data: ${data}\n\n`))
          if (!done) return
        } catch (error) {
          onError(error)
          controller.enqueue(encoder.encode(`data: ${JSON.stringify(apiErrorOf(error).body)}\n\n`))
        }
        controller.close()
        end()
      },
      async cancel() {
        try {
          await items.return()
        } finally {
          end()
        }
      },
    },
    { highWaterMark: 0 },
  )
  return new Response(body, {
    headers: { ...headers, 'Content-Type': 'text/event-stream; charset=utf-8', 'Cache-Control': 'no-cache' },
  })
}
