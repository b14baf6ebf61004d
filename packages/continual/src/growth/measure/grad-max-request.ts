/**
 * New units of an MLP whose outgoing weights are such that the incoming ones have the largest gradient
 * (GradMax, Evci et al. 2022, eq. 6–8).
 */
import { pullBack, recordTape } from '@burgeon/autograd'
import { Gpt, type ObservedActivation } from '@burgeon/gpt'
import { holdModel, planGrowth, type WidenMlp } from '@burgeon/gpt/growth'
import {
  checkArgument,
  checks,
  checkOptions,
  divide,
  elementwise,
  expression,
  fill,
  globalNorm,
  keyFromSeed,
  matmul,
  multiply,
  OptionError,
  RandomStream,
  scope,
  std,
  type Tensor,
  tensorsIn,
} from '@burgeon/tensor'
import { meanLossOf } from '../../model/pass.ts'
import { aTokenBatch, type TokenBatch } from '../../stream/batch.ts'
import { batchTensors } from '../../stream/batch-tensors.ts'
import { orthonormalRows } from './orthonormal-rows.ts'

/** Rounds of the subspace iteration. */
const rounds = 16
/** Deviation of new weights where old ones are all alike. */
const usualDeviation = 0.02

const { constant, input, multiply: times, sigmoid } = expression
const silu = times(input(0), sigmoid(input(0)))
// inputs: numbers of deviation 1, the deviation of old ones
const asSpread = times(
  input(0),
  expression.select(expression.less(constant(0), input(1)), input(1), constant(usualDeviation)),
)
const atLeastTiny = expression.maximum(input(0), constant(2 ** -100))

/** Which block is to have how many units. */
export interface GradMaxOptions {
  /** Id of a block with one MLP. */
  readonly block: string
  /** Units afterwards; more than now. Under GELU at most `embed` more: there are no more directions. */
  readonly to: number
}

/**
 * Measures the outgoing weights of new units, and returns the request that gives a block such units. With n
 * what goes into the MLP and δ the gradient of the loss by what comes out, by token, the gradient of the
 * incoming weights of a unit with outgoing weights v is ½·Σ n·δᵀ·v, for GELU rises by ½ at 0. Over f
 * orthogonal v of one length it is largest along the first f singular vectors of Σ n·δᵀ. With `swiglu` each
 * new unit has a random gate g, and v is the first singular vector of its own Σ silu(n·g)·n·δᵀ. The length of
 * v is that of present units.
 *
 * @param batch At least one prediction; a few rows that are to be learnt.
 * @throws OptionError for a block that is not there or has experts, or a number of units that cannot be.
 * @example
 * ```ts
 * const text = new TextEncoder().encode('What is missing?')
 * const request = await gradMaxRequest(model, batchOfTokens(text, 8, 'text'), { block: 'b0', to: 80 })
 * await grow(model, request, { mirrors: [], key: [1, 2] })
 * ```
 */
