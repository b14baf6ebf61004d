/** What a guard did with texts: numbers and categories. */

/** Texts that a guard decided alike. Plain data; nothing of any text is in it. */
export interface GuardedTexts {
  readonly verdict: 'learn' | 'redact' | 'quarantine' | 'refuse'
  /** In plain words, each one of the guard's own. */
  readonly reasons: readonly string[]
  /** Name of the source, or `others`. */
  readonly source: string
  readonly records: number
  /** UTF-8 bytes that the texts had as they came. */
  readonly bytes: number
}
