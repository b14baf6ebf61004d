/** A fetch that tells how many bytes of files have come. */

/** Those that are asked for to learn a file's size. */
const probe = 'bytes=0-0'

/** The same fetch; `onBytes` is called with the length of each piece of a file. */
export function countingFetch(inner: typeof fetch, onBytes: (count: number) => void): typeof fetch {
  return async (input, init) => {
    const response = await inner(input, init)
    const { pathname } = new URL(input instanceof Request ? input.url : input)
    const isFile =
      !pathname.startsWith('/api/') && new Headers(init?.headers).get('range')?.toLowerCase() !== probe
    if (!isFile || !response.ok || response.body === null) return response
    const counted = response.body.pipeThrough(
      new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
        transform(chunk, controller) {
          onBytes(chunk.length)
          controller.enqueue(chunk)
        },
      }),
    )
    const { status, statusText, headers, url } = response
    return Object.defineProperty(new Response(counted, { status, statusText, headers }), 'url', {
      value: url,
    })
  }
}
