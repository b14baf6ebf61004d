/**
 * Attention under the caller's mask. It runs as its definition, so all scores `[B, H, T, keys]` are kept at a
 * time.
 */
import { ShapeError } from '../../errors.ts'
import * as e from '../../expression/expression.ts'
import { formatShape, type Shape } from '../../shape.ts'
import type { Tensor } from '../../tensor.ts'
import { elementwise } from '../elementwise/elementwise.ts'
import { matmul } from '../matmul/matmul.ts'
import { permute } from '../permute/permute.ts'
import { max, sum } from '../reduce/reduce.ts'
import { slice } from '../slice/slice.ts'
import type { AttentionAttrs } from './attention.ts'
import { headsFirst, maskedScores } from './scores.ts'

const { constant, divide, equal, exp, input, maximum, select, subtract } = e

// inputs: scores, mask
const whereSeen = select(equal(input(1), constant(0)), constant(-Infinity), input(0))
const withMask = e.add(input(0), input(1))
// inputs: scores, the largest of the row; a row that sees no key has −∞, which is raised to a finite number
const weightOf = exp(subtract(input(0), maximum(input(1), constant(-(2 ** 127)))))
// inputs: weights, their sum; a row that sees no key has weights 0 and sum 0, and its shares are 0
const shareOf = divide(input(0), select(equal(input(1), constant(0)), constant(1), input(1)))

/** Computes attention with the mask applied to the scores, `[B, T, H, D]`. */
export function maskedAttention(
  [q, k, v]: readonly [Tensor, Tensor, Tensor],
  mask: Tensor,
  attrs: AttentionAttrs,
): Tensor {
  const [b, t, h] = q.shape
  const [, s] = k.shape
  checkMask(mask, [b, h, t, s])
  const scores = elementwise(mask.dtype === 'i32' ? whereSeen : withMask, [
    maskedScores(q, k, attrs),
    ofPresentKeys(mask, s, attrs.keys),
  ])
  const weights = elementwise(weightOf, [scores, max(scores, { axes: [-1], keepDims: true })])
  const shares = elementwise(shareOf, [weights, sum(weights, { axes: [-1], keepDims: true })])
  return permute(matmul(shares, headsFirst(v, h, attrs.keys)), [0, 2, 1, 3])
}

/** Cuts the mask to the keys that exist, unless it broadcasts along the keys. */
function ofPresentKeys(mask: Tensor, s: number, keys: number): Tensor {
  const last = mask.shape.length - 1
  return mask.shape[last] === s ? slice(mask, [], mask.shape.with(last, keys)) : mask
}

function checkMask({ shape, dtype }: Tensor, scores: Shape): void {
  const missing = scores.length - shape.length
  if (missing >= 0 && shape.every((n, i) => n === 1 || n === scores[missing + i])) return
  throw new ShapeError(
    `attention: got mask ${dtype}${formatShape(shape)}; expected a shape that stretches to [B, H, T, S], ` +
      `here ${formatShape(scores)}.`,
  )
}
