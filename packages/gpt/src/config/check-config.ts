/** Checks a saved configuration before anything is made for it, however it was damaged or forged. */
import { OptionError, shown } from '@burgeon/tensor'
import type { BlockConfig, GptConfig, LinearMapKind } from './gpt-config.ts'
import { checkPatches } from './check-patches.ts'
import { checkLimit, checkTotalSize, sizeLimits } from './size-limits.ts'

const owner = 'model state'

/**
 * Throws OptionError unless it is an object with a list of blocks, not too many, that are objects themselves.
 */
export function checkIsConfig(saved: unknown): void {
  const { blocks } = isObject(saved) ? (saved as { blocks?: unknown }) : {}
  if (!isObject(saved) || !Array.isArray(blocks)) {
    throw new OptionError(
      `${owner}: got a saved configuration without a list of blocks; expected that of a model.`,
    )
  }
  checkLimit(owner, 'blocks', blocks.length)
  const wrong = blocks.findIndex((block) => !isBlock(block))
  if (wrong < 0) return
  throw new OptionError(
    `${owner}: block ${wrong} is not one; expected an object with an id, and frequencies that are numbers.`,
  )
}

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null

function isBlock(block: unknown): boolean {
  if (!isObject(block)) return false
  const { id, frequencies, expertShares } = block as Partial<Record<keyof BlockConfig, unknown>>
  const isShort = (list: unknown, most: number): boolean => !Array.isArray(list) || list.length <= most
  return (
    typeof id === 'string' &&
    isShort(expertShares, sizeLimits.experts) &&
    isShort(frequencies, sizeLimits.headDim) &&
    (frequencies === undefined || (Array.isArray(frequencies) && frequencies.every(Number.isFinite)))
  )
}

/** Throws OptionError for sizes that no model can have, or that do not fit each other. */
export function checkConfig(config: GptConfig): void {
  checkSizes(config)
  const { positions, activation, norm, blocks, headBias, logitOffsets: offsets } = config
  const known: readonly (readonly [unknown, readonly unknown[]])[] = [
    [norm, ['layer', 'rms']],
    [positions, ['learned', 'rotary']],
    [activation, ['gelu', 'geluErf', 'swiglu']],
  ]
  const unknown = known.find(([choice, all]) => !all.includes(choice))
  if (unknown) {
    throw new OptionError(`${owner}: got ${shown(unknown[0])}; expected one of ${unknown[1].join(', ')}.`)
  }
  const pairs = (block: BlockConfig): number => (positions === 'rotary' ? block.headDim / 2 : 0)
  const fits = offsets === undefined || (Array.isArray(offsets) && offsets.length === config.vocabulary)
  if (offsets && !(headBias && fits && offsets.every(Number.isFinite))) {
    throw new OptionError(
      `${owner}: got ${offsets.length} logitOffsets; expected ${config.vocabulary} finite numbers, and a headBias.`,
    )
  }
  const crooked = blocks.find((block) => (block.frequencies?.length ?? 0) !== pairs(block))
  if (crooked) {
    throw new OptionError(
      `${owner}: got ${crooked.frequencies?.length ?? 0} frequencies for block ${crooked.id}; ` +
        `expected ${pairs(crooked)}, one for each pair of channels of a head with rotary positions.`,
    )
  }
  for (const block of blocks) checkParts(block)
  checkChoices(config)
  if (config.patches) checkPatches(owner, config, config.patches)
  const ids = new Set(blocks.map(({ id }) => id))
  if (ids.size < blocks.length) {
    throw new OptionError(
      `${owner}: got ${blocks.length} blocks with ${ids.size} ids; expected one for each.`,
    )
  }
  checkTotalSize(owner, config)
}

function checkSizes({ vocabulary, context, embed, normWidth = embed, nextBlock, blocks }: GptConfig): void {
  const sizes: [string, number, string][] = Object.entries({
    vocabulary,
    context,
    embed,
    normWidth,
    nextBlock,
  }).map(([name, size]) => [name, size, ''])
  for (const {
    id,
    mlpHidden,
    heads,
    kvHeads,
    headDim,
    headNormWidth = headDim,
    window = 1,
    adapter,
  } of blocks) {
    const ofHeads = { heads, kvHeads, headDim, headNormWidth }
    const own = { mlpHidden, ...ofHeads, window, ...(adapter && { rank: adapter.rank }) }
    for (const [name, size] of Object.entries(own)) sizes.push([name, size, ` of ${id}`])
  }
  const wrong = sizes.find(([, size]) => !Number.isSafeInteger(size) || size < 1)
  if (wrong || blocks.length === 0) {
    const [name, size, of] = wrong ?? ['blocks', 0, '']
    const called = name === 'rank' ? 'adapter rank' : name
    throw new OptionError(`${owner}: got ${called}${of} ${shown(size)}; expected a positive integer.`)
  }
  for (const [name, size, of] of sizes) checkLimit(`${owner}${of}`, name, size)
  const uneven = blocks.find(({ heads, kvHeads }) => heads % kvHeads !== 0)
  if (uneven === undefined) return
  const { id, heads, kvHeads } = uneven
  throw new OptionError(
    `${owner}: got heads / kvHeads of ${id} ${heads / kvHeads}; expected a positive integer.`,
  )
}

/** Checks the parts that a block may have besides its sizes. */
function checkParts({ id, adapter, expertShares, headDim, scoreWidth = headDim }: BlockConfig): void {
  if (!isAbove0(scoreWidth)) {
    throw new OptionError(
      `${owner}: got scoreWidth of ${id} ${shown(scoreWidth)}; expected a finite number above 0.`,
    )
  }
  if (adapter && (!Number.isFinite(adapter.scale) || adapter.scale === 0)) {
    throw new OptionError(
      `${owner}: got adapter scale ${shown(adapter.scale)} of ${id}; expected a finite number other than 0.`,
    )
  }
  if (expertShares === undefined) return
  if (!Array.isArray(expertShares) || expertShares.length < 2 || !expertShares.every(isAbove0)) {
    throw new OptionError(
      `${owner}: got expert shares ${shown(expertShares)} of ${id}; expected two or more numbers above 0.`,
    )
  }
}

const isAbove0 = (value: unknown): boolean => Number.isFinite(value) && (value as number) > 0

const mapKinds: readonly LinearMapKind[] = ['qkv', 'output', 'mlp']

/** Checks what holds for all blocks besides sizes. */
function checkChoices({ epsilon = 1, biases = [], untiedHead, queryKeyNorm, pretrained }: GptConfig): void {
  if (pretrained !== undefined && !(isObject(pretrained) && isObject(pretrained.config))) {
    throw new OptionError(
      `${owner}: got pretrained ${shown(pretrained)}; expected an object with the config that it was read with.`,
    )
  }
  if (!isAbove0(epsilon)) {
    throw new OptionError(`${owner}: got epsilon ${shown(epsilon)}; expected a finite number above 0.`)
  }
  const areKinds = Array.isArray(biases) && biases.every((kind) => mapKinds.includes(kind))
  if (!areKinds || new Set(biases).size < biases.length) {
    throw new OptionError(
      `${owner}: got biases ${shown(biases)}; expected some of ${mapKinds.join(', ')}, each once.`,
    )
  }
  for (const [name, value] of Object.entries<unknown>({ untiedHead, queryKeyNorm })) {
    if (value === undefined || value === true) continue
    throw new OptionError(`${owner}: got ${name} ${shown(value)}; expected true, or nothing.`)
  }
}
