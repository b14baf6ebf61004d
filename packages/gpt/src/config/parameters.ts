/** Every parameter of a GPT: its path, what its dimensions mean, and what it starts as. */
import { checkArgument, checks, type Axis, type InitialValues } from '@burgeon/tensor'
import { type BlockConfig, type GptConfig, hasBias, type LinearMapKind } from './gpt-config.ts'
import type { ParameterSpec } from './parameter-spec.ts'
import { patchSpecs } from './patch-parameters.ts'

export type { ParameterSpec } from './parameter-spec.ts'

const aConfig = checks.role<GptConfig>('a configuration of gptConfig', 'vocabulary', 'blocks')

const zero: InitialValues = { kind: 'zero' }
const one: InitialValues = { kind: 'one' }
const normal = (standardDeviation: number): InitialValues => ({ kind: 'normal', standardDeviation })

/**
 * All parameters in order: embeddings of tokens and positions; of each block, from the input to the output,
 * its attention and then its MLP (norm, router, gate, up, down, further experts; A and B of an adapter after
 * the map they stand beside; the norms of queries and keys after their maps); norm, weight (where it is not
 * the token embedding's) and bias of the head; the patch front.
 *
 * Weights start Gaussian with deviation 0.02, and those that write into the residual stream with
 * 0.02/√(2·layers), so that its variance does not depend on the depth (Radford et al. 2019, section 2.3);
 * routers with 1/√C, so that gates differ between tokens from the start.
 */
export function parameterSpecs(config: GptConfig): ParameterSpec[] {
  checkArgument('parameterSpecs', 'config', config, aConfig)
  const { vocabulary, context, embed } = config
  const positions: ParameterSpec = {
    path: 'embed.position.weight',
    axes: ['context', 'embed'],
    shape: [context, embed],
    initial: normal(0.02),
  }
  return [
    {
      path: 'embed.token.weight',
      axes: ['vocabulary', 'embed'],
      shape: [vocabulary, embed],
      initial: normal(0.02),
    },
    ...(config.positions === 'learned' ? [positions] : []),
    ...config.blocks.flatMap((block) =>
      blockSpecs(config, block, normal(0.02 / Math.sqrt(2 * config.blocks.length))),
    ),
    ...normSpecs(config, 'head.norm'),
    ...(config.untiedHead
      ? [
          {
            path: 'head.weight',
            axes: ['vocabulary', 'embed'],
            shape: [vocabulary, embed],
            initial: normal(0.02),
          } as const,
        ]
      : []),
    ...(config.headBias
      ? [{ path: 'head.bias', axes: ['vocabulary'], shape: [vocabulary], initial: zero } as const]
      : []),
    ...(config.patches ? patchSpecs(config, config.patches, parameterSpecs) : []),
  ]
}

/**
 * The parameters of one block: norm, query, key, value and output of the attention; norm, router (of several
 * experts), gate (with `swiglu`), up and down of the MLP; gate, up and down of each further expert. Of a
 * linear map: weight, bias, and A and B of its adapter.
 *
 * @param writers What the projections into the residual stream start as; with `zero` the block is an
 *   identity. B of every adapter is 0.
 */
export function blockSpecs(config: GptConfig, block: BlockConfig, writers: InitialValues): ParameterSpec[] {
  const { mlpHidden, heads, kvHeads, headDim } = block
  const attention = `blocks.${block.id}.attention`
  const [embed, hidden]: [Side, Side] = [[['embed', config.embed]], [['mlpHidden', mlpHidden]]]
  const ofHeads = (axis: 'head' | 'kvHead', count: number): Side => [
    [axis, count],
    ['headDim', headDim],
  ]
  const linear =
    (kind: LinearMapKind) =>
    (path: string, from: Side, to: Side, initial: InitialValues): ParameterSpec[] =>
      linearSpecs(block, path, { from, to, initial, hasBias: hasBias(config, kind) })
  const [projection, output, ofMlp] = [linear('qkv'), linear('output'), linear('mlp')]
  const expert = (at: string): ParameterSpec[] => [
    ...(config.activation === 'swiglu' ? ofMlp(`${at}.gate`, embed, hidden, normal(0.02)) : []),
    ...ofMlp(`${at}.up`, embed, hidden, normal(0.02)),
    ...ofMlp(`${at}.down`, hidden, embed, writers),
  ]
  const normOfHeads = (path: string): ParameterSpec[] =>
    config.queryKeyNorm
      ? [{ path: `${path}.norm.gain`, axes: ['headDim'], shape: [headDim], initial: one }]
      : []
  return [
    ...normSpecs(config, `${attention}.norm`),
    ...projection(`${attention}.query`, embed, ofHeads('head', heads), normal(0.02)),
    ...normOfHeads(`${attention}.query`),
    ...projection(`${attention}.key`, embed, ofHeads('kvHead', kvHeads), normal(0.02)),
    ...normOfHeads(`${attention}.key`),
    ...projection(`${attention}.value`, embed, ofHeads('kvHead', kvHeads), normal(0.02)),
    ...output(`${attention}.output`, ofHeads('head', heads), embed, writers),
    ...normSpecs(config, `blocks.${block.id}.mlp.norm`),
    ...routerSpecs(config, block),
    ...expertPaths(block).flatMap(expert),
  ]
}

