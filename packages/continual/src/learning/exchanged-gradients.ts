/** The gradients of a step that several machines take together, or one in parts. */
import { globalNorm, scope, type Tensor, type TensorsByPath } from '@burgeon/tensor'
import { type GradientExchange, meanGradients, type PartGradients } from '../exchange/gradient-exchange.ts'
import { type Batch, partsOf } from '../stream/batch.ts'
import { joinArrays } from '../stream/join-arrays.ts'
import type { LearningParts } from './learning-parts.ts'
import { type Gradients, lossAndGradients } from './loss-and-gradients.ts'

/** What is read of a part: losses, and outputs where a part of the learner uses them. */
interface Shown {
  readonly losses: Float32Array
  readonly logits: Float32Array | null
  readonly counted: readonly number[]
  readonly length: number
}

/**
 * The same as `lossAndGradients`, with the mean gradients of all machines; losses and outputs are of the
 * own rows. The tensors belong to the caller.
 */
export async function exchangedGradients(
  parts: LearningParts,
  exchange: GradientExchange,
  weights: TensorsByPath,
  batch: Batch,
): Promise<Gradients> {
  const { model, lossScale } = parts
  const own: PartGradients[] = []
  const shown: Shown[] = []
  for (const rows of partsOf(batch, exchange.parts ?? 1)) {
    const taken = scope(() => lossAndGradients(parts, weights, rows, rows))
    const { gradient, losses, logits, counted, length } = taken
    try {
      own.push({ gradients: await readAll(gradient), counted: counted.length })
      const outputs = logits ? Float32Array.from(await logits.read()) : null
      shown.push({ losses: Float32Array.from(await losses.read()), logits: outputs, counted, length })
    } finally {
      for (const tensor of [
        ...Object.values(gradient),
        losses,
        taken.gradientNorm,
        ...(logits ? [logits] : []),
      ]) {
        tensor.dispose()
      }
    }
  }
  const context = { step: parts.step, weights: () => readAll(weights) }
  const mean = meanGradients(await exchange.exchange(own, context))
  const { device } = model
  return scope(() => {
    const of = (data: Float32Array, shape: readonly number[]): Tensor =>
      device.tensor(data, { shape, dtype: 'f32' })
    const gradient = Object.fromEntries(
      Object.entries(mean).map(([path, data]) => [path, of(data, weights[path].shape)]),
    )
    const losses = joined(shown.map((each) => each.losses))
    const norm = globalNorm(Object.values(gradient))
    const outputs = shown.flatMap(({ logits }) => logits ?? [])
    return {
      gradient,
      losses: of(losses, [losses.length]),
      length: shown[0].length,
      counted: countedIn(shown),
      ...(outputs.length > 0 && {
        logits: of(joined(outputs), [losses.length, joined(outputs).length / losses.length]),
      }),
      penalties: {},
      gradientNorm: lossScale?.unscaled(norm) ?? norm,
    }
  })
}

const joined = (arrays: readonly Float32Array[]): Float32Array => joinArrays(Float32Array, arrays)

/** The predictions that count, by their place among those of all parts. */
function countedIn(shown: readonly Shown[]): number[] {
  let before = 0
  return shown.flatMap(({ losses, counted }) => {
    const from = before
    before += losses.length
    return counted.map((i) => from + i)
  })
}

async function readAll(tensors: TensorsByPath): Promise<Record<string, Float32Array>> {
  const entries = Object.entries(tensors).map(
    async ([path, tensor]) => [path, Float32Array.from(await tensor.read())] as const,
  )
  return Object.fromEntries(await Promise.all(entries))
}
