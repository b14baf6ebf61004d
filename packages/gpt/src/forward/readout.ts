/** The residual stream as logits: the final norm and the head, of the whole stream or of a part of it. */
import {
  add,
  checkArgument,
  checks,
  concatenate,
  crossEntropy,
  type Device,
  fill,
  formatShape,
  linearCrossEntropy,
  OptionError,
  reshape,
  scope,
  ShapeError,
  slice,
  type Tensor,
  type TensorsByPath,
} from '@burgeon/tensor'
import { aConfig, type GptConfig } from '../config/gpt-config.ts'
import { normalize, shareInNorm } from './layers/norms.ts'
import { headProduct, headWeight } from './layers/token-table.ts'

/** The features that the head reads, `[N, C]`, of the residual stream. */
export const featuresOf = (config: GptConfig, w: TensorsByPath, x: Tensor): Tensor =>
  normalize(config, w, 'head.norm', x)

/** The logits of features, `[N, V]`. */
export function logitsOf(config: GptConfig, w: TensorsByPath, features: Tensor): Tensor {
  const logits = headProduct(config, w, features)
  return config.headBias ? add(logits, logitBias(config, w, features.device)) : logits
}

/** Logits beyond which they are not held all at once: 128 MiB. */
const manyLogits = 2 ** 25

/**
 * The loss of every prediction from features, in nats, `[N]`. Where logits would be very many they are made
 * and used up piece by piece.
 *
 * @param x The features, `[N, C]`.
 * @param targets `i32 [N]`; a negative one is not counted.
 */
export function lossesOf(config: GptConfig, w: TensorsByPath, x: Tensor, targets: Tensor): Tensor {
  if (targets.size * config.vocabulary <= manyLogits) return crossEntropy(logitsOf(config, w, x), targets)
  const weight = headWeight(config, w)
  if (config.packed) {
    const rows = Math.max(1, Math.floor(manyLogits / config.vocabulary))
    const pieces = Array.from({ length: Math.ceil(targets.size / rows) }, (_, i) => {
      const [from, to] = [i * rows, Math.min(targets.size, (i + 1) * rows)]
      return scope(() =>
        crossEntropy(logitsOf(config, w, slice(x, [from], [to])), slice(targets, [from], [to])),
      )
    })
    return concatenate(pieces)
  }
  if (!config.headBias) return linearCrossEntropy(x, weight, targets)
  // A bias is the weight of one more feature that is always 1.
  const always = fill(x.device, [targets.size, 1], 1)
  const biases = reshape(logitBias(config, w, x.device), [config.vocabulary, 1])
  return linearCrossEntropy(concatenate([x, always], 1), concatenate([weight, biases], 1), targets)
}

/** The bias of the logits, `[V]`: learnt biases, and offsets that growth has set. */
function logitBias({ logitOffsets }: GptConfig, w: TensorsByPath, device: Device): Tensor {
  const learnt = w['head.bias']
  if (logitOffsets === undefined) return learnt
  return add(learnt, device.tensor(logitOffsets, { shape: [logitOffsets.length], dtype: 'f32' }, 'offsets'))
}

/**
 * The residual stream at any height as logits: the final norm, computed for these numbers, and the head
 * (logit lens, nostalgebraist 2020). Of the stream above the last block they are those of `forward`.
 *
 * @param w The parameters by path.
 * @param x `f32 [N, C]`, as `observe` shows it as `embedded` or `output`.
 * @returns `f32 [N, V]`.
 * @throws ShapeError for a stream of another width.
 */
export function readout(config: GptConfig, w: TensorsByPath, x: Tensor): Tensor {
  checkStream('readout', config, w, x)
  return logitsOf(config, w, featuresOf(config, w, x))
}

/**
 * The logits that a part of the residual stream adds, with the divisor of the final norm held at that of the
 * whole stream (direct logit attribution, Elhage et al. 2021): linear in the part, without biases. Those of
 * parts that sum to `x` sum to `partialReadout(config, w, x, x)`, which are the logits less their biases.
 *
 * @param w The parameters by path.
 * @param x The whole stream above the last block, `f32 [N, C]`.
 * @param part `f32 [N, C]`.
 * @returns `f32 [N, V]`.
 * @throws ShapeError for a stream or a part of another shape.
 */
export function partialReadout(config: GptConfig, w: TensorsByPath, x: Tensor, part: Tensor): Tensor {
  checkStream('partialReadout', config, w, x)
  checkStream('partialReadout', config, w, part)
  if (part.shape[0] !== x.shape[0]) {
    throw new ShapeError(
      `partialReadout: got x${formatShape(x.shape)} and part${formatShape(part.shape)}; expected as many rows.`,
    )
  }
  return headProduct(config, w, shareInNorm(config, w, 'head.norm', x, part))
}

/**
 * The loss of every prediction from the residual stream above the last block, in nats: `losses` of the model
 * where the stream is that of its tokens. Where logits would be very many they are made piece by piece.
 *
 * @param w Parameters by path: those of the head, which are the token embedding's unless it has its own.
 * @param x `f32 [N, C]`.
 * @param targets `i32 [N]`: the next tokens; a negative one is not counted.
 * @returns `f32 [N]`.
 * @throws ShapeError for a stream of another width, OptionError without the parameters of the head.
 */
export function readoutLosses(config: GptConfig, w: TensorsByPath, x: Tensor, targets: Tensor): Tensor {
  checkStream('readoutLosses', config, w, x)
  checkArgument('readoutLosses', 'targets', targets, checks.tensor)
  return lossesOf(config, w, featuresOf(config, w, x), targets)
}

/** Throws OptionError or ShapeError for what is no residual stream, or without the parameters of the head. */
function checkStream(who: string, config: GptConfig, w: TensorsByPath, x: Tensor): void {
  checkArgument(who, 'config', config, aConfig)
  checkArgument(who, 'w', w, checks.tensorsByPath)
  const matrix = config.untiedHead ? 'head.weight' : 'embed.token.weight'
  const missing = [matrix, 'head.norm.gain'].find((path) => !Object.hasOwn(w, path))
  if (missing !== undefined) {
    throw new OptionError(`${who}: got w without ${missing}; expected the parameters of the head.`)
  }
  checkStreamOf(who, config, x)
}

/** Throws ShapeError unless it is a residual stream, `f32 [N, C]`. */
export function checkStreamOf(who: string, { embed }: GptConfig, x: Tensor): void {
  checkArgument(who, 'x', x, checks.tensor)
  if (x.dtype === 'f32' && x.shape.length === 2 && x.shape[1] === embed) return
  throw new ShapeError(
    `${who}: got ${x.dtype}${formatShape(x.shape)}; expected the residual stream, f32 [N, ${embed}].`,
  )
}
