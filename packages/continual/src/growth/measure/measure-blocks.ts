/**
 * Looks inside a model: what every MLP lacks, and how well its units are used. One pass forwards and
 * backwards.
 */
import { pullBack, recordTape } from '@burgeon/autograd'
import { Gpt, type ObservedActivation } from '@burgeon/gpt'
import { holdModel } from '@burgeon/gpt/growth'
import {
  abs,
  add,
  checkArgument,
  checks,
  divide,
  fill,
  gather,
  globalNorm,
  matmul,
  mean,
  RandomStream,
  keyFromSeed,
  scope,
  subtract,
  type Tensor,
  tensorsIn,
} from '@burgeon/tensor'
import { meanLossOf } from '../../model/pass.ts'
import { aTokenBatch, partsOf, type TokenBatch } from '../../stream/batch.ts'
import { batchTensors } from '../../stream/batch-tensors.ts'
import { meanOf } from './mean-of.ts'
import { effectiveRank } from './effective-rank.ts'
import type { BlockSignals, Measurement } from './measurement.ts'

const aGpt = checks.instance('a Gpt', Gpt)

/**
 * Tokens that are looked at: so many rows, and at least one. More would make the rank of wide layers a long
 * calculation.
 */
const maxTokens = 1024
/**
 * Rounds of the power iteration: its relative error is on average below ln C / 60 whatever the matrix
 * (Kuczyński & Woźniakowski 1992).
 */
const iterations = 32
/**
 * Activity of a unit relative to the mean one, below which it counts as dormant (Sokar et al. 2023, section
 * 3).
 */
const dormantBelow = 0.025
/** The steepness of GELU at 0, and what a SwiGLU unit lets through whose gate stands half open. */
const openness = 0.5

/**
 * Measures every block on rows of a batch.
 *
 * How much one more unit of an MLP could learn at once (GradMax, Evci et al. 2022, eq. 6): let a unit be born
 * with incoming weights 0 and outgoing weights v, so that it writes nothing yet. With n what goes into the
 * MLP and δ the gradient of what comes out, both by token, the gradient of the incoming weights is ½·Σ
 * n·δᵀ·v, for GELU rises by ½ at 0; a SwiGLU unit gives the same if its gate stands at ½. This is exact, and
 * over all v of one length it is largest along the first singular vector of Σ n·δᵀ. (A unit that is born the
 * other way round, random inside and with outgoing weights 0, meets the same matrix to first order.) The
 * length of v is that of present units.
 *
 * @param batch At least one prediction. Only so many of its first rows are looked at as have 1,024 tokens, or
 *   one.
 * @example
 * ```ts
 * const text = new TextEncoder().encode('What is missing?')
 * const { blocks } = await measureBlocks(model, batchOfTokens(text, 8, 'text'))
 * console.log(blocks.map(({ block, gradMax }) => `${block} could learn ${gradMax}`))
 * ```
 */
export async function measureBlocks(model: Gpt, batch: TokenBatch): Promise<Measurement> {
  checkArgument('measureBlocks', 'model', model, aGpt)
  checkArgument('measureBlocks', 'batch', batch, aTokenBatch)
  using _ = holdModel(model)
  const rows = Math.max(1, Math.floor(maxTokens / batch.length))
  const [probe] = partsOf(batch, Math.ceil(batch.rows / rows))
  const found = scope(() => look(model, probe))
  try {
    const [gradientNorm] = await found.norm.read()
    const blocks = found.blocks.map(
      async ({ block, norm, gradMax, activity, gram }, i): Promise<BlockSignals> => {
        const [own] = await norm.read()
        const units = activity.size
        const dormant = dormantUnits(Array.from(await activity.read()))
        const { mlpHidden } = model.config.blocks[i]
        return {
          block,
          gradientShare: gradientNorm > 0 ? Math.min(1, (own / gradientNorm) ** 2) : 0,
          gradMax: (await gradMax.read())[0],
          effectiveRank: effectiveRank(await gram.read(), gram.shape[0]),
          maxRank: Math.min(units, found.predicted - 1),
          dormant: dormant.length / units,
          dormantUnits: inEveryExpert(dormant, mlpHidden, units / mlpHidden),
        }
      },
    )
    return { tokens: found.predicted, gradientNorm, blocks: await Promise.all(blocks) }
  } finally {
    for (const tensor of tensorsIn([found.norm, found.blocks])) tensor.dispose()
  }
}

