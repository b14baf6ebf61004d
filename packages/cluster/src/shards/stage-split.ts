/** Which stage holds which part of a model. Pure: nothing is made. */
import { type GptConfig, type ParameterSpec, parametersOf, parameterSpecs } from '@burgeon/gpt'
import { type Check, checkArgument, checkOptions, checks, OptionError } from '@burgeon/tensor'

/** One stage of a model: some blocks in a row, below the first the embeddings, above the last the head. */
export interface StageShare {
  /** From 0, at the input. */
  readonly index: number
  /** Stages of the whole model. */
  readonly count: number
  /** Indices of its blocks: from the first up to `end`, which is not among them. */
  readonly first: number
  readonly end: number
  /**
   * Learnt numbers that it holds. A table of tokens that is the head, too, is held by the first stage and by the
   * last, and counts in both.
   */
  readonly parameters: number
}

/** How many stages there are. */
export type SplitOptions =
  | { readonly stages: number }
  /** The fewest of which none holds more learnt numbers. */
  | { readonly maxParameters: number }

const aConfig: Check<GptConfig> = checks.role('a configuration of gptConfig', 'vocabulary', 'blocks')
const positive = checks.integer({ from: 1 })

/**
 * Splits a model into stages of whole blocks, so that the largest stage is as small as it can be.
 *
 * @returns One share for each stage, in order.
 * @throws OptionError for more stages than blocks, a limit that one block (with what the first and the last stage
 *   hold besides) exceeds, or a model with a patch front or packed weights.
 * @example
 * ```ts
 * const shares = splitStages(gptConfig({ vocabulary: 256, context: 64, embed: 32, heads: 4, layers: 6 }), { stages: 2 })
 * console.log(shares.map(({ first, end }) => end - first)) // → [ 3, 3 ]
 * ```
 */
export function splitStages(config: GptConfig, options: SplitOptions): StageShare[] {
  const who = 'splitStages'
  checkArgument(who, 'config', config, aConfig)
  const isByCount = typeof options === 'object' && options !== null && 'stages' in options
  if (isByCount) checkOptions(who, options, { stages: checks.required(positive) })
  else checkOptions(who, options, { maxParameters: checks.required(positive) })
  refuseForms(who, config)
  const sizes = sizesOf(config)
  if (isByCount) {
    if (options.stages > config.blocks.length) {
      throw new OptionError(
        `${who}: got ${options.stages} stages for ${config.blocks.length} blocks; expected a block or more for each.`,
      )
    }
    return sharesOf(sizes, smallestLimit(sizes, options.stages), options.stages) as StageShare[]
  }
  const { maxParameters } = options
  for (let count = 1; count <= config.blocks.length; count++) {
    // The fewest, and these as even as can be.
    if (sharesOf(sizes, maxParameters, count) !== null) return splitStages(config, { stages: count })
  }
  const most = Math.max(...sizes.blocks)
  throw new OptionError(
    `${who}: got a limit of ${maxParameters} parameters, and no number of stages keeps it: the largest block has ${most}, the first stage ${sizes.below} more, and the last ${sizes.above}; expected room for one block with those.`,
  )
}

/** Throws OptionError for a model that no stages are made of. */
export function refuseForms(who: string, { patches, packed }: GptConfig): void {
  const what = patches ? 'a patch front' : packed ? 'packed weights' : undefined
  if (what === undefined) return
  throw new OptionError(
    `${who}: got a model with ${what}; expected one of blocks, a table of tokens and a head.`,
  )
}

/** Learnt numbers of each block, and of what the first and the last stage hold besides. */
interface Sizes {
  readonly blocks: readonly number[]
  readonly below: number
  readonly above: number
  /** Of the copy of the table that the last stage holds where it is not the first; 0 without one. */
  readonly copy: number
}

function sizesOf(config: GptConfig): Sizes {
  const { embed, vocabulary, context, positions, untiedHead } = config
  const rest = parametersOf({ ...config, blocks: [] })
  const below = embed * (vocabulary + (positions === 'learned' ? context : 0))
  return {
    blocks: config.blocks.map((block) => parametersOf({ ...config, blocks: [block] }) - rest),
    below,
    above: rest - below,
    copy: untiedHead ? 0 : embed * vocabulary,
  }
}

/** The smallest limit that so many stages keep. */
function smallestLimit(sizes: Sizes, count: number): number {
  const { blocks, below, above, copy } = sizes
  let [low, high] = [1, below + above + copy + blocks.reduce((a, b) => a + b, 0)]
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    if (sharesOf(sizes, middle, count) === null) low = middle + 1
    else high = middle
  }
  return low
}

/** Stages that hold as much as the limit lets them, from the first on; null where the last one cannot keep it. */
function sharesOf({ blocks, below, above, copy }: Sizes, limit: number, count: number): StageShare[] | null {
  const shares: StageShare[] = []
  let first = 0
  for (let index = 0; index < count; index++) {
    const isLast = index === count - 1
    const left = count - 1 - index
    let parameters = (index === 0 ? below : 0) + (isLast ? above + (index === 0 ? 0 : copy) : 0)
    const room = isLast ? Infinity : limit
    let end = first
    do parameters += blocks[end++]
    while (end < blocks.length - left && parameters + blocks[end] <= room)
    if (parameters > limit) return null
    shares.push({ index, count, first, end, parameters })
    first = end
  }
  return shares
}

/** Whether a model has a table of tokens that is also its head, in two stages. */
export const hasTwoTables = ({ untiedHead }: GptConfig, { count }: StageShare): boolean =>
  untiedHead !== true && count > 1

/**
 * The parameters of a stage, in the order in which the model has them.
 *
 * @param share One of `splitStages`.
 */
export function stageSpecs(config: GptConfig, share: StageShare): ParameterSpec[] {
  checkArgument('stageSpecs', 'config', config, aConfig)
  checkArgument('stageSpecs', 'share', share, aShare)
  const { index, count, first, end } = share
  const starts = config.blocks.slice(first, end).map(({ id }) => `blocks.${id}.`)
  if (index === 0) starts.push('embed.')
  if (index === count - 1) starts.push('head.')
  if (index === count - 1 && hasTwoTables(config, share)) starts.push(tablePath)
  return parameterSpecs(config).filter(({ path }) => starts.some((start) => path.startsWith(start)))
}

/** Path of the table of tokens. */
export const tablePath = 'embed.token.weight'

/** Check of a share. */
export const aShare: Check<StageShare> = {
  expected: 'a share of splitStages',
  accepts: (value): value is StageShare => {
    const { index, count, first, end, parameters } = (value ?? {}) as Partial<StageShare>
    const all = [index, count, first, end, parameters]
    if (!all.every((each) => checks.count.accepts(each))) return false
    const [i, n, a, b] = all
    return i < n && a < b
  },
}
