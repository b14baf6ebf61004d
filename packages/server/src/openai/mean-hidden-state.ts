/** What a text is to a model, as one vector. */
import type { Gpt } from '@burgeon/gpt'
import { mean, scope, type Tensor } from '@burgeon/tensor'

/**
 * Mean over the tokens of the residual stream above the last block, divided by its length: `[embed]`. Texts
 * that a model takes alike lie close.
 */
export async function meanHiddenState(model: Gpt, tokens: Int32Array): Promise<Float32Array> {
  const last = model.config.blocks.at(-1)?.id
  using state = scope((): Tensor => {
    const inputs = model.device.tensor(tokens, { shape: [1, tokens.length], dtype: 'i32' }, 'text')
    const seen: Tensor[] = []
    model.forward(inputs, undefined, {
      observe: (block, what, x) => {
        if (block === last && what === 'output') seen.push(mean(x, { axes: [0] }))
      },
    })
    return seen[0]
  })
  const found = Float32Array.from(await state.read())
  const length = Math.hypot(...found)
  return length === 0 ? found : found.map((x) => x / length)
}
