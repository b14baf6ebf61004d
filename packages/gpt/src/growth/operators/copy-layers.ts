/** Deeper by copies of what is there. */
import { OptionError, type ParameterChange } from '@burgeon/tensor'
import type { BlockConfig, GptConfig } from '../../config/gpt-config.ts'
import { blockSpecs } from '../../config/parameters.ts'
import { checkLimit } from '../../config/size-limits.ts'
import type { CopyLayers } from '../requests/growth-request.ts'
import { isWriter, writingLess, zero } from '../changes/parameter-changes.ts'
import { type GrowthStep, type Operator, planned, type PlannedGrowth } from '../changes/planned-growth.ts'
import { checkChoice } from '../requests/check-values.ts'

/** Which blocks come from a stack, each with the one that it is a copy of. */
interface Stack {
  readonly originals: readonly BlockConfig[]
  /** New blocks, from the input to the output. */
  readonly added: readonly { readonly block: BlockConfig; readonly original: string }[]
  readonly config: GptConfig
}

/** The configuration with copies of blocks. */
function configAfter(config: GptConfig, request: CopyLayers): GptConfig {
  return stackOf(config, request).config
}

function stackOf(config: GptConfig, request: CopyLayers): Stack {
  const { of = config.blocks.map(({ id }) => id), copies = 1, order = 'top', writes = 'whole' } = request
  const originals = config.blocks.filter(({ id }) => of.includes(id))
  if (of.length === 0 || originals.length !== of.length) {
    const known = config.blocks.map(({ id }) => id).join(', ')
    throw new OptionError(
      `grow copyLayers: got blocks ${of.join(', ')}; expected some of ${known}, each once.`,
    )
  }
  if (!Number.isSafeInteger(copies) || copies < 1) {
    throw new OptionError(`grow copyLayers: got copies = ${copies}; expected a positive integer.`)
  }
  checkChoice('copyLayers', 'order', order, ['top', 'beside'])
  checkChoice('copyLayers', 'writes', writes, ['whole', 'shared', 'nothing'])
  checkLimit('grow copyLayers', 'blocks', config.blocks.length + copies * originals.length)
  let { nextBlock } = config
  const copyOf = (original: BlockConfig): Stack['added'][number] => ({
    block: { ...original, id: `b${nextBlock++}` },
    original: original.id,
  })
  const rounds = Array.from({ length: copies })
  const last = originals[originals.length - 1]
  // What is to stand right above each block.
  const above = new Map<string, Stack['added']>(
    order === 'beside'
      ? originals.map((block) => [block.id, rounds.map(() => copyOf(block))])
      : [[last.id, rounds.flatMap(() => originals.map(copyOf))]],
  )
  const blocks = config.blocks.flatMap((block) => [
    block,
    ...(above.get(block.id) ?? []).map((copy) => copy.block),
  ])
  return { originals, added: [...above.values()].flat(), config: { ...config, blocks, nextBlock } }
}

/**
 * New blocks with every number of an old one, the two writers into the residual stream included, or shares of
 * these, or zeros in their place. The share of an original is a power of two, which the way back undoes
 * exactly. What mirrors have of the originals is copied with shares alike.
 */
function plan(request: CopyLayers, { config, after, key }: GrowthStep): PlannedGrowth {
  const { copies = 1, order = 'top', writes = 'whole' } = request
  const { originals, added } = stackOf(config, request)
  const share = writes === 'shared' ? 2 ** -Math.round(Math.log2(copies + 1)) : 1
  const shareOfCopies = writes === 'shared' ? (1 - share) / copies : 1
  const additions = added.flatMap(({ block, original }): ParameterChange[] =>
    blockSpecs(config, block, zero).map(({ path, axes, shape }) => {
      const of = path.replace(`blocks.${block.id}.`, `blocks.${original}.`)
      const factor = isWriter(path) ? shareOfCopies : 1
      // The gradient of what stands before a writer follows what that writes; of whole copies it is another
      // than it was, and unknown.
      const gradientFactor = writes !== 'shared' ? 0 : isWriter(path) ? 1 : shareOfCopies
      const copy = { kind: 'copy', of, factor, gradientFactor } as const
      return { kind: 'add', path, axes, shape, initial: writes === 'nothing' && isWriter(path) ? zero : copy }
    }),
  )
  const less = writes === 'shared' ? originals.flatMap((block) => blockSpecs(config, block, zero)) : []
  const changes = [...additions, ...less.map((spec) => writingLess(spec, share))]
  const said = { whole: '', shared: ', which share what they write', nothing: ', which write nothing yet' }[
    writes
  ]
  const ids = request.of ?? config.blocks.map(({ id }) => id)
  const where = order === 'beside' ? ', each beside its original' : ' on top'
  const summary = `layer ${config.blocks.length} → ${after.blocks.length}: copies of ${ids.join(', ')}${where}${said}`
  const isExact = writes === 'nothing'
  return planned(request, { config, after, key, summary, changes, isExact })
}

/** The operator of `CopyLayers`. */
export const copyLayers: Operator<CopyLayers> = { configAfter, plan }