export async function gradMaxRequest(
  model: Gpt,
  batch: TokenBatch,
  options: GradMaxOptions,
): Promise<WidenMlp> {
  checkArgument('gradMaxRequest', 'model', model, checks.instance('a Gpt', Gpt))
  checkArgument('gradMaxRequest', 'batch', batch, aTokenBatch)
  checkOptions('gradMaxRequest', options, {
    block: checks.required(checks.text),
    to: checks.required(checks.integer({ from: 1 })),
  })
  const { block, to } = options
  if (!model.config.blocks.some(({ id }) => id === block)) {
    const known = model.config.blocks.map(({ id }) => id).join(', ')
    throw new OptionError(`gradMaxRequest: got block ${block}; expected one of ${known}.`)
  }
  const request = { kind: 'widenMlp', block, to, how: 'gradMax' } as const
  const { config } = planGrowth(model.config, request, [0, 0])
  const { embed, activation } = config
  const unitsOf = ({ blocks }: Gpt['config']): number => blocks.find(({ id }) => id === block)?.mlpHidden ?? 0
  const count = unitsOf(config) - unitsOf(model.config)
  const isGated = activation === 'swiglu'
  if (!isGated && count > embed) {
    throw new OptionError(
      `gradMaxRequest: got to = ${to} for block ${block}, which are ${count} new units; expected at most ${embed} new ones, ` +
        'as many as there are directions.',
    )
  }
  using _ = holdModel(model)
  const random = new RandomStream(keyFromSeed(0)).named('grad max').named(block)
  const seen = scope(() => look(model, batch, block, isGated ? count : 0, random))
  try {
    // Units with gates of their own may have one direction in common.
    const together = isGated ? embed : count * embed
    const madeUnit = (rows: ArrayLike<number>): number[] =>
      Array.from({ length: (count * embed) / together }, (__, i) => {
        const own = Array.from({ length: together }, (___, j) => rows[i * together + j])
        return [...orthonormalRows(own, embed, random)]
      }).flat()
    let directions = madeUnit(Array.from({ length: count * embed }, () => random.normal()))
    for (let round = 0; round < rounds; round++) {
      using next = scope(() => improved(model, seen, directions, count))
      directions = madeUnit(await next.read())
    }
    const [length] = await seen.length.read()
    const scale = length > 0 ? length : usualDeviation * Math.sqrt(embed)
    const outgoing = directions.map((x) => Math.fround(x * scale))
    return { ...request, outgoing, ...(seen.gate && { gate: Array.from(await seen.gate.read()) }) }
  } finally {
    for (const tensor of tensorsIn(seen)) tensor.dispose()
  }
}

interface Seen {
  /** What goes into the MLP, `[N, C]`. */
  readonly inputs: Tensor
  /** Gradient of the loss by what comes out of it, `[N, C]`. */
  readonly gradients: Tensor
  /** Root mean square of the lengths of present outgoing weights. */
  readonly length: Tensor
  /** Gates of new units, `[C, F]`, and what they let through, `[N, F]`; none where there are no gates. */
  readonly gate?: Tensor
  readonly open?: Tensor
}

function look(model: Gpt, batch: TokenBatch, block: string, gates: number, random: RandomStream): Seen {
  const { device, parameters } = model
  const weights = parameters.tensors()
  const own = batchTensors(device, batch)
  const seen = new Map<ObservedActivation, Tensor>()
  const observe = (id: string, what: ObservedActivation, x: Tensor): void => {
    if (id === block) seen.set(what, x)
  }
  const of = (what: ObservedActivation): Tensor => seen.get(what) as Tensor
  using recorded = recordTape(Object.values(weights), () =>
    meanLossOf({ losses: model.losses(own.inputs, own.targets, weights, { observe }), tensors: own }),
  )
  const output = of('mlpOutput')
  const pulled = pullBack(recorded.tape, [recorded.result], [fill(device, [], 1)], [output])
  const down = weights[`blocks.${block}.mlp.down.weight`]
  const found = {
    inputs: multiply(of('mlpInput'), 1),
    gradients: pulled.get(output.id) as Tensor,
    length: divide(globalNorm([down]), Math.sqrt(down.shape[0])),
  }
  if (gates === 0) return found
  const old = weights[`blocks.${block}.mlp.gate.weight`]
  const [C] = old.shape
  const numbers = new Float32Array(C * gates)
  random.fillNormal(numbers, 1)
  const gate = elementwise(asSpread, [device.tensor(numbers, { shape: [C, gates], dtype: 'f32' }), std(old)])
  return { ...found, gate, open: elementwise(silu, [matmul(found.inputs, gate)]) }
}

/** One round of the power iteration of each row of `directions`: M·Mᵀ's share of it, `[F, C]`. */
function improved(
  { device }: Gpt,
  { inputs, gradients, open }: Seen,
  directions: readonly number[],
  count: number,
): Tensor {
  const [, C] = inputs.shape
  const through = (x: Tensor): Tensor => (open === undefined ? x : multiply(x, open))
  const v = device.tensor(directions, { shape: [count, C], dtype: 'f32' })
  const learnt = matmul(inputs, through(matmul(gradients, v, { transposeB: true })), { transposeA: true }) // [C, F]
  const size = globalNorm([learnt])
  const unit = divide(learnt, elementwise(atLeastTiny, [size]))
  return matmul(through(matmul(inputs, unit)), gradients, { transposeA: true })
}
