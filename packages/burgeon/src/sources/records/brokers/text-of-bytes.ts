/** Text that came as bytes. */
const strict = new TextDecoder('utf-8', { fatal: true })

/** The text that bytes are in UTF-8; null for what is no text. */
export function textOfBytes(bytes: Uint8Array): string | null {
  if (bytes.includes(0)) return null
  try {
    return strict.decode(bytes)
  } catch {
    return null
  }
}
