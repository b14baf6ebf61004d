/**
 * The residual stream of a GPT, from its embeddings through all blocks.
 *
 * B batch, T positions, C embed, H heads, G heads of keys and values, D head size, M mlpHidden.
 */
import {
  add,
  checkpoint,
  concatenate,
  elementwise,
  expression,
  gelu,
  reshape,
  slice,
  type Tensor,
  type TensorsByPath,
} from '@burgeon/tensor'
import { AdaptedRows } from '../adapters/applied-adapter.ts'
import type { BlockConfig, GptConfig } from '../config/gpt-config.ts'
import { expertPaths } from '../config/parameters.ts'
import { attend } from './attend.ts'
import { flowing, type Onlookers } from './flowing.ts'
import type { ForwardOptions } from './forward-options.ts'
import type { KeyValueCache } from './key-value-cache.ts'
import { linearMap } from './layers/linear-map.ts'
import { mixedExperts } from './layers/mixed-experts.ts'
import { normalize, normalizeBy } from './layers/norms.ts'
import { applyRotary, type RotaryTables, rotaryTablesOf } from './layers/rotary.ts'

/** Where the positions of a stream lie. */
export interface StreamPlace {
  readonly B: number
  readonly T: number
  readonly caches: readonly KeyValueCache[]
  /** Positions before the first one: one number for all rows, or one for each. */
  readonly pasts: readonly number[]
}

/**
 * The stream above the last block, `[B·T, C]`.
 *
 * @param embedded Embeddings with their learned positions, `[B·T, C]`.
 */
export function throughBlocks(
  config: GptConfig,
  w: TensorsByPath,
  embedded: Tensor,
  { B, T, caches, pasts }: StreamPlace,
  options: Pick<ForwardOptions, 'adapters' | 'checkpointBlocks' | 'observe' | 'replace'>,
): Tensor {
  const rotary = rotaryTablesOf(config, embedded.device, pasts, T)
  const adapted = options.adapters && new AdaptedRows(options.adapters, config, B)
  let x = flowing(options, 'embed', 'embedded', embedded)
  config.blocks.forEach((block, i) => {
    const before = x
    const through = (): Tensor => {
      const place = { B, T, rotary: rotary[i], caches, adapted, onlookers: options }
      const attended = add(before, selfAttention(config, w, block, before, place))
      return add(attended, mlp(config, w, block, attended, place))
    }
    const above = options.checkpointBlocks && caches.length === 0 ? checkpoint(through) : through()
    x = flowing(options, block.id, 'output', above)
  })
  return x
}

/**
 * The place of a block in the pass: the batch, the rotary tables of its positions, the caches, adapters, and
 * who looks on.
 */
interface Place {
  readonly B: number
  readonly T: number
  readonly rotary: RotaryTables | undefined
  readonly caches: readonly KeyValueCache[]
  readonly adapted: AdaptedRows | undefined
  readonly onlookers: Onlookers
}

function selfAttention(
  config: GptConfig,
  w: TensorsByPath,
  block: BlockConfig,
  x: Tensor, // [B·T, C]
  { B, T, rotary, caches, adapted, onlookers }: Place,
): Tensor {
  const { id, heads: H, kvHeads: G, headDim: D, scoreWidth = D, headNormWidth = D, window } = block
  const { embed: C } = config
  const at = `blocks.${id}.attention`
  const normal = normalize(config, w, `${at}.norm`, x) // [B·T, C]
  const project = (name: string, N: number): Tensor =>
    reshape(linearMap(w, block, `${at}.${name}`, normal, N * D, adapted), [B, T, N, D])
  const ofUnitSize = (name: string, y: Tensor): Tensor =>
    config.queryKeyNorm ? normalizeBy(headNormWidth, config, w, `${at}.${name}.norm`, y) : y
  const place = (name: string, N: number): Tensor => {
    const y = ofUnitSize(name, project(name, N))
    return rotary ? applyRotary(y, rotary) : y
  }
  const shown = (what: 'query' | 'key' | 'value' | 'headOutput', y: Tensor): Tensor =>
    flowing(onlookers, id, what, y)
  // [B, T, H or G, D]
  const qkv = [
    shown('query', place('query', H)),
    shown('key', place('key', G)),
    shown('value', project('value', G)),
  ]
  const o = shown('headOutput', attend(caches, id, qkv, { scale: 1 / Math.sqrt(scoreWidth), window })) // [B, T, H, D]
  const written = linearMap(w, block, `${at}.output`, reshape(o, [B * T, H * D]), C, adapted) // [B·T, C]
  return flowing(onlookers, id, 'attended', written)
}

function mlp(
  config: GptConfig,
  w: TensorsByPath,
  block: BlockConfig,
  x: Tensor,
  { adapted, onlookers }: Pick<Place, 'adapted' | 'onlookers'>,
): Tensor {
  const { id, mlpHidden: M } = block
  const normal = flowing(onlookers, id, 'mlpInput', normalize(config, w, `blocks.${id}.mlp.norm`, x)) // [B·T, C]
  const experts = expertPaths(block)
  const computed = experts.map((at) =>
    activate(config.activation, (name) => linearMap(w, block, `${at}.${name}`, normal, M, adapted)),
  ) // [B·T, M] each
  const outputs = flowingHidden(onlookers, id, computed).map((hidden, i) =>
    linearMap(w, block, `${experts[i]}.down`, hidden, config.embed, adapted),
  ) // [B·T, C] each
  const written = outputs.length === 1 ? outputs[0] : mixedExperts(w, block, normal, outputs)
  return flowing(onlookers, id, 'mlpOutput', written)
}

/** The hidden units of every expert, which are shown side by side. */
function flowingHidden(onlookers: Onlookers, block: string, hiddens: readonly Tensor[]): readonly Tensor[] {
  if (hiddens.length === 1) return [flowing(onlookers, block, 'mlpHidden', hiddens[0])]
  if (onlookers.observe === undefined && onlookers.replace === undefined) return hiddens
  const together = concatenate(hiddens, 1)
  const flows = flowing(onlookers, block, 'mlpHidden', together)
  if (flows === together) return hiddens
  const [N, M] = hiddens[0].shape
  return hiddens.map((_, i) => slice(flows, [0, i * M], [N, (i + 1) * M]))
}

/** The hidden units `[B·T, M]` of an MLP, from its projections by name. */
function activate(activation: GptConfig['activation'], project: (name: string) => Tensor): Tensor {
  if (activation === 'gelu') return gelu(project('up'))
  if (activation === 'geluErf') return elementwise(geluErf, [project('up')])
  return elementwise(gated, [project('gate'), project('up')])
}

const { constant, erf, input, multiply: times, sigmoid } = expression

/** silu(gate) · up, with silu(g) = g·σ(g). */
const gated = times(times(input(0), sigmoid(input(0))), input(1))

/** x·Φ(x), Φ(x) = (1 + erf(x/√2))/2 the normal distribution (Hendrycks & Gimpel 2016, section 2). */
const geluErf = times(
  times(constant(0.5), input(0)),
  expression.add(constant(1), erf(times(constant(Math.SQRT1_2), input(0)))),
)
