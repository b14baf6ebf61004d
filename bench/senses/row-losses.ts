/** What a model pays for a row. */
import type { TokenBatch } from '@burgeon/continual'
import type { Gpt } from '@burgeon/gpt'
import { scope } from '@burgeon/tensor'

/** Nats of each token of a single row but the first. */
export function lossesOf(model: Gpt, { tokens, length }: TokenBatch): Float32Array {
  const { device } = model
  return scope(() => {
    const read = device.tensor(tokens.subarray(0, length), { shape: [1, length], dtype: 'i32' })
    const targets = device.tensor(tokens.subarray(1), { shape: [length], dtype: 'i32' })
    return Float32Array.from(model.losses(read, targets).readSync())
  })
}
