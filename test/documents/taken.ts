// Reaches inside: what it helps to test is a part of its package, not an entry point.
import type { DocumentForm } from '../../packages/burgeon/src/sources/documents/document-form.ts'

/** Bytes in pieces of a size. */
async function* inPieces(bytes: Uint8Array | string, size = 65_536): AsyncGenerator<Uint8Array> {
  const all = typeof bytes === 'string' ? new TextEncoder().encode(bytes) : bytes
  for (let at = 0; at < all.length; at += size) yield all.subarray(at, at + size)
}

/** The text of a document, and what was said of it. */
export async function taken(
  text: DocumentForm['text'],
  bytes: Uint8Array | string,
  size?: number,
): Promise<{ readonly text: string; readonly notes: readonly string[] }> {
  const notes: string[] = []
  let all = ''
  for await (const piece of text(inPieces(bytes, size), (what) => notes.push(what))) all += piece
  return { text: all, notes }
}

/** What is made of bytes: a text, or null where there is none. An error that does not say so is thrown. */
export async function takenOrRefused(
  text: DocumentForm['text'],
  bytes: Uint8Array | string,
  size?: number,
): Promise<string | null> {
  try {
    const found = await taken(text, bytes, size)
    return JSON.stringify(found)
  } catch (error) {
    if ((error as { code?: unknown }).code === 'not-text') return null
    throw error
  }
}
