/** How much a model can still learn: signs of lost plasticity, layer by layer. */
import { Gpt } from '@burgeon/gpt'
import {
  type Check,
  checkArgument,
  matmul,
  mean,
  type ParameterStore,
  scope,
  subtract,
  type Tensor,
  tensorsIn,
} from '@burgeon/tensor'
import { effectiveRank } from '../growth/measure/effective-rank.ts'
import { symmetricEigenvalues } from '../growth/measure/symmetric-eigenvalues.ts'
import type { HiddenLayer } from '../model/hidden/hidden-layers.ts'
import { hiddenLayersOf, type LayeredModel, requireLayered } from '../model/hidden/of-model.ts'
import type { BatchOf } from '../model/model.ts'
import { anExampleBatch, aTokenBatch, type Batch, partsOf } from '../stream/batch.ts'

/** Signs of one layer of hidden units, over the predictions that were looked at. */
export interface PlasticitySigns {
  /** `blocks.b0.mlp` of a GPT, where each expert is a layer; `layers.0` of a dense network. */
  readonly layer: string
  readonly units: number
  /**
   * Share of units that are 0 for every prediction, from 0 to 1 (Dohare et al. 2024): dead for good under
   * ReLU.
   */
  readonly dead: number
  /**
   * Share of units whose mean |h| is at most 0.025 of the mean one, from 0 to 1 (Sokar et al. 2023,
   * definition 3.1).
   */
  readonly dormant: number
  /** exp of the entropy of the singular values of the centered activations (Roy & Vetterli 2007). */
  readonly effectiveRank: number
  /**
   * ‖H‖²/σ₁(H)² of the activations H, [predictions, units], as they are: from 1 to the rank; 0 where all are
   * 0.
   */
  readonly stableRank: number
  /** Mean magnitude of incoming and outgoing weights, biases left out. */
  readonly weightMagnitude: number
  /** Root of the sum of their squares. */
  readonly weightNorm: number
}

/** Relative activity up to which a unit counts as dormant. */
const dormantAt = 0.025
/** Predictions that are looked at: so many rows, and at least one. */
const maxPredictions = 1024

/**
 * Measures every layer of hidden units on rows of a batch, in one forward pass. Of a batch with more than
 * 1,024 predictions its first rows are looked at. A plasticity that goes is seen in dead and dormant units
 * that become more, in ranks that fall, and in weights that grow.
 *
 * @param model A GPT, a classifier or a regressor.
 * @throws OptionError for a model of another kind, and for a batch that it cannot read.
 * @example
 * ```ts
 * const text = new TextEncoder().encode('What can still be learnt?')
 * const signs = await measurePlasticity(model, batchOfTokens(text, 8, 'text'))
 * console.log(signs.map(({ layer, dormant, stableRank }) => `${layer}: ${dormant}, ${stableRank}`))
 * ```
 */
export async function measurePlasticity<M extends LayeredModel>(
  model: M,
  batch: BatchOf<M>,
): Promise<PlasticitySigns[]>
export async function measurePlasticity(model: LayeredModel, batch: Batch): Promise<PlasticitySigns[]> {
  requireLayered('measurePlasticity', model)
  const itsBatch: Check<Batch> = model instanceof Gpt ? aTokenBatch : anExampleBatch
  checkArgument('measurePlasticity', 'batch', batch, itsBatch)
  if (!(model instanceof Gpt)) model.check?.(batch)
  const hidden = hiddenLayersOf(model)
  using _ = hidden.hold()
  const rows = Math.max(1, Math.floor(maxPredictions / ('length' in batch ? batch.length : 1)))
  const [probe] = partsOf(batch, Math.ceil(batch.rows / rows))
  const found = scope(() => hidden.activations(probe).map(productsOf))
  try {
    return await Promise.all(
      hidden.layers.map(async (layer, i): Promise<PlasticitySigns> => {
        const { activations, gram, centered } = found[i]
        const [predictions, units] = activations.shape
        const activity = activityOf(await activations.read(), predictions, units)
        const average = activity.reduce((a, b) => a + b, 0) / units
        const share = (isSo: (x: number) => boolean): number => activity.filter(isSo).length / units
        const eigenvalues = symmetricEigenvalues(await gram.read(), gram.shape[0])
        const largest = eigenvalues.at(-1) ?? 0
        return {
          layer: layer.name,
          units,
          dead: share((x) => x === 0),
          dormant: share((x) => x <= dormantAt * average),
          effectiveRank: effectiveRank(await centered.read(), centered.shape[0]),
          stableRank: largest > 0 ? eigenvalues.reduce((a, b) => a + Math.max(0, b), 0) / largest : 0,
          ...(await weightsOf(model.parameters, layer)),
        }
      }),
    )
  } finally {
    for (const tensor of tensorsIn(found)) tensor.dispose()
  }
}

interface Products {
  /** Of all predictions, `[predictions, units]`. */
  readonly activations: Tensor
  /** Inner products by unit or by prediction, whichever are fewer; as they are, and around the mean. */
  readonly gram: Tensor
  readonly centered: Tensor
}

function productsOf(activations: Tensor): Products {
  const [n, m] = activations.shape
  const products = (h: Tensor): Tensor => matmul(h, h, m <= n ? { transposeA: true } : { transposeB: true })
  const around = subtract(activations, mean(activations, { axes: [0], keepDims: true }))
  return { activations, gram: products(activations), centered: products(around) }
}

/** Mean magnitude of each unit. */
function activityOf(activations: ArrayLike<number>, predictions: number, units: number): number[] {
  const sums = new Array<number>(units).fill(0)
  for (let i = 0; i < activations.length; i++) sums[i % units] += Math.abs(activations[i])
  return sums.map((sum) => sum / predictions)
}

async function weightsOf(
  store: ParameterStore,
  { parameters }: HiddenLayer,
): Promise<Pick<PlasticitySigns, 'weightMagnitude' | 'weightNorm'>> {
  let [count, magnitudes, squares] = [0, 0, 0]
  for (const { path } of parameters) {
    const { tensor } = store.get(path)
    if (tensor.shape.length !== 2) continue
    for (const weight of await tensor.read()) {
      count++
      magnitudes += Math.abs(weight)
      squares += weight * weight
    }
  }
  return { weightMagnitude: magnitudes / count, weightNorm: Math.sqrt(squares) }
}
