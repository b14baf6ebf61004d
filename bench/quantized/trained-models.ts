/** The two trained models that are packed, with text to round by and text to judge by. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { adamw, chain, clipByGlobalNorm } from '@burgeon/autograd/optim'
import { Learner } from '@burgeon/continual'
import { Gpt, isDecayed, type QuantizedGpt } from '@burgeon/gpt'
import { fromPretrained } from '@burgeon/gpt/node'
import { type Device, mean, scope } from '@burgeon/tensor'
import { UsageError } from '../benchmark.ts'
import { readCourse, rowsOf } from '../growth/course.ts'

/** A model, and rows of tokens: some for error feedback, others that judge. */
export interface TrainedModel {
  readonly name: string
  readonly model: Gpt
  readonly calibration: readonly Int32Array[]
  readonly judged: readonly Int32Array[]
}

/**
 * Small stories of stories260K, which are its own: written from nothing at temperature 1. On such text the loss
 * rises by the divergence of the packed model from its model, whatever was rounded.
 */
export async function storyTeller(folder: string, device: Device, count: number): Promise<TrainedModel> {
  const places = ['stories260K', '../models/stories260K'].map((each) => join(folder, each))
  const place = places.find((each) => existsSync(join(each, 'config.json')))
  if (place === undefined) {
    throw new UsageError(`quantized: found no stories260K; expected the folder as ${places.join(' or ')}.`)
  }
  const model = await fromPretrained(place, { device })
  const write = async (first: number, rows: number): Promise<Int32Array[]> => {
    const starts = Array.from({ length: rows }, () => [1])
    const texts = await model.generate(starts, { tokens: 255, seed: first })
    return texts.map(({ tokens }) => Int32Array.from([1, ...tokens]))
  }
  const [calibration, judged] = [await write(1000, 4 * count), await write(1, 2 * count)]
  return { name: 'stories260K', model, calibration, judged }
}

const length = 128

/** A model of ours that has learnt Shakespeare character by character, on all but the last tenth. */
export async function shakespearean(
  folder: string,
  device: Device,
  { steps, rows }: { readonly steps: number; readonly rows: number },
): Promise<TrainedModel> {
  const course = readCourse(folder, 12, length, 1)
  const sizes = { embed: 128, heads: 4, layers: 4, positions: 'rotary', activation: 'swiglu' } as const
  const model = Gpt.create({ ...sizes, vocabulary: course.vocabulary, context: length }, { device, seed: 1 })
  const learningRate = (step: number): number =>
    2e-3 * Math.min(1, (step + 1) / 50, Math.max(0.1, (steps - step) / (0.5 * steps)))
  const optimizer = chain(
    clipByGlobalNorm(1),
    adamw({ learningRate, beta2: 0.99, weightDecay: 0.1, decays: isDecayed }),
  )
  const learner = new Learner({ model, optimizer, seed: 1 })
  for (let step = 0; step < steps; step++) await learner.observe(rowsOf(course, step))
  learner.dispose()
  const cut = (text: Int32Array, count: number): Int32Array[] => {
    const stride = Math.floor((text.length - length - 1) / count)
    return Array.from({ length: count }, (_, i) => text.subarray(i * stride, i * stride + length))
  }
  return {
    ...{ name: 'four layers on Shakespeare', model },
    calibration: cut(course.learnt, rows),
    judged: cut(course.heldOut, 2 * rows),
  }
}

/** Mean loss of rows of equal length, in nats per token. */
export function lossOn(model: Gpt | QuantizedGpt, rows: readonly Int32Array[]): number {
  const batch = 8
  let total = 0
  for (let at = 0; at < rows.length; at += batch) {
    const some = rows.slice(at, at + batch)
    total += scope(() => {
      const T = some[0].length - 1
      const [read, next] = [0, 1].map((shift) => some.flatMap((row) => [...row.subarray(shift, shift + T)]))
      const tokens = model.device.tensor(read, { shape: [some.length, T], dtype: 'i32' })
      const targets = model.device.tensor(next, { shape: [next.length], dtype: 'i32' })
      return mean(model.losses(tokens, targets)).item() * some.length
    })
  }
  return total / rows.length
}
