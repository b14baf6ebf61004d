/** The residual stream as logits: the final norm and the head, of the whole stream or of a part of it. */
import {
  add,
  checkArgument,
  checks,
  type Device,
  formatShape,
  ShapeError,
  type Tensor,
  type TensorsByPath,
} from '@burgeon/tensor'
import { aConfig, type GptConfig } from '../config/gpt-config.ts'
import { checkWeights } from './forward-options.ts'
import { normalize, shareInNorm } from './layers/norms.ts'
import { headProduct } from './layers/token-table.ts'

/** The features that the head reads, `[N, C]`, of the residual stream. */
export const featuresOf = (config: GptConfig, w: TensorsByPath, x: Tensor): Tensor =>
  normalize(config, w, 'head.norm', x)

/** The logits of features, `[N, V]`. */
export function logitsOf(config: GptConfig, w: TensorsByPath, features: Tensor): Tensor {
  const logits = headProduct(config, w, features)
  return config.headBias ? add(logits, logitBias(config, w, features.device)) : logits
}

/** The bias of the logits, `[V]`: learnt biases, and offsets that growth has set. */
export function logitBias({ logitOffsets }: GptConfig, w: TensorsByPath, device: Device): Tensor {
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

function checkStream(who: string, config: GptConfig, w: TensorsByPath, x: Tensor): void {
  checkArgument(who, 'config', config, aConfig)
  checkWeights(who, w)
  checkArgument(who, 'x', x, checks.tensor)
  if (x.dtype === 'f32' && x.shape.length === 2 && x.shape[1] === config.embed) return
  throw new ShapeError(
    `${who}: got ${x.dtype}${formatShape(x.shape)}; expected the residual stream, f32 [N, ${config.embed}].`,
  )
}
