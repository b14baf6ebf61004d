/** How much a model can still learn: signs of lost plasticity, layer by layer. */
import { Gpt } from '@burgeon/gpt'
import { holdModel } from '@burgeon/gpt/growth'
import {
  checkArgument,
  checks,
  gather,
  matmul,
  mean,
  scope,
  subtract,
  type Tensor,
  tensorsIn,
} from '@burgeon/tensor'
import { effectiveRank } from '../growth/measure/effective-rank.ts'
import { symmetricEigenvalues } from '../growth/measure/symmetric-eigenvalues.ts'
import { aTokenBatch, partsOf, type TokenBatch } from '../stream/batch.ts'
import { batchTensors } from '../stream/batch-tensors.ts'

/** Signs of one MLP, over the tokens that were looked at. */
export interface PlasticitySigns {
  /** Block id. */
  readonly block: string
  /** Hidden units, of all experts together. */
  readonly units: number
  /**
   * Share of units that are 0 for every token, from 0 to 1 (Dohare et al. 2024): dead for good under ReLU.
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
   * ‖H‖²/σ₁(H)² of the activations H, [tokens, units], as they are: from 1 to the rank; 0 where all are 0.
   */
  readonly stableRank: number
  /** Mean magnitude of the weights of the MLP, biases left out. */
  readonly weightMagnitude: number
  /** Root of the sum of their squares. */
  readonly weightNorm: number
}

/** Relative activity up to which a unit counts as dormant. */
const dormantAt = 0.025
/** Tokens that are looked at: so many rows, and at least one. */
const maxTokens = 1024

/**
 * Measures every MLP of a GPT on rows of a batch, in one forward pass. Of a batch with more than 1,024 tokens
 * its first rows are looked at. A plasticity that goes is seen in dead and dormant units that become more, in
 * ranks that fall, and in weights that grow.
 *
 * @throws OptionError for a model that is no Gpt, and for what is no batch of tokens.
 * @example
 * ```ts
 * const text = new TextEncoder().encode('What can still be learnt?')
 * const signs = await measurePlasticity(model, batchOfTokens(text, 8, 'text'))
 * console.log(signs.map(({ block, dormant, stableRank }) => `${block}: ${dormant}, ${stableRank}`))
 * ```
 */
export async function measurePlasticity(model: Gpt, batch: TokenBatch): Promise<PlasticitySigns[]> {
  checkArgument('measurePlasticity', 'model', model, checks.instance('a Gpt', Gpt))
  checkArgument('measurePlasticity', 'batch', batch, aTokenBatch)
  using _ = holdModel(model)
  const rows = Math.max(1, Math.floor(maxTokens / batch.length))
  const [probe] = partsOf(batch, Math.ceil(batch.rows / rows))
  const found = scope(() => activationsOf(model, probe))
  try {
    return await Promise.all(
      found.map(async ({ block, hidden, gram, centered }): Promise<PlasticitySigns> => {
        const [tokens, units] = hidden.shape
        const activity = activityOf(await hidden.read(), tokens, units)
        const average = activity.reduce((a, b) => a + b, 0) / units
        const share = (isSo: (x: number) => boolean): number => activity.filter(isSo).length / units
        const eigenvalues = symmetricEigenvalues(await gram.read(), gram.shape[0])
        const largest = eigenvalues.at(-1) ?? 0
        return {
          block,
          units,
          dead: share((x) => x === 0),
          dormant: share((x) => x <= dormantAt * average),
          effectiveRank: effectiveRank(await centered.read(), centered.shape[0]),
          stableRank: largest > 0 ? eigenvalues.reduce((a, b) => a + Math.max(0, b), 0) / largest : 0,
          ...(await weightsOf(model, block)),
        }
      }),
    )
  } finally {
    for (const tensor of tensorsIn(found)) tensor.dispose()
  }
}

interface Activations {
  readonly block: string
  /** Of all tokens that are predicted, `[tokens, units]`. */
  readonly hidden: Tensor
  /** Inner products by unit or by token, whichever are fewer; as they are, and around the mean. */
  readonly gram: Tensor
  readonly centered: Tensor
}

function activationsOf(model: Gpt, probe: TokenBatch): Activations[] {
  const { inputs, counted } = batchTensors(model.device, probe)
  const places = model.device.tensor(counted, { shape: [counted.length], dtype: 'i32' }, 'probe')
  const found: Activations[] = []
  model.forward(inputs, undefined, {
    observe: (block, what, x) => {
      if (what !== 'mlpHidden') return
      const hidden = gather(x, places)
      const [n, m] = hidden.shape
      const products = (h: Tensor): Tensor =>
        matmul(h, h, m <= n ? { transposeA: true } : { transposeB: true })
      const around = subtract(hidden, mean(hidden, { axes: [0], keepDims: true }))
      found.push({ block, hidden, gram: products(hidden), centered: products(around) })
    },
  })
  return found
}

/** Mean magnitude of each unit. */
function activityOf(hidden: ArrayLike<number>, tokens: number, units: number): number[] {
  const sums = new Array<number>(units).fill(0)
  for (let i = 0; i < hidden.length; i++) sums[i % units] += Math.abs(hidden[i])
  return sums.map((sum) => sum / tokens)
}

async function weightsOf(
  { parameters }: Gpt,
  block: string,
): Promise<Pick<PlasticitySigns, 'weightMagnitude' | 'weightNorm'>> {
  let [count, magnitudes, squares] = [0, 0, 0]
  for (const { path, axes, tensor } of parameters) {
    if (!path.startsWith(`blocks.${block}.`) || axes.length !== 2 || !axes.includes('mlpHidden')) continue
    for (const weight of await tensor.read()) {
      count++
      magnitudes += Math.abs(weight)
      squares += weight * weight
    }
  }
  return { weightMagnitude: magnitudes / count, weightNorm: Math.sqrt(squares) }
}
