/**
 * Text to learn character by character: the same batches for every method of one seed, and text that is never
 * learnt.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TokenBatch, batchOfTokens, joinBatches } from '@burgeon/continual'
import type { Gpt } from '@burgeon/gpt'
import { keyFromSeed, mean, RandomStream, scope, type Tensor } from '@burgeon/tensor'
import { UsageError } from '../benchmark.ts'

/** Sizes of a batch. */
export interface Course {
  readonly vocabulary: number
  readonly rows: number
  readonly length: number
  readonly seed: number
  readonly learnt: Int32Array
  readonly heldOut: Int32Array
}

/**
 * Reads `tinyshakespeare.txt`; the last tenth is held out. Characters are numbered in order of their code.
 */
export function readCourse(folder: string | undefined, rows: number, length: number, seed: number): Course {
  if (folder === undefined)
    throw new UsageError('growth: got no --data DIR; expected a folder with tinyshakespeare.txt.')
  const path = join(folder, 'tinyshakespeare.txt')
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw new UsageError(`growth: cannot read ${path}; expected the text there.`, { cause: error })
  }
  const characters = [...new Set(text)].toSorted()
  const number = new Map(characters.map((character, i) => [character, i]))
  const tokens = Int32Array.from(text, (character) => number.get(character) ?? 0)
  const end = Math.floor(0.9 * tokens.length)
  return {
    vocabulary: characters.length,
    ...{ rows, length, seed },
    learnt: tokens.subarray(0, end),
    heldOut: tokens.subarray(end),
  }
}

/** Inputs `i32 [rows, length]` and targets `i32 [rows·length]` on the model's device. */
export interface PlacedRows {
  readonly tokens: Tensor
  readonly targets: Tensor
}

/** The batch of a step, counted from 0; the same whatever has been asked before. */
export function batchOf(course: Course, step: number, { device }: Gpt): PlacedRows {
  return placed(course.learnt, startsOf(course, step), course.length, device)
}

/** The same batch, for a learner. */
export function rowsOf(course: Course, step: number): TokenBatch {
  const { learnt, length } = course
  const rows = startsOf(course, step).map((start) =>
    batchOfTokens(learnt.subarray(start, start + length + 1), length, 'Shakespeare'),
  )
  return joinBatches(rows)
}

function startsOf({ rows, length, learnt, seed }: Course, step: number): number[] {
  const random = new RandomStream(keyFromSeed(seed)).named(`batch ${step}`)
  return Array.from({ length: rows }, () => random.below(learnt.length - length - 1))
}

/** Mean loss on held-out text, in nats per character: the same rows each time, spread evenly over it. */
export function heldOutLoss(course: Course, model: Gpt): number {
  const { length, heldOut } = course
  const [batches, rows] = [4, 32]
  const stride = Math.floor((heldOut.length - length - 1) / (batches * rows))
  const losses = Array.from({ length: batches }, (_, batch) =>
    scope(() => {
      const starts = Array.from({ length: rows }, (__, row) => (batch * rows + row) * stride)
      const { tokens, targets } = placed(heldOut, starts, length, model.device)
      return mean(model.losses(tokens, targets)).item()
    }),
  )
  return losses.reduce((a, b) => a + b) / batches
}

function placed(
  text: Int32Array,
  starts: readonly number[],
  length: number,
  device: Gpt['device'],
): PlacedRows {
  const [rows, next] = [0, 1].map((shift) => {
    const all = new Int32Array(starts.length * length)
    starts.forEach((start, row) =>
      all.set(text.subarray(start + shift, start + shift + length), row * length),
    )
    return all
  })
  return {
    tokens: device.tensor(rows, { shape: [starts.length, length], dtype: 'i32' }),
    targets: device.tensor(next, { shape: [next.length], dtype: 'i32' }),
  }
}
