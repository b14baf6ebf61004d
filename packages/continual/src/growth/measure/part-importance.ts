/** How much the loss would miss each part of a model: what to prune first. */
import { valueAndGrad } from '@burgeon/autograd'
import { Gpt } from '@burgeon/gpt'
import { holdModel } from '@burgeon/gpt/growth'
import {
  abs,
  add,
  checkArgument,
  checks,
  multiply,
  scope,
  sum,
  type Tensor,
  type TensorsByPath,
  tensorsIn,
} from '@burgeon/tensor'
import { meanLossOf } from '../../model/pass.ts'
import { aTokenBatch, type TokenBatch } from '../../stream/batch.ts'
import { batchTensors } from '../../stream/batch-tensors.ts'

const aGpt = checks.instance('a Gpt', Gpt)

/**
 * Importance of the parts of one block, in nats per token, ≥ 0: by how much the loss would change to first
 * order without a part.
 */
export interface PartImportance {
  readonly block: string
  /** Importance of each hidden unit, over all experts. */
  readonly hidden: readonly number[]
  /** Importance of each query head. */
  readonly heads: readonly number[]
}

/**
 * Scores all hidden units and heads on a batch: |Σ w·∂L/∂w| over the weights through which a part writes,
 * which is what the loss loses to first order when they become 0 (Molchanov et al. 2019, eq. 8, summed over a
 * group; of heads, Michel et al. 2019, eq. 2). A part that writes nothing scores 0.
 *
 * @param batch At least one prediction.
 * @example
 * ```ts
 * const text = new TextEncoder().encode('What can go?')
 * const [{ block, hidden }] = await partImportance(model, batchOfTokens(text, 8, 'text'))
 * const least = hidden.indexOf(Math.min(...hidden))
 * console.log({ kind: 'pruneUnits', block, drop: [least] })
 * ```
 */
export async function partImportance(model: Gpt, batch: TokenBatch): Promise<PartImportance[]> {
  checkArgument('partImportance', 'model', model, aGpt)
  checkArgument('partImportance', 'batch', batch, aTokenBatch)
  using _ = holdModel(model)
  const scores = scope(() => {
    const { config } = model
    const weights = model.parameters.tensors()
    const tensors = batchTensors(model.device, batch)
    const loss = (w: TensorsByPath): Tensor =>
      meanLossOf({ losses: model.losses(tensors.inputs, tensors.targets, w), tensors })
    const { gradient } = valueAndGrad(loss)(weights)
    return config.blocks.map(({ id }) => {
      const written = (path: string): Tensor => perPart(weights[path], gradient[path])
      const experts = Object.keys(weights).filter((path) => isDown(path, `blocks.${id}.mlp.`))
      return {
        block: id,
        hidden: abs(experts.map(written).reduce((a, b) => add(a, b))),
        heads: abs(written(`blocks.${id}.attention.output.weight`)),
      }
    })
  })
  try {
    return await Promise.all(
      scores.map(async ({ block, hidden, heads }) => ({
        block,
        hidden: Array.from(await hidden.read()),
        heads: Array.from(await heads.read()),
      })),
    )
  } finally {
    for (const tensor of tensorsIn(scores)) tensor.dispose()
  }
}

/** The weight by which an MLP or an expert writes. */
const isDown = (path: string, start: string): boolean =>
  path.startsWith(start) && path.endsWith('.down.weight')

/** Σ w·∂L/∂w over all axes but the first, which numbers the parts. */
function perPart(weight: Tensor, gradient: Tensor): Tensor {
  return sum(multiply(weight, gradient), { axes: weight.shape.slice(1).map((_, i) => i + 1) })
}
