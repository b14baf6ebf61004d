/** Growth of a dense network in a learner: with a record, and taken back if it moved the outputs. */
import { type GrowthPrice, GrowthRefusedError } from '@burgeon/gpt/growth'
import { applyPlan, scope } from '@burgeon/tensor'
import type { Batch } from '../stream/batch.ts'
import { batchTensors } from '../stream/batch-tensors.ts'
import type { DenseNetwork } from './dense-network.ts'
import type { DenseSizes } from './dense-sizes.ts'
import type { HiddenRequest } from './hidden-request.ts'
import { widenHidden, type WidenOptions } from './widen-hidden.ts'

/** Record of a growth of a dense network. Plain data. */
export interface NetworkGrowth {
  readonly summary: string
  readonly request: HiddenRequest
  readonly parametersBefore: number
  readonly parametersAfter: number
  /** Cost of the network before and after. */
  readonly price: GrowthPrice
  /** How long it took; absent without a clock. */
  readonly milliseconds?: number
  /** Largest absolute difference of an output on the probe, divided by the largest absolute output. */
  readonly logitsMoved: number
  readonly configBefore: DenseSizes
}

/** Mirrors that follow, the price, and rows by which the growth is judged. */
export interface NetworkGrowthOptions extends WidenOptions {
  readonly price: GrowthPrice
  /** Rows on which the outputs are compared before and after. */
  readonly probe: Batch
  readonly now?: () => number
}

/** Largest relative change of the outputs: rounding moves them by less. */
const tolerance = 1e-5

/**
 * Grows a network in place.
 *
 * @throws OptionError as `widenHidden`; GrowthRefusedError, after undoing it, if the outputs moved too far.
 */
export async function growNetwork(
  model: DenseNetwork,
  request: HiddenRequest,
  { mirrors, key, price, probe, now }: NetworkGrowthOptions,
): Promise<NetworkGrowth> {
  const start = now?.()
  const [configBefore, parametersBefore] = [model.sizes, model.parameters.size]
  const before = await outputsOf(model, probe)
  const undo = await widenHidden(model, request, { mirrors, key })
  const logitsMoved = relativeChange(before, await outputsOf(model, probe))
  if (!(logitsMoved <= tolerance)) {
    applyPlan(undo, model.parameters, mirrors, model.device)
    throw new GrowthRefusedError(
      `growth: the outputs moved by ${logitsMoved.toExponential(1)}; expected at most ${tolerance.toExponential(1)}. It has been undone.`,
    )
  }
  const { layer, to, how = 'fresh' } = request
  return {
    summary: `hidden layer ${layer}: ${configBefore.hidden[layer]} → ${to} units (${how})`,
    request,
    parametersBefore,
    parametersAfter: model.parameters.size,
    price,
    ...(now !== undefined && start !== undefined && { milliseconds: now() - start }),
    logitsMoved,
    configBefore,
  }
}

async function outputsOf(model: DenseNetwork, probe: Batch): Promise<ArrayLike<number>> {
  using outputs = scope(() => model.forward(batchTensors(model.device, probe, model.predicts).inputs))
  return await outputs.read()
}

/** Outputs of classes that cannot be meant lie below; they would hide every change of the others. */
const meant = -1e8

function relativeChange(before: ArrayLike<number>, after: ArrayLike<number>): number {
  let [moved, largest] = [0, 0]
  for (let i = 0; i < before.length; i++) {
    if (before[i] < meant) continue
    const change = Math.abs(after[i] - before[i])
    moved = change > moved || Number.isNaN(change) ? change : moved
    largest = Math.max(largest, Math.abs(before[i]))
  }
  return moved === 0 ? 0 : moved / largest
}
