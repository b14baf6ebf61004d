/** Which bytes are text: nothing that is cut anywhere, or was never text, may be lost. */

/** Bytes from `from` up to `to` that are valid UTF-8, or that are not. */
export interface Run {
  readonly from: number
  readonly to: number
  readonly isText: boolean
}

/** The bytes in order, in as few runs as can be. */
export function textRuns(bytes: Uint8Array): Run[] {
  const runs: Run[] = []
  for (let at = 0; at < bytes.length; ) {
    const length = characterAt(bytes, at)
    const [isText, to] = [length > 0, at + Math.max(1, length)]
    const last = runs.at(-1)
    if (last?.isText === isText) runs[runs.length - 1] = { ...last, to }
    else runs.push({ from: at, to, isText })
    at = to
  }
  return runs
}

/** Bytes of the character that begins here, 0 if none does (The Unicode Standard, table 3-7). */
function characterAt(bytes: Uint8Array, at: number): number {
  const first = bytes[at]
  const length =
    first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0
  const lowest = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80
  const highest = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf
  for (let i = 1; i < length; i++) {
    const byte = bytes[at + i] ?? 0
    if (byte < (i === 1 ? lowest : 0x80) || byte > (i === 1 ? highest : 0xbf)) return 0
  }
  return length
}
