/** Rows with labels before them, in the places of rows without. */
import { type Device, gather, type Tensor, type TensorsByPath } from '@burgeon/tensor'
import type { Computed } from '../model/pass.ts'
import { readOf, targetsOf, type TokenBatch } from '../stream/batch.ts'
import { rowsOn } from '../stream/batch-tensors.ts'
import type { TokensBefore } from './context-labels.ts'

/** Rows of tokens with others before them. */
interface PlacedRows {
  /** Tokens that are read, `[B, T + k]`, where k is the most that stand before a row; padding ends a row. */
  readonly inputs: Int32Array
  /** What is predicted, `[B · (T + k)]`: no label, and nothing from a label that another follows. */
  readonly targets: Int32Array
  /** T + k. */
  readonly length: number
  /** Where the B·T predictions of the rows themselves are among these. */
  readonly places: Int32Array
}

/** Rows as a model reads and predicts them, `[B·T]` each. */
interface BareRows {
  readonly read: Int32Array
  readonly targets: Int32Array
  /** T. */
  readonly length: number
}

/**
 * Puts tokens before rows. A row with fewer of them than another is padded at its end, so that one without
 * any is as it was.
 */
export function placed({ read, targets: wanted, length: own }: BareRows, before: TokensBefore): PlacedRows {
  const rows = before.length
  const length = own + Math.max(...before.map((tokens) => tokens.length))
  const inputs = new Int32Array(rows * length).fill(-1)
  const targets = new Int32Array(rows * length).fill(-1)
  const places = new Int32Array(rows * own)
  before.forEach((tokens, row) => {
    const from = row * length
    const first = from + tokens.length
    inputs.set(tokens, from)
    inputs.set(read.subarray(row * own, (row + 1) * own), first)
    targets.set(wanted.subarray(row * own, (row + 1) * own), first)
    for (let t = 0; t < own; t++) places[row * own + t] = first + t
  })
  return { inputs, targets, length, places }
}

/**
 * A model as it computes the rows of a batch with tokens before them: the same outputs in the same places,
 * and those of the tokens before left out. As ever where no row has any.
 */
export function afterTokens(
  computed: Computed,
  device: Device,
  batch: TokenBatch,
  before: TokensBefore,
): Computed {
  if (before.every((tokens) => tokens.length === 0)) return computed
  const bare = { read: readOf(batch), targets: targetsOf(batch), length: batch.length }
  const { inputs, targets, length, places } = placed(bare, before)
  const read = rowsOn(device, inputs, length)
  const i32 = (numbers: Int32Array): Tensor =>
    device.tensor(numbers, { shape: [numbers.length], dtype: 'i32' }, 'context')
  const [wanted, own] = [i32(targets), i32(places)]
  const lossesOf = computed.losses?.bind(computed)
  return {
    forward: (_, weights) => gather(computed.forward(read, weights), own),
    ...(lossesOf && {
      losses: (_: Tensor, __: Tensor, weights: TensorsByPath) => gather(lossesOf(read, wanted, weights), own),
    }),
  }
}
