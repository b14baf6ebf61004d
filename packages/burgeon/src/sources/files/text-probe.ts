/** How much of a file is looked at to decide whether it is text. */
export const probeBytes = 65_536

/**
 * Why these first bytes are not text, or null when they are.
 *
 * @param complete - whether they are all there is; otherwise the last character may be cut.
 */
export function whyNotText(bytes: Uint8Array, complete: boolean): string | null {
  const nul = bytes.indexOf(0)
  if (nul >= 0) return `NUL byte at ${nul}`
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: !complete })
    return null
  } catch {
    return 'not valid UTF-8'
  }
}

/** For people who gave something that is not text. */
export function notTextMessage(path: string, reason: string): string {
  return `learn: ${path} is not text (${reason}). Expected UTF-8; convert it first.`
}
