/** What a model reads and writes that is not text. */
import type { GptConfig } from '@burgeon/gpt'

/** A piece that was sent, as the bytes of its file. */
export interface SentPiece {
  /** A PNG file, or a WAV file. */
  readonly kind: 'picture' | 'sound'
  readonly bytes: Uint8Array
  /** What messages call it. */
  readonly name: string
}

/** A sense that a model has. */
export interface KnownSense {
  /** Codec, version and size: `grey/1 28×28`. */
  readonly name: string
  /** Form of the files that are written of its pieces: `image/png`, `audio/wav`; null where none is. */
  readonly media: string | null
}

/** How a piece is drawn. */
export interface DrawnHow {
  readonly temperature?: number
  readonly topK?: number
  readonly topP?: number
  readonly seed?: number
  /** What stands before it, such as its name. */
  readonly prompt?: string
  /** Of sound; as long as the context holds unless given. */
  readonly seconds?: number
  readonly signal?: AbortSignal
}

/** A piece that was written. */
export interface WrittenPiece {
  readonly sense: string
  /** Form of the file. */
  readonly media: string
  /** The file. */
  readonly bytes: Uint8Array
}

/** Writes tokens behind prompts: a model, or one that does it in its turns. */
export interface TokenWriter {
  readonly config: GptConfig
  generate(
    prompts: readonly (readonly number[])[],
    options: Omit<DrawnHow, 'prompt' | 'seconds'> & {
      readonly tokens: number
      readonly onContextFull: 'error'
    },
  ): PromiseLike<readonly { readonly tokens: readonly number[] }[]>
}

/** How far a table is told on, and how sure. */
export interface ForetoldHow {
  /** Moments. */
  readonly steps: number
  /** Share of what comes that the band shall hold. */
  readonly level: number
  /** Continuations that are drawn. */
  readonly samples: number
  readonly temperature: number
  readonly seed: number
  readonly signal: AbortSignal
}

/** What comes next in a column, moment by moment; NaN where nothing comes. */
export interface ForetoldColumn {
  readonly name: string
  /** What was read last. */
  readonly latest: ArrayLike<number>
  readonly median: ArrayLike<number>
  readonly lower: ArrayLike<number>
  readonly upper: ArrayLike<number>
}

/** Reads and writes pieces of the senses that a model has learnt. */
export interface ServedSenses {
  all(): readonly KnownSense[]
  /**
   * A piece that a model writes.
   *
   * @param sense Codec, where there is one size, or the whole name.
   * @throws an error of ours for a sense that it has not, or of which no file is written, and for a piece that does
   *   not fit.
   */
  write(sense: string, model: TokenWriter, how: DrawnHow): Promise<WrittenPiece>
  /**
   * What comes next in a table.
   *
   * @param table A CSV file.
   * @throws an error of ours for one that cannot be read, or of which the model has not learnt any.
   */
  forecast(table: Uint8Array, model: TokenWriter, how: ForetoldHow): Promise<readonly ForetoldColumn[]>
  /**
   * A piece as tokens: that of its sense, its bytes, and the one behind a piece of open length.
   *
   * @throws an error of ours that says what is wrong with the file, or that the model has no such sense.
   */
  tokensOf(piece: SentPiece): Promise<readonly number[]>
}
