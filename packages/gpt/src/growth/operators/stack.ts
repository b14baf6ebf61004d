/** Deeper by copies of what is there. */
import { type Key, OptionError, type ParameterChange } from '@burgeon/tensor'
import type { BlockConfig, GptConfig } from '../../gpt-config.ts'
import { blockSpecs } from '../../parameters.ts'
import type { GrowStack } from '../growth-request.ts'
import {
  checkChoice,
  isWriter,
  parametersBetween,
  type PlannedGrowth,
  writingLess,
  zero,
} from '../planned-growth.ts'

/**
 * New blocks with every number of an old one, the two writers into the residual stream included, or shares of these, or zeros in their place. The
 * share of an original is a power of two, which the way back undoes exactly. Moments of copies begin at 0.
 */
export function planStack(config: GptConfig, request: GrowStack, key: Key): PlannedGrowth {
  const { of = config.blocks.map(({ id }) => id), copies = 1, order = 'top', writes = 'whole' } = request
  const originals = config.blocks.filter(({ id }) => of.includes(id))
  if (of.length === 0 || originals.length !== of.length) {
    const known = config.blocks.map(({ id }) => id).join(', ')
    throw new OptionError(`grow stack: got blocks ${of.join(', ')}; expected some of ${known}, each once.`)
  }
  if (!Number.isSafeInteger(copies) || copies < 1) {
    throw new OptionError(`grow stack: got copies = ${copies}; expected a positive integer.`)
  }
  checkChoice('stack', 'order', order, ['top', 'beside'])
  checkChoice('stack', 'writes', writes, ['whole', 'shared', 'nothing'])
  const share = writes === 'shared' ? 2 ** -Math.round(Math.log2(copies + 1)) : 1
  const shareOfCopies = writes === 'shared' ? (1 - share) / copies : 1
  let nextBlock = config.nextBlock
  const copiesOf = (block: BlockConfig): [BlockConfig, string] => [
    { ...block, id: `b${nextBlock++}` },
    block.id,
  ]
  const rounds = Array.from({ length: copies })
  // Every block below, what is to stand on top of it: pairs of a new block and the id of its original.
  const above = new Map<string, (readonly [BlockConfig, string])[]>()
  if (order === 'beside')
    for (const block of originals)
      above.set(
        block.id,
        rounds.map(() => copiesOf(block)),
      )
  else
    above.set(
      originals[originals.length - 1].id,
      rounds.flatMap(() => originals.map(copiesOf)),
    )
  const added = [...above.values()].flat()
  const changes = added.flatMap(([block, original]): ParameterChange[] =>
    blockSpecs(config, block, zero).map(({ path, axes, shape }) => {
      const of = path.replace(`blocks.${block.id}.`, `blocks.${original}.`)
      const copy = { kind: 'copy', of, ...(isWriter(path) && { factor: shareOfCopies }) } as const
      return { kind: 'add', path, axes, shape, initial: writes === 'nothing' && isWriter(path) ? zero : copy }
    }),
  )
  const less = writes === 'shared' ? originals.flatMap((block) => blockSpecs(config, block, zero)) : []
  const blocks = config.blocks.flatMap((block) => [
    block,
    ...(above.get(block.id) ?? []).map(([copy]) => copy),
  ])
  const after = { ...config, blocks, nextBlock }
  const said = { whole: '', shared: ', which share what they write', nothing: ', which write nothing yet' }[
    writes
  ]
  return {
    request,
    plan: {
      summary: `layer ${config.blocks.length} → ${blocks.length}: copies of ${of.join(', ')}${order === 'beside' ? ', each beside its original' : ' on top'}${said}`,
      key,
      changes: [...changes, ...less.map((spec) => writingLess(spec, share))],
    },
    config: after,
    parameters: parametersBetween(config, after),
    isExact: writes === 'nothing',
  }
}
