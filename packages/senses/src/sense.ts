/** Pieces as rows of a model that has a patch front for them. */
import { type Check, checkArgument, checkOptions, type ChecksOf, checks, OptionError } from '@burgeon/tensor'
import { aCodec, type Codec, labelOf, type PatchGrid } from './codec.ts'

/** What a model says of its senses: `model.config` of a `Gpt`. */
export interface SensibleConfig {
  readonly patches?: {
    readonly senses: readonly { readonly name: string; readonly token: number; readonly end?: number }[]
  }
  readonly logitOffsets?: readonly number[]
}

/** How a piece becomes a row. */
export interface SenseOptions {
  /** What is known of the piece, written behind it as UTF-8, such as its name. Nothing unless given. */
  readonly text?: string
  /**
   * What stands before the piece, as UTF-8, so that a model learns to write what is named there; it wants a
   * sense that was grown with a share. Nothing unless given.
   */
  readonly before?: string
  /** Domain of the row. Name, version and size of the codec (`labelOf`) unless given. */
  readonly domain?: string
  /**
   * Weight of a patch of the piece beside a byte of the text, ≥ 0, whatever its size: each of its bytes has
   * this, divided by how many they are. Default 1.
   */
  readonly patchWeight?: number
}

/** A row for a learner: a `TokenBatch` of `@burgeon/continual`. */
export interface SenseRow {
  readonly rows: 1
  readonly length: number
  readonly tokens: Int32Array
  readonly domains: readonly [string]
  readonly weights: Float32Array
}

/** What a model must grow to read pieces of a sense and a size: `AddSense` of `@burgeon/gpt/growth`. */
export interface SenseRequest extends PatchGrid {
  readonly kind: 'addSense'
  readonly name: string
  /** How probable its token is in text at first, beside a byte. */
  readonly share?: number
  /** Width of what the local decoder of a new front is told of the patches beside the one it writes. */
  readonly besideEmbed: number
  /** In how many ways its bytes are told of those beside and before them, one by one. */
  readonly mixing: number
}

/** As wide as the local decoder is, unless told otherwise. */
const besideEmbed = 64
/** As many as there are pixels around one. */
const mixing = 8

const aConfig: Check<SensibleConfig> = checks.object('the configuration of a model')
const optionChecks: ChecksOf<SenseOptions> = {
  text: checks.text,
  before: checks.text,
  domain: checks.text,
  patchWeight: checks.number({ from: 0 }),
}

/**
 * A piece as a row: the token of its sense, its bytes, and what is known of it.
 *
 * @param config Of the model that reads it.
 * @throws OptionError for a model without such a sense, which `senseRequest` says how to grow, or a piece
 *   without bytes; SenseError or OptionError for what is no piece of the codec.
 */
export function sense<Piece>(
  config: SensibleConfig,
  codec: Codec<Piece, unknown>,
  piece: Piece,
  options: SenseOptions = {},
): SenseRow {
  checkArgument('sense', 'config', config, aConfig)
  checkArgument('sense', 'codec', codec, aCodec)
  checkOptions('sense', options, optionChecks)
  const { bytes, patches, size } = codec.encode(piece)
  const name = labelOf(codec, size)
  const { text = '', before = '', domain = name, patchWeight = 1 } = options
  const start = beforePiece('sense', config, name, before)
  if (bytes.length === 0)
    throw new OptionError(`sense: got a piece of ${name} without bytes; expected one at least.`)
  const behind = new TextEncoder().encode(text)
  const end = senseOf(config, name)?.end
  const middle = behind.length > 0 && end !== undefined ? [end] : []
  const tokens = Int32Array.from([...start, ...bytes, ...middle, ...behind])
  const weights = new Float32Array(tokens.length - 1).fill(1)
  let at = start.length - 1
  for (const length of patches) weights.fill(patchWeight / length, at, (at += length))
  return { rows: 1, length: weights.length, tokens, domains: [domain], weights }
}

/** Offset of the logit of a token of share 0. */
const neverPredicted = -30_000

const senseOf = ({ patches }: SensibleConfig, name: string) =>
  patches?.senses.find((each) => each.name === name)

/**
 * The tokens before the bytes of a piece: a text, and the token of the sense.
 *
 * @param who What messages begin with.
 * @throws OptionError for a model without the sense.
 */
export function beforePiece(who: string, config: SensibleConfig, name: string, text: string): number[] {
  checkArgument(who, 'config', config, aConfig)
  const known = senseOf(config, name)
  if (known !== undefined && text !== '' && (config.logitOffsets?.[known.token] ?? 0) <= neverPredicted) {
    throw new OptionError(
      `${who}: got text before a piece of ${name}, whose token is never predicted; expected a sense that was grown with a share: senseRequest(codec, piece, { share: 0.01 }).`,
    )
  }
  if (known !== undefined) return [...new TextEncoder().encode(text), known.token]
  throw new OptionError(
    `${who}: got a config without the sense ${name}; expected that of a model that has grown it: grow(model, senseRequest(codec, piece), …).`,
  )
}

/** How a sense begins. */
export interface SenseRequestOptions {
  /**
   * Probability, beside that of a byte, that text goes on with a piece at first, in (0, 1]. Without it a piece
   * begins a row or is told to begin, and no text stands before it.
   */
  readonly share?: number
}

const requestChecks: ChecksOf<SenseRequestOptions> = { share: checks.number({ above: 0, to: 1 }) }

/**
 * The growth with which a model learns to read pieces like this one: of the same codec and, as pictures, of
 * the same size.
 *
 * @throws SenseError or OptionError for what is no piece of the codec.
 */
export function senseRequest<Piece>(
  codec: Codec<Piece, unknown>,
  piece: Piece,
  options: SenseRequestOptions = {},
): SenseRequest {
  checkArgument('senseRequest', 'codec', codec, aCodec)
  checkOptions('senseRequest', options, requestChecks)
  const { size } = codec.encode(piece)
  const { share } = options
  const grid = codec.gridOf(size)
  return {
    ...{ kind: 'addSense', name: labelOf(codec, size), ...grid, besideEmbed, mixing },
    ...(share !== undefined && { share }),
  }
}
