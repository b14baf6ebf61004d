/** Pieces that a model writes. */
import { type Check, checkArgument, checkOptions, type ChecksOf, checks, OptionError } from '@burgeon/tensor'
import { aCodec, type Codec, labelOf, type PatchGrid } from '../codec.ts'
import { beforePiece, type SensibleConfig } from '../sense.ts'

/** A model that writes: a `Gpt`, with what is used of it. */
export interface WritingModel {
  readonly config: SensibleConfig & { readonly context: number }
  generate(
    prompts: readonly (readonly number[])[],
    options: DrawingOptions & { readonly tokens: number; readonly onContextFull: 'error' },
  ): PromiseLike<readonly { readonly tokens: readonly number[] }[]>
}

/** How bytes are drawn; see `SamplingOptions` of `@burgeon/gpt`. */
export interface DrawingOptions {
  /** Divides logits, ≥ 0; 0 takes the likeliest byte. Default 1. */
  readonly temperature?: number
  /** Draws among so many of the likeliest bytes. All unless given. */
  readonly topK?: number
  /** Draws among the likeliest bytes that have this probability together, in (0, 1]. Default 1. */
  readonly topP?: number
  /** Same seed, same piece. Default 0. */
  readonly seed?: number
  /** Ends it when it is aborted; then there is no piece. */
  readonly signal?: AbortSignal
}

/** What is written. */
export interface GenerateSenseOptions extends DrawingOptions {
  /** What stands before the piece, such as its name: `before` of `sense`. Nothing unless given. */
  readonly before?: string
  /** Frames of a piece of open length, such as patches of 16 samples of `pcm8`; a positive integer. */
  readonly frames?: number
  /** The first bytes of the piece, as the codec writes them. None unless given. */
  readonly begin?: Uint8Array
}

/** A model that writes. */
export const aWritingModel: Check<WritingModel> = checks.role('a model that writes', 'config', 'generate')

/** Checks of `DrawingOptions`. */
export const drawingChecks: ChecksOf<DrawingOptions> = {
  temperature: checks.number({ from: 0 }),
  topK: checks.integer({ from: 1 }),
  topP: checks.number({ above: 0, to: 1 }),
  seed: checks.seed,
  signal: checks.role<AbortSignal>('an AbortSignal', 'aborted'),
}

const optionChecks: ChecksOf<GenerateSenseOptions> = {
  ...drawingChecks,
  before: checks.text,
  frames: checks.integer({ from: 1 }),
  begin: checks.instance('bytes in a Uint8Array', Uint8Array),
}

/**
 * A piece that the model writes, patch by patch and byte by byte.
 *
 * @param codec Of the sense, which the model has grown for this size.
 * @param size As of `codec.encode`: of a picture height and width, of a series its channels, of sound nothing.
 * @returns The piece, as `codec.decode` gives it.
 * @throws OptionError for a model without the sense, or `frames` where the codec says how many there are;
 *   ContextFullError of `@burgeon/gpt` for a piece of more patches than the context; SenseError for bytes that
 *   are no piece, such as a drawn header, or where it was aborted.
 * @example
 * ```ts
 * const { pixels } = await generateSense(model, grey, [28, 28], { before: 'seven\n', temperature: 0.8 })
 * ```
 */
export async function generateSense<Decoded>(
  model: WritingModel,
  codec: Codec<never, Decoded>,
  size: readonly number[],
  options: GenerateSenseOptions = {},
): Promise<Decoded> {
  checkArgument('generateSense', 'model', model, aWritingModel)
  checkArgument('generateSense', 'codec', codec, aCodec)
  checkOptions('generateSense', options, optionChecks)
  const { before = '', frames, begin = new Uint8Array(0), ...drawing } = options
  const name = labelOf(codec, size)
  const whole = bytesOf(name, codec.gridOf(size), frames)
  if (begin.length > whole) {
    throw new OptionError(
      `generateSense: got ${begin.length} first bytes of a piece of ${whole}; expected at most as many.`,
    )
  }
  const prompt = [...beforePiece('generateSense', model.config, name, before), ...begin]
  const [bytes] = await writtenBehind(model, [prompt], whole - begin.length, drawing)
  return codec.decode({ bytes: Uint8Array.of(...begin, ...bytes), size })
}

/**
 * The bytes that a model writes behind each of some rows, so many.
 *
 * @throws OptionError where the model writes fewer, as one that is aborted does.
 */
export async function writtenBehind(
  model: WritingModel,
  prompts: readonly (readonly number[])[],
  tokens: number,
  drawing: DrawingOptions,
): Promise<readonly (readonly number[])[]> {
  const rows = await model.generate(prompts, { ...drawing, tokens, onContextFull: 'error' })
  const short = rows.find((row) => row.tokens.length < tokens)
  if (short === undefined) return rows.map((row) => row.tokens)
  throw new OptionError(
    `generateSense: got ${short.tokens.length} bytes of ${tokens} before the model was stopped; expected a whole piece.`,
  )
}

function bytesOf(
  name: string,
  { header = 0, patches, frames }: PatchGrid,
  given: number | undefined,
): number {
  if ((frames === undefined) === (given === undefined)) {
    const [got, expected] =
      given === undefined ? ['no frames', 'how many to write'] : [`${given} frames`, `none: it has ${frames}`]
    throw new OptionError(`generateSense: got ${got} for a piece of ${name}; expected ${expected}.`)
  }
  return header + (frames ?? given ?? 0) * patches.reduce((sum, bytes) => sum + bytes, 0)
}
