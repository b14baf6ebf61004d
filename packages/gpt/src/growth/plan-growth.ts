/** From a request to a plan: which slices of which parameters come from where. Pure: nothing is touched. */
import {
  type DimensionMap,
  extended,
  type Initial,
  OptionError,
  type ParameterChange,
  type Plan,
  sizeOf,
  unchanged,
} from '@burgeon/tensor'
import type { BlockConfig, GptConfig } from '../gpt-config.ts'
import { blockSpecs, type ParameterSpec } from '../parameters.ts'
import { planContext } from './operators/context.ts'
import { planEmbed } from './operators/embed.ts'
import { parametersBetween } from './operators/resize-axis.ts'
import { planStack } from './operators/stack.ts'
import type { GrowLayer, GrowMlpHidden, GrowthRequest } from './growth-request.ts'

/** A plan with the configuration it leads to and its price, to be weighed before anything is paid. */
export interface PlannedGrowth {
  readonly request: GrowthRequest
  readonly plan: Plan
  readonly config: GptConfig
  /** Additional learnt numbers. */
  readonly parameters: number
  /** Whether the function stays as it is; true unless given. */
  readonly isExact?: boolean
}

const zero: Initial = { kind: 'zero' }
const weights: Initial = { kind: 'normal', standardDeviation: 0.02 }

/**
 * Works out how to fulfil a request.
 *
 * @param key Of the random stream for new weights.
 * @throws OptionError if the request names an unknown block, does not grow, or asks for impossible sizes.
 */
export function planGrowth(
  config: GptConfig,
  request: GrowthRequest,
  key: readonly [number, number],
): PlannedGrowth {
  switch (request.axis) {
    case 'mlpHidden':
      return planMlpHidden(config, request, key)
    case 'layer':
      return planLayer(config, request, key)
    case 'stack':
      return planStack(config, request, key)
    case 'embed':
      return planEmbed(config, request, key)
    case 'context':
      return planContext(config, request, key)
  }
}

/**
 * Wider MLP. Fresh units: incoming weights random, outgoing 0, so they contribute nothing yet and the outgoing weights
 * learn at once. Split units (Net2WiderNet, Chen et al. 2016, section 2.2): incoming copied, outgoing shared out.
 */
function planMlpHidden(
  config: GptConfig,
  request: GrowMlpHidden,
  key: readonly [number, number],
): PlannedGrowth {
  const { block: id, to, how = 'fresh' } = request
  const block = config.blocks.find((candidate) => candidate.id === id)
  if (block === undefined) {
    throw new OptionError(
      `grow mlpHidden: no block ${id}; this model has ${config.blocks.map((b) => b.id).join(', ')}.`,
    )
  }
  const from = block.mlpHidden
  const most = how === 'split' ? 2 * from : Infinity
  if (!Number.isSafeInteger(to) || to <= from || to > most) {
    throw new OptionError(
      `grow mlpHidden: got to = ${to} for block ${id}; expected an integer above ${from}` +
        `${how === 'split' ? ` and at most ${most}: each unit splits in two` : ''}.`,
    )
  }
  const [incoming, outgoing] =
    how === 'split' ? splitMaps(from, to) : [extended(from, to), extended(from, to)]
  const at = `blocks.${id}.mlp`
  const embed = unchanged(config.embed)
  const projections = config.activation === 'gelu' ? ['up'] : ['gate', 'up']
  const changes: ParameterChange[] = [
    ...projections.flatMap((name): ParameterChange[] => [
      { kind: 'resize', path: `${at}.${name}.weight`, dimensions: [embed, incoming], fresh: weights },
      { kind: 'resize', path: `${at}.${name}.bias`, dimensions: [incoming], fresh: zero },
    ]),
    { kind: 'resize', path: `${at}.down.weight`, dimensions: [outgoing, embed], fresh: zero },
  ]
  const grown = config.blocks.map((candidate) =>
    candidate.id === id ? { ...candidate, mlpHidden: to } : candidate,
  )
  const after = { ...config, blocks: grown }
  return {
    request,
    plan: {
      summary: `block ${id}: mlpHidden ${from} → ${to}${how === 'split' ? ' (split)' : ''}`,
      key,
      changes,
    },
    config: after,
    parameters: parametersBetween(config, after),
  }
}

/**
 * The first `to − from` units are split in two. The outgoing shares 1/4 and 3/4 are unequal, so the halves diverge, and
 * the quarter, a power of two, makes the inverse exact. A half's incoming gradient is its share of the whole's.
 */
function splitMaps(from: number, to: number): [DimensionMap, DimensionMap] {
  const source = Array.from({ length: to }, (_, i) => (i < from ? i : i - from))
  const share = source.map((_, i) => (i >= from ? 0.75 : i < to - from ? 0.25 : 1))
  return [
    { from, source, gradientFactor: share },
    { from, source, valueFactor: share },
  ]
}

/** One more block whose two writers into the residual stream are 0: an identity, random inside (growth by zero initialisation). */
function planLayer(config: GptConfig, request: GrowLayer, key: readonly [number, number]): PlannedGrowth {
  const { at } = request
  const count = config.blocks.length
  if (!Number.isSafeInteger(at) || at < 0 || at > count) {
    throw new OptionError(`grow layer: got at = ${at}; expected an integer from 0 to ${count}.`)
  }
  const neighbour = config.blocks[Math.max(0, at - 1)]
  const block: BlockConfig = {
    ...neighbour,
    id: `b${config.nextBlock}`,
    mlpHidden: request.mlpHidden ?? neighbour.mlpHidden,
  }
  if (!Number.isSafeInteger(block.mlpHidden) || block.mlpHidden < 1) {
    throw new OptionError(`grow layer: got mlpHidden = ${block.mlpHidden}; expected a positive integer.`)
  }
  const specs = blockSpecs(config, block, zero)
  const changes = specs.map(({ path, axes, shape, initial }: ParameterSpec): ParameterChange => {
    return { kind: 'add', path, axes, shape, initial }
  })
  const below = at === 0 ? 'below the first block' : `above block ${neighbour.id}`
  return {
    request,
    plan: { summary: `layer ${count} → ${count + 1}: new block ${block.id} ${below}`, key, changes },
    config: { ...config, blocks: config.blocks.toSpliced(at, 0, block), nextBlock: config.nextBlock + 1 },
    parameters: specs.reduce((total, { shape }) => total + sizeOf(shape), 0),
  }
}
