/** Lines of bytes that come in pieces. */

/** A line. */
export interface FoundLine {
  /** From 1. */
  readonly number: number
  /** Null for one that is too long, or not UTF-8. */
  readonly text: string | null
}

const lineFeed = 10

/** Lines, of which none is held that is longer than so many bytes. The last one need not end. */
export async function* linesIn(
  pieces: AsyncIterable<Uint8Array>,
  maxBytes: number,
): AsyncGenerator<FoundLine, void, void> {
  let [parts, size, number]: [Uint8Array[], number, number] = [[], 0, 0]
  const ended = (): FoundLine => {
    const text = size > maxBytes ? null : decoded(Buffer.concat(parts))
    ;[parts, size] = [[], 0]
    return { number: ++number, text }
  }
  for await (const bytes of pieces) {
    for (let at = 0; at < bytes.length; ) {
      const found = bytes.indexOf(lineFeed, at)
      const end = found < 0 ? bytes.length : found
      size += end - at
      if (size > maxBytes) parts = []
      else parts.push(bytes.subarray(at, end))
      if (found >= 0) yield ended()
      at = end + 1
    }
  }
  if (size > 0) yield ended()
}

const decoder = new TextDecoder('utf-8', { fatal: true })

function decoded(bytes: Uint8Array): string | null {
  try {
    return decoder.decode(bytes)
  } catch {
    return null
  }
}
