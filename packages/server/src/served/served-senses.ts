/** What a model reads that is not text. */

/** A piece that was sent, as the bytes of its file. */
export interface SentPiece {
  /** A PNG file, or a WAV file. */
  readonly kind: 'picture' | 'sound'
  readonly bytes: Uint8Array
  /** What messages call it. */
  readonly name: string
}

/** Reads pieces of the senses that a model has learnt. */
export interface ServedSenses {
  /**
   * A piece as tokens: that of its sense, its bytes, and the one behind a piece of open length.
   *
   * @throws an error of ours that says what is wrong with the file, or that the model has no such sense.
   */
  tokensOf(piece: SentPiece): Promise<readonly number[]>
}
