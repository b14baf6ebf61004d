/** Keys and values of the tokens a model has already read, so that generation computes each token once. */
import { type Device, fill, owned, type Tensor } from '@burgeon/tensor'
import type { GptConfig } from './gpt-config.ts'

/** Room for the whole context. Belongs to one model at one size: after growth start a new one. */
export class KeyValueCache implements Disposable {
  /** Tokens held. */
  length = 0
  readonly #blocks: ReadonlyMap<string, { readonly keys: Tensor; readonly values: Tensor }>

  constructor(config: GptConfig, device: Device, batch = 1) {
    this.#blocks = new Map(
      config.blocks.map(({ id, kvHeads, headDim }) => {
        const room = (): Tensor => owned(() => fill(device, [batch, config.context, kvHeads, headDim], 0))
        return [id, { keys: room(), values: room() }]
      }),
    )
  }

  /** Keys and values of a block, `[B, context, kvHeads, D]` each; the first `length` positions are filled. */
  of(block: string): { readonly keys: Tensor; readonly values: Tensor } {
    const found = this.#blocks.get(block)
    if (found === undefined)
      throw new RangeError(`cache: no block ${block}; the model grew since. Start a new cache.`)
    return found
  }

  [Symbol.dispose](): void {
    for (const { keys, values } of this.#blocks.values()) {
      keys.release()
      values.release()
    }
  }
}
