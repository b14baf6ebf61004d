/** Exposure of secrets (Carlini et al. 2019, section 4.2): how high they rank among alternatives by likelihood. */
import type { Gpt } from '@burgeon/gpt'
import { scope } from '@burgeon/tensor'

/** Secrets of one form, behind the same words. */
export interface Secrets {
  readonly prefix: string
  readonly canaries: readonly string[]
  /** Of the same form, by chance. */
  readonly alternatives: readonly string[]
}

/** Rows of a pass. */
const together = 512

/** log₂ of the number of alternatives less log₂ of the rank, of each canary, in bits. */
export async function exposuresOf(
  model: Gpt,
  { prefix, canaries, alternatives }: Secrets,
): Promise<number[]> {
  const others = await likelihoods(model, prefix, alternatives)
  const sorted = others.toSorted()
  const own = await likelihoods(model, prefix, canaries)
  return [...own].map((likelihood) => {
    const rank = 1 + above(sorted, likelihood)
    return Math.log2(alternatives.length) - Math.log2(Math.min(rank, alternatives.length))
  })
}

/** How many of an ascending list are larger. */
function above(sorted: Float64Array, value: number): number {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (sorted[middle] <= value) low = middle + 1
    else high = middle
  }
  return sorted.length - low
}

/** Log-likelihood of each text behind the prefix, in nats. All have the same length in bytes. */
async function likelihoods(model: Gpt, prefix: string, texts: readonly string[]): Promise<Float64Array> {
  const result = new Float64Array(texts.length)
  const encoder = new TextEncoder()
  for (let at = 0; at < texts.length; at += together) {
    const rows = texts.slice(at, at + together).map((text) => [...encoder.encode(prefix + text)])
    const read = rows[0].length - 1
    const output = scope(() =>
      model.forward(
        model.device.tensor(
          rows.flatMap((row) => row.slice(0, -1)),
          { shape: [rows.length, read], dtype: 'i32' },
          'exposure',
        ),
      ),
    )
    const logits = await output.read()
    output.dispose()
    const V = model.config.vocabulary
    for (const [row, bytes] of rows.entries()) {
      for (let i = prefix.length; i < bytes.length; i++) {
        const base = (row * read + i - 1) * V
        let [top, total] = [-Infinity, 0]
        for (let v = 0; v < V; v++) top = Math.max(top, logits[base + v])
        for (let v = 0; v < V; v++) total += Math.exp(logits[base + v] - top)
        result[at + row] += logits[base + bytes[i]] - top - Math.log(total)
      }
    }
  }
  return result
}
