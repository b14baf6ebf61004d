/** The model that is planned for: its sizes, how many numbers it learns, and what a token costs. */
import { type GptConfig, gptConfig, parametersOf } from '@burgeon/gpt'
import { checkOptions, checks, type ChecksOf, OptionError } from '@burgeon/tensor'

/** How large a model is to be. What is not given follows from the number of parameters. */
export interface PlannedSizes {
  /** Learnt numbers, about; from a million to 10¹⁶. Not beside layers and embed. */
  readonly parameters?: number
  readonly layers?: number
  readonly embed?: number
  /** 128,000 unless given; 256 for bytes. */
  readonly vocabulary?: number
  /** Tokens of a sequence. 8,192 unless given. */
  readonly context?: number
  /** Heads of keys and values; 8, or one for each head where those are fewer, unless given. */
  readonly kvHeads?: number
  /** Channels of a head; 128 unless given. */
  readonly headDim?: number
  /** Units of an MLP; 4 · embed unless given. */
  readonly mlpHidden?: number
  /** `gelu`, or `swiglu` with its third matrix. `gelu` unless given. */
  readonly activation?: GptConfig['activation']
  /** Whether the head has a matrix of its own. True unless given. */
  readonly untiedHead?: boolean
}

const positive = checks.integer({ from: 1 })
const sizeChecks: ChecksOf<PlannedSizes> = {
  parameters: checks.number({ from: 1e6, to: 1e16 }),
  ...{ layers: positive, embed: positive, vocabulary: positive, context: positive },
  ...{ kvHeads: positive, headDim: positive, mlpHidden: positive },
  activation: checks.oneOf('gelu', 'geluErf', 'swiglu'),
  untiedHead: checks.boolean,
}

/** Channels for each layer: what large dense models have (GPT-3: 128, BLOOM: 205, Llama 3.1: 130). */
const channelsPerLayer = 128

/**
 * The configuration of a model with equal blocks. It may be of any size: nothing is made of it.
 *
 * @throws OptionError for sizes that are none, or both of parameters and layers with embed, or neither.
 */
export function plannedModel(sizes: PlannedSizes): GptConfig {
  const who = 'plannedModel'
  checkOptions(who, sizes, sizeChecks)
  const { parameters, layers, embed } = sizes
  if (parameters === undefined) {
    if (layers !== undefined && embed !== undefined) return configOf(sizes, layers, embed)
    throw new OptionError(`${who}: got no parameters; expected some, or layers and embed.`)
  }
  if (layers !== undefined || embed !== undefined) {
    throw new OptionError(`${who}: got parameters beside layers or embed; expected one of them.`)
  }
  const { headDim = usualHeadDim } = sizes
  let best: Found | null = null
  for (let embed = headDim; embed <= widest; embed += headDim) {
    const one = parametersOf(configOf(sizes, 1, embed))
    const each = parametersOf(configOf(sizes, 2, embed)) - one
    const depth = Math.max(1, Math.round(1 + (parameters - one) / each))
    const missed = Math.abs(Math.log((one + (depth - 1) * each) / parameters))
    const distance = shareOfNumber * missed + Math.abs(Math.log(embed / depth / channelsPerLayer))
    if (best === null || distance < best.distance) best = { layers: depth, embed, distance, missed }
    // Wider ones have more parameters in a single layer.
    if (one > parameters) break
  }
  const found = best as Found
  if (found.missed > mostMissed) {
    const { vocabulary = usualVocabulary } = sizes
    throw new OptionError(
      `${who}: got ${parameters} parameters and a vocabulary of ${vocabulary}, which no model of heads of ${headDim} comes near; expected more of the one, or less of the other.`,
    )
  }
  return configOf(sizes, found.layers, found.embed)
}

/** Sizes that were found, and how far they are from what was asked for. */
interface Found {
  readonly layers: number
  readonly embed: number
  /** Natural logarithm of the numbers of parameters, one over the other. */
  readonly missed: number
  readonly distance: number
}

const usualVocabulary = 128_000
const usualHeadDim = 128
const usualKvHeads = 8
const widest = 2 ** 20
/** How much a number that is missed counts beside a shape that is unusual. */
const shareOfNumber = 20
/** What is farther off is not what was asked for. */
const mostMissed = 0.05

/** A configuration like one of a small model, with other sizes: a large one itself would be refused. */
function configOf(sizes: PlannedSizes, layers: number, embed: number): GptConfig {
  const { vocabulary = usualVocabulary, context = 8192, activation = 'gelu', headDim = usualHeadDim } = sizes
  const { untiedHead = true } = sizes
  const heads = Math.max(1, Math.round(embed / headDim))
  const { kvHeads = Math.min(heads, usualKvHeads), mlpHidden = 4 * embed } = sizes
  const block = { ...small.blocks[0], heads, kvHeads, headDim, mlpHidden }
  const blocks = Array.from({ length: layers }, () => block)
  return { ...small, vocabulary, context, embed, activation, untiedHead, blocks }
}

const small = gptConfig({
  ...{ vocabulary: 2, context: 1, embed: 2, heads: 1, headDim: 2, layers: 1 },
  ...{ positions: 'rotary', biases: [] },
})
