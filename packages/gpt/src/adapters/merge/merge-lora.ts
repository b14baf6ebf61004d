/** Makes an adapter part of the weights of its model, in such a way that it can be taken out again. */
import {
  add,
  checkArgument,
  checks,
  makeOwned,
  matmul,
  multiply,
  OptionError,
  reshape,
  sameShape,
  scope,
  type Tensor,
} from '@burgeon/tensor'
import { checkFree } from '../../growth/apply/growth-checks.ts'
import { Gpt } from '../../gpt.ts'
import { AdapterError } from '../adapter-error.ts'
import { LoraAdapter } from '../lora-adapter.ts'
import type { LoraModule } from '../lora-config.ts'
import { checkFits, pathOfA, pathOfB } from '../lora-parameters.ts'

/** The weights of a map before and after a merge; both share memory with what they are copies of. */
interface MergedWeight {
  readonly path: string
  readonly before: Tensor
  readonly after: Tensor
}

/** An adapter that is part of a model's weights; keeps the bytes that these had before. */
export class MergedLora implements Disposable {
  readonly #model: Gpt
  #weights: readonly MergedWeight[]

  /** Use `mergeLora`. */
  constructor(model: Gpt, weights: readonly MergedWeight[]) {
    this.#model = model
    this.#weights = weights
  }

  /**
   * Gives the model back the bytes that it had before the merge, every one of them. Of several merges the
   * latest is taken back first.
   *
   * @throws AdapterError if a merged weight has changed since (it has learnt, grown, or another adapter was
   *   merged), or if it was taken back already; OptionError while someone holds the model. Nothing has
   *   changed then.
   */
  async unmerge(): Promise<void> {
    const weights = this.#weights
    if (weights.length === 0) {
      throw new AdapterError('unmerge: the adapter is not merged any more; expected a merge that stands.')
    }
    checkFree('unmerge', this.#model)
    const { parameters } = this.#model
    const present = weights.map(({ path }) =>
      parameters.has(path) ? parameters.get(path).tensor : undefined,
    )
    for (const [i, { path, after }] of weights.entries()) {
      if (await isSame(present[i], after)) continue
      throw new AdapterError(
        `unmerge: got ${path} changed since the merge; expected it as the merge left it. Take back what came later first ` +
          '(unmerge, ungrow), or load a checkpoint from before.',
      )
    }
    // Another task may have learnt or grown while numbers were read.
    checkFree('unmerge', this.#model)
    const isMoved = weights.some(
      ({ path }, i) => !parameters.has(path) || parameters.get(path).tensor !== present[i],
    )
    if (isMoved)
      throw new AdapterError('unmerge: the model changed meanwhile; expected nobody else at work on it.')
    for (const { path, before } of weights) parameters.replace(path, before)
    this[Symbol.dispose]()
  }

  /** Lets go of the bytes of before: the merge stands for good. */
  [Symbol.dispose](): void {
    for (const { before, after } of this.#weights) {
      before.release()
      after.release()
    }
    this.#weights = []
  }
}

async function isSame(present: Tensor | undefined, after: Tensor): Promise<boolean> {
  if (present === undefined || !sameShape(present.shape, after.shape)) return false
  const [a, b] = [await present.read(), await after.read()]
  return a.every((number, i) => Object.is(number, b[i]))
}

/**
 * Replaces each weight W beside which the adapter stands by W + scale·A·B (Hu et al. 2022, section 4.1): the
 * model alone then computes what it computed with the adapter, up to rounding, and as fast as before.
 *
 * The bytes of before are kept, for W + scale·A·B − scale·A·B is not W: `unmerge` brings them back. The
 * adapter itself stays as it is. Checkpoints of the model have the merged weights alone.
 *
 * @throws AdapterError for an adapter that does not fit the model or has been disposed, OptionError while
 *   someone holds the model: nothing has changed then.
 * @example
 * ```ts
 * const merged = mergeLora(model, LoraAdapter.create(model, { rank: 4 }))
 * await merged.unmerge()
 * ```
 */
export function mergeLora(model: Gpt, adapter: LoraAdapter): MergedLora {
  checkArgument('mergeLora', 'model', model, checks.instance('a Gpt', Gpt))
  checkArgument('mergeLora', 'adapter', adapter, checks.instance('a LoraAdapter', LoraAdapter))
  checkFits('mergeLora', adapter.config, model.config)
  if (adapter.parameters.size === 0) {
    throw new OptionError('mergeLora: got an adapter that has been disposed; expected one with weights.')
  }
  checkFree('mergeLora', model)
  const { parameters } = model
  const weights: MergedWeight[] = []
  const copy = (tensor: Tensor): Tensor => makeOwned(() => reshape(tensor, tensor.shape))
  try {
    for (const module of adapter.config.modules) {
      for (const map of module.maps) {
        const path = `${map}.weight`
        const { tensor } = parameters.get(path)
        const after = makeOwned(() => mergedWeight(tensor, adapter, module, map))
        weights.push({ path, before: copy(tensor), after })
      }
    }
  } catch (error) {
    new MergedLora(model, weights)[Symbol.dispose]()
    throw error
  }
  for (const { path, after } of weights) scope(() => parameters.replace(path, reshape(after, after.shape)))
  return new MergedLora(model, weights)
}

function mergedWeight(weight: Tensor, { weights }: LoraAdapter, module: LoraModule, map: string): Tensor {
  const { rank, scale } = module
  const [a, b] = [weights[pathOfA(module)], weights[pathOfB(map)]]
  const product = matmul(reshape(a, [a.size / rank, rank]), reshape(b, [rank, b.size / rank]))
  return add(weight, reshape(multiply(product, scale), weight.shape))
}
