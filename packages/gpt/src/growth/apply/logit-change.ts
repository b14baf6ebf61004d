/** The effect of a growth on the function: the logits on some rows before and after. */
import { divide, exp, gather, max, scope, slice, subtract, sum, type Tensor } from '@burgeon/tensor'
import type { Gpt } from '../../gpt.ts'
import type { GptConfig } from '../../config/gpt-config.ts'

/** Predictions of a model on the rows of a probe. */
export interface ProbeLogits {
  /** Logits of the tokens that there were before, at every place that is not padding. */
  readonly old: ArrayLike<number>
  /** The largest probability of all other tokens together. */
  readonly freshShare: number
}

/**
 * The logits of the first `vocabulary` tokens, and the largest probability of all others together.
 *
 * @param probe Tokens `i32 [B, T]`; at negative ones, which are padding, nothing is looked at.
 */
export async function probeLogits(model: Gpt, probe: Tensor, vocabulary: number): Promise<ProbeLogits> {
  const tokens = await probe.read()
  const places = Array.from(tokens, (_, i) => i).filter((i) => tokens[i] >= 0)
  const { old, fresh } = scope(() => {
    const logits = logitsAt(model, probe, tokens, places)
    const rows = logits.shape[0]
    const weights = exp(subtract(logits, max(logits, { axes: [1], keepDims: true })))
    const known = sum(slice(weights, [], [rows, vocabulary]), { axes: [1] })
    return {
      old: slice(logits, [], [rows, vocabulary]),
      fresh: max(subtract(1, divide(known, sum(weights, { axes: [1] })))),
    }
  })
  using _old = old
  using _fresh = fresh
  return { old: await old.read(), freshShare: (await fresh.read())[0] }
}

function logitsAt(model: Gpt, probe: Tensor, tokens: ArrayLike<number>, places: readonly number[]): Tensor {
  if (places.length === tokens.length) return model.forward(probe)
  const { device } = model
  const read = device.tensor(
    Int32Array.from(tokens, (token) => Math.max(token, 0)),
    probe,
    'probe',
  )
  const wanted = device.tensor(places, { shape: [places.length], dtype: 'i32' }, 'probe')
  return gather(model.forward(read), wanted)
}

/** The amount that the growth itself adds to the logit of each old token. */
export function shiftsBetween(before: GptConfig, after: GptConfig): number[] {
  const { vocabulary, logitOffsets: old } = before
  return Array.from({ length: vocabulary }, (_, i) => (after.logitOffsets?.[i] ?? 0) - (old?.[i] ?? 0))
}

/** Largest difference of a logit beyond these shifts, as a share of the largest before. */
export function relativeChange(
  before: ArrayLike<number>,
  after: ArrayLike<number>,
  shifts: readonly number[],
): number {
  let [moved, largest] = [0, 0]
  for (let i = 0; i < before.length; i++) {
    const change = Math.abs(after[i] - before[i] - shifts[i % shifts.length])
    moved = change > moved || Number.isNaN(change) ? change : moved
    largest = Math.max(largest, Math.abs(before[i]))
  }
  return moved === 0 ? 0 : moved / largest
}