interface Seen {
  readonly block: string
  /** Norm of the gradients of its own weights. */
  readonly norm: Tensor
  readonly gradMax: Tensor
  /** Mean absolute activation of each hidden unit, `[M]`. */
  readonly activity: Tensor
  /** Gram matrix of the centered activations, by unit or by token, whichever are fewer. */
  readonly gram: Tensor
}

function look(model: Gpt, probe: TokenBatch): { norm: Tensor; blocks: Seen[]; predicted: number } {
  const { device, parameters, config } = model
  const weights = parameters.tensors()
  const own = batchTensors(device, probe)
  const places = own.counted
  const predicted = places.length
  const counted = device.tensor(places, { shape: [predicted], dtype: 'i32' }, 'probe')
  const seen = new Map<string, Tensor>()
  const observe = (block: string, what: ObservedActivation, x: Tensor): void =>
    void seen.set(`${block} ${what}`, x)
  const of = (block: string, what: ObservedActivation): Tensor => seen.get(`${block} ${what}`) as Tensor
  using recorded = recordTape(Object.values(weights), () =>
    meanLossOf({ losses: model.losses(own.inputs, own.targets, weights, { observe }), tensors: own }),
  )
  const outputs = config.blocks.map(({ id }) => of(id, 'mlpOutput'))
  const gradients = pullBack(recorded.tape, [recorded.result], [fill(device, [], 1)], outputs)
  const normOf = (start: string): Tensor =>
    globalNorm(
      Object.entries(weights).flatMap(([path, { id }]) => {
        const gradient = path.startsWith(start) ? gradients.get(id) : undefined
        return gradient === undefined ? [] : [gradient]
      }),
    )
  const length = outgoingLength(model)
  const blocks = config.blocks.map(({ id }, i): Seen => {
    const gradient = gradients.get(outputs[i].id) as Tensor
    const correlation = matmul(of(id, 'mlpInput'), gradient, { transposeA: true }) // Σ n·δᵀ, [C, C]
    const hidden = gather(of(id, 'mlpHidden'), counted) // [N, M]
    const centered = subtract(hidden, mean(hidden, { axes: [0], keepDims: true }))
    const [n, m] = hidden.shape
    return {
      block: id,
      norm: normOf(`blocks.${id}.`),
      gradMax: divide(largestSingularValue(correlation), divide(1 / openness, length)),
      activity: mean(abs(hidden), { axes: [0] }),
      gram: matmul(centered, centered, m <= n ? { transposeA: true } : { transposeB: true }),
    }
  })
  return { norm: normOf(''), blocks, predicted }
}

/** Root mean square over all hidden units of the length of their outgoing weights. */
function outgoingLength({ config, parameters }: Gpt): Tensor {
  const outgoing = config.blocks.map(({ id }) => parameters.get(`blocks.${id}.mlp.down.weight`).tensor)
  const units = config.blocks.reduce((total, { mlpHidden }) => total + mlpHidden, 0)
  return divide(globalNorm(outgoing), Math.sqrt(units))
}

/** By power iteration on xᵀx, from a start that is the same every time. A scalar. */
function largestSingularValue(x: Tensor): Tensor {
  const n = x.shape[1]
  const start = new Float32Array(n)
  new RandomStream(keyFromSeed(0)).named('power iteration').fillNormal(start, 1)
  const unit = (v: Tensor): Tensor => divide(v, add(globalNorm([v]), 1e-30))
  let v = unit(x.device.tensor(start, { shape: [n, 1], dtype: 'f32' }, 'power iteration'))
  for (let i = 0; i < iterations; i++) v = unit(matmul(x, unit(matmul(x, v)), { transposeA: true }))
  return globalNorm([matmul(x, v)])
}

function dormantUnits(activity: readonly number[]): number[] {
  const average = meanOf(activity)
  return [...activity.keys()].filter((unit) => !(activity[unit] > dormantBelow * average))
}

/** Numbers of the units that are listed for every expert, of units of all experts side by side. */
function inEveryExpert(units: readonly number[], mlpHidden: number, experts: number): number[] {
  const found = new Array<number>(mlpHidden).fill(0)
  for (const unit of units) found[unit % mlpHidden]++
  return [...found.keys()].filter((unit) => found[unit] === experts)
}
