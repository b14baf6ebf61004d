/**
 * The forward pass in parts: what stands below the blocks, and some blocks in a row. One after the other they
 * are `forward`, with its very bits, so that each may run where its parameters are.
 *
 * B batch, T tokens, C embed.
 */
import {
  add,
  checkArgument,
  checkOptions,
  checks,
  gather,
  OptionError,
  reshape,
  ShapeError,
  slice,
  type Tensor,
  type TensorsByPath,
} from '@burgeon/tensor'
import { aConfig, type GptConfig } from '../config/gpt-config.ts'
import { cachesOf, pastsOf } from './attend.ts'
import { checkForward, type ForwardOptions, someCaches } from './forward-options.ts'
import { checkStreamOf } from './readout.ts'
import { type StreamPlace, throughBlocks } from './residual-stream.ts'
import { embeddedTokens } from './layers/token-table.ts'

/** Options of `throughSomeBlocks`. */
export interface SomeBlocksOptions extends Pick<ForwardOptions, 'cache' | 'checkpointBlocks'> {
  /** Rows of the batch, B; the stream has T positions of each. */
  readonly rows: number
}

/**
 * The residual stream below the blocks: the embeddings of tokens, with those of their positions where these
 * are learned.
 *
 * @param w Parameters by path; `embed.…` is read of them.
 * @param tokens `i32 [B, T]`, each in [0, V).
 * @param options `cache`: that of some blocks, for how many tokens came before. It is left as it is.
 * @returns `f32 [B·T, C]`.
 * @throws OptionError for more tokens than the context, or a model with a patch front; ShapeError for tokens
 *   of another shape.
 */
export function embedTokens(
  config: GptConfig,
  w: TensorsByPath,
  tokens: Tensor,
  options: Pick<ForwardOptions, 'cache'> = {},
): Tensor {
  const who = 'embedTokens'
  checkForward(who, config, w, tokens)
  checkOptions(who, options, { cache: someCaches })
  refusePatches(who, config)
  const [B, T] = tokens.shape as [number, number]
  return embeddedAt(config, w, tokens, placeOf(who, config, B, T, options.cache))
}

/**
 * The residual stream above some blocks in a row.
 *
 * @param config Of the model, with those blocks alone as its `blocks`. Caches are made for this very object.
 * @param w Parameters by path; `blocks.…` of those blocks are read of them.
 * @param x The stream below the first of them, `f32 [B·T, C]`.
 * @returns The stream above the last of them, `f32 [B·T, C]`.
 * @throws OptionError for more tokens than the context, a model with a patch front, or blocks whose
 *   parameters are not there; ShapeError for another shape than `rows` and the width of the model make.
 */
export function throughSomeBlocks(
  config: GptConfig,
  w: TensorsByPath,
  x: Tensor,
  options: SomeBlocksOptions,
): Tensor {
  const who = 'throughSomeBlocks'
  checkArgument(who, 'config', config, aConfig)
  checkArgument(who, 'w', w, checks.tensorsByPath)
  checkOptions(who, options, {
    cache: someCaches,
    checkpointBlocks: checks.boolean,
    rows: checks.required(checks.integer({ from: 1 })),
  })
  const missing = config.blocks.find(({ id }) => !Object.hasOwn(w, `blocks.${id}.attention.norm.gain`))
  if (missing !== undefined) {
    throw new OptionError(
      `${who}: got w without the block ${missing.id}; expected the parameters of its blocks.`,
    )
  }
  checkStreamOf(who, config, x)
  refusePatches(who, config)
  const { rows, cache } = options
  const T = x.shape[0] / rows
  if (!Number.isInteger(T) || T === 0) {
    throw new ShapeError(
      `${who}: got a stream of ${x.shape[0]} positions for ${rows} rows; expected as many of each.`,
    )
  }
  return throughPlaced(config, w, x, placeOf(who, config, rows, T, cache), options)
}

function refusePatches(who: string, { patches }: GptConfig): void {
  if (patches === undefined) return
  throw new OptionError(`${who}: got a model with a patch front; expected one that reads tokens alone.`)
}

/** Where B rows of T tokens stand behind what caches hold. Throws OptionError for more than the context. */
export function placeOf(
  who: string,
  config: GptConfig,
  B: number,
  T: number,
  cache: ForwardOptions['cache'],
): StreamPlace {
  const caches = cachesOf(cache)
  const pasts = pastsOf(caches, config, B)
  const length = Math.max(...pasts) + T
  if (length > config.context) {
    throw new OptionError(`${who}: got ${length} tokens; expected at most the context, ${config.context}.`)
  }
  return { B, T, caches, pasts }
}

/** The stream below the blocks, `[B·T, C]`. */
export function embeddedAt(
  config: GptConfig,
  w: TensorsByPath,
  tokens: Tensor,
  { B, T, pasts }: StreamPlace,
): Tensor {
  const embedded = embeddedTokens(config, w, tokens) // [B, T, C]
  const position = w['embed.position.weight'] // none with rotary positions
  const placed = position ? add(embedded, positionsAt(position, pasts, T)) : embedded
  return reshape(placed, [B * T, config.embed])
}

/** The stream above the blocks, `[B·T, C]`; the tokens are read into the caches. */
export function throughPlaced(
  config: GptConfig,
  w: TensorsByPath,
  x: Tensor,
  place: StreamPlace,
  options: Omit<ForwardOptions, 'cache' | 'lastOnly'>,
): Tensor {
  for (const cache of place.caches) cache.reserve(cache.length + place.T)
  const above = throughBlocks(config, w, x, place, options)
  for (const cache of place.caches) cache.length += place.T
  return above
}

/** Embeddings of the positions after `pasts`, `[T, C]`, or `[B, T, C]` where they differ. */
function positionsAt(position: Tensor, pasts: readonly number[], T: number): Tensor {
  if (pasts.length === 1) return slice(position, [pasts[0]], [pasts[0] + T])
  const at = pasts.flatMap((past) => Array.from({ length: T }, (_, t) => past + t))
  return gather(position, position.device.tensor(at, { shape: [pasts.length, T], dtype: 'i32' }, 'positions'))
}