/**
 * Paths of the maps of each expert of a block: the first is the plain MLP, the others are called by their
 * number.
 */
export function expertPaths({ id, expertShares = [1] }: BlockConfig): string[] {
  return expertShares.map((_, i) => (i === 0 ? `blocks.${id}.mlp` : `blocks.${id}.mlp.experts.${i}`))
}

/** One side of a linear map: the label and size of each dimension. */
type Side = readonly (readonly [Axis, number])[]

/** What a linear map stands between, and what its weight starts as. */
interface LinearMapSides {
  readonly from: Side
  readonly to: Side
  readonly initial: InitialValues
  readonly hasBias: boolean
}

function linearSpecs(
  { adapter }: BlockConfig,
  path: string,
  { from, to, initial, hasBias }: LinearMapSides,
): ParameterSpec[] {
  const spec = (name: string, side: Side, start: InitialValues): ParameterSpec => {
    return {
      path: `${path}.${name}`,
      axes: side.map(([axis]) => axis),
      shape: side.map(([, n]) => n),
      initial: start,
    }
  }
  const weight = spec('weight', [...from, ...to], initial)
  const whole = hasBias ? [weight, spec('bias', to, zero)] : [weight]
  if (adapter === undefined) return whole
  const rank: Side = [['rank', adapter.rank]]
  return [
    ...whole,
    spec('adapter.a.weight', [...from, ...rank], normal(0.02)),
    spec('adapter.b.weight', [...rank, ...to], zero),
  ]
}

function routerSpecs({ embed }: GptConfig, { id, expertShares }: BlockConfig): ParameterSpec[] {
  if (expertShares === undefined) return []
  const [path, { length: experts }] = [`blocks.${id}.mlp.router`, expertShares]
  return [
    {
      path: `${path}.weight`,
      axes: ['embed', 'expert'],
      shape: [embed, experts],
      initial: normal(1 / Math.sqrt(embed)),
    },
    { path: `${path}.bias`, axes: ['expert'], shape: [experts], initial: zero },
  ]
}

function normSpecs({ norm, embed }: GptConfig, path: string): ParameterSpec[] {
  const gain: ParameterSpec = { path: `${path}.gain`, axes: ['embed'], shape: [embed], initial: one }
  const bias: ParameterSpec = { path: `${path}.bias`, axes: ['embed'], shape: [embed], initial: zero }
  return norm === 'layer' ? [gain, bias] : [gain]
}

/** Weight decay is for matrices: biases and gains have no business near 0 (as in GPT-2's training). */
export function isDecayed(path: string): boolean {
  checkArgument('isDecayed', 'path', path, checks.text)
  return path.endsWith('.weight')
}

/**
 * Whether a parameter belongs to a low-rank adapter.
 *
 * @example
 * ```ts
 * // Only adapters learn. Weight decay would move the others, too: `sgd` has none.
 * const optimizer = byPath((path) => (isAdapter(path) ? 'adapters' : 'others'), {
 *   adapters: adamw({ learningRate: 1e-3 }),
 *   others: sgd(0),
 * })
 * ```
 */
export function isAdapter(path: string): boolean {
  checkArgument('isAdapter', 'path', path, checks.text)
  return /\.adapter\.[ab]\.weight$/.test(path)
}

/**
 * Whether a parameter belongs to what stands below block `count`, counted from 0: the lowest blocks, the
 * positions and the token embedding, which is the head, too, unless that has a matrix of its own. With all of
 * them constant, no tape follows what happens there. (Half of the embedding's gradient, that of the head,
 * would be worse than none: it pulls the embedding away from what the blocks expect.)
 */
export function isBelow(config: GptConfig, count: number): (path: string) => boolean {
  checkArgument('isBelow', 'config', config, aConfig)
  checkArgument('isBelow', 'count', count, checks.integer({ from: 0 }))
  const { blocks } = config
  const starts = blocks.slice(0, count).map(({ id }) => `blocks.${id}.`)
  return (path) => count > 0 && (path.startsWith('embed.') || starts.some((start) => path.startsWith(start)))
}
