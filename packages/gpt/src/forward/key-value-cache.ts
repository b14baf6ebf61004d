/** Keys and values of the tokens a model has already read, so that generation computes each token once. */
import { checkArgument, checks, Device, fill, OptionError, makeOwned, type Tensor } from '@burgeon/tensor'
import type { GptConfig } from '../config/gpt-config.ts'

/**
 * Room for the whole context. Belongs to one model at one size: when that has grown, `isFor` says so, and
 * whoever reads into the cache begins a new one with the tokens it had read, as `generate` does. After
 * learning without growth it goes on: what was read is remembered as it was understood then.
 */
export class KeyValueCache implements Disposable {
  /** Tokens held. */
  length = 0
  readonly #config: GptConfig
  readonly #blocks: ReadonlyMap<string, { readonly keys: Tensor; readonly values: Tensor }>

  /** @param batch Sequences that are read side by side, a positive integer. */
  constructor(config: GptConfig, device: Device, batch = 1) {
    const aConfig = checks.role<GptConfig>('a configuration of gptConfig', 'context', 'blocks')
    checkArgument('KeyValueCache', 'config', config, aConfig)
    checkArgument('KeyValueCache', 'device', device, checks.instance('a Device', Device))
    checkArgument('KeyValueCache', 'batch', batch, checks.integer({ from: 1 }))
    this.#config = config
    this.#blocks = new Map(
      config.blocks.map(({ id, kvHeads, headDim }) => {
        const room = (): Tensor => makeOwned(() => fill(device, [batch, config.context, kvHeads, headDim], 0))
        return [id, { keys: room(), values: room() }]
      }),
    )
  }

  /** Returns whether a model still has the size that this was made for. */
  isFor(config: GptConfig): boolean {
    return config === this.#config
  }

  /** Throws OptionError if the model has grown, or shrunk, since. */
  check(config: GptConfig): void {
    if (this.isFor(config)) return
    throw new OptionError(
      'cache: got one from before the model grew; expected one of its present size. Read the tokens into a new one.',
    )
  }

  /** Keys and values of a block, `[B, context, kvHeads, D]` each; the first `length` positions are filled. */
  of(block: string): { readonly keys: Tensor; readonly values: Tensor } {
    checkArgument('KeyValueCache: of', 'block', block, checks.text)
    const found = this.#blocks.get(block)
    if (found === undefined) throw new OptionError(`cache: got block ${block}; expected one of its model.`)
    return found
  }

  [Symbol.dispose](): void {
    for (const { keys, values } of this.#blocks.values()) {
      keys.release()
      values.release()
    }
  }
}
