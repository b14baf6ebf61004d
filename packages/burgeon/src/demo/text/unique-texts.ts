import { createHash } from 'node:crypto'

/** Remembers texts by content, so that what a hundred packages repeat enters the stream once. */
export class UniqueTexts {
  readonly #seen: Set<string> = new Set()

  /**
   * Those of `texts` that were never given before. Case, punctuation and the way lines are wrapped make no
   * difference.
   */
  new(texts: readonly string[]): string[] {
    return texts.filter((text) => {
      const key = createHash('sha256')
        .update(
          text
            .toLowerCase()
            .replace(/[^\p{L}\p{N}]+/gu, ' ')
            .trim(),
        )
        .digest('base64')
      if (this.#seen.has(key)) return false
      this.#seen.add(key)
      return true
    })
  }
}
