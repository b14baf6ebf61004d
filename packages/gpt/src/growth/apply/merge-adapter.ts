/** Makes an adapter part of the weights that it stands beside. */
import {
  add,
  applyPlan,
  checkArgument,
  checks,
  matmul,
  type Mirror,
  multiply,
  OptionError,
  reshape,
  type Plan,
  scope,
  type Tensor,
  TensorMirror,
} from '@burgeon/tensor'
import type { Gpt } from '../../gpt.ts'
import type { AdapterConfig, BlockConfig } from '../../config/gpt-config.ts'
import { isAdapter } from '../../config/parameters.ts'
import { growthOf } from '../../growth-access.ts'
import { blockOf, withoutAdapter } from '../changes/block-edits.ts'
import { specsOf } from '../changes/parameter-changes.ts'
import { aGpt, checkFree, someMirrors } from './growth-checks.ts'

/** Record of a merge. */
export interface MergeRecord {
  readonly summary: string
  readonly parametersBefore: number
  readonly parametersAfter: number
}

/**
 * Replaces each weight W of a block by W + scale·A·B (Hu et al. 2022, section 4.1) and takes its adapter
 * away. The function stays up to rounding. It cannot be taken back, for W + scale·A·B − scale·A·B is not W to
 * the byte; nor can the growth of the adapter any more.
 *
 * What is kept of values (anchors, moving averages) is merged with its own A and B, so that it belongs to the
 * weight as a whole; an adapter that was not there when it was kept counts for nothing. Moments and
 * importance of W stay: its gradient is the same.
 *
 * @param block Its id.
 * @param mirrors All state that must follow.
 * @throws OptionError if there is no such block, if it has no adapter, or while someone holds the model:
 *   nothing has changed then.
 */
export function mergeAdapter(model: Gpt, block: string, mirrors: readonly Mirror[]): MergeRecord {
  checkArgument('mergeAdapter', 'model', model, aGpt)
  checkArgument('mergeAdapter', 'block', block, checks.text)
  checkArgument('mergeAdapter', 'mirrors', mirrors, someMirrors)
  checkFree('mergeAdapter', model)
  const { config, parameters } = model
  const { adapter, ...without } = blockOf('addAdapter', config, block)
  if (adapter === undefined) {
    throw new OptionError(`mergeAdapter: block ${block} has no adapter; expected one.`)
  }
  const parametersBefore = parameters.size
  const summary = `block ${block}: adapter of rank ${adapter.rank} merged`
  const removed = adapterPaths(model, without)
  const kept = mirrors.filter((mirror) => mirror instanceof TensorMirror && mirror.role === 'value')
  scope(() => {
    const weights = mergedWeights(removed, adapter, (path) => parameters.get(path).tensor)
    const copies = (kept as TensorMirror[]).map(
      (mirror) => [mirror, mergedWeights(removed, adapter, (path) => mirror.get(path))] as const,
    )
    const changes = removed.map((path) => ({ kind: 'remove', path }) as const)
    const plan: Plan = { summary, key: [0, 0], changes }
    applyPlan(plan, parameters, mirrors, model.device)
    for (const [path, tensor] of weights) parameters.replace(path, tensor)
    for (const [mirror, tensors] of copies) for (const [path, tensor] of tensors) mirror.set(path, tensor)
  })
  growthOf(model).reconfigure(withoutAdapter(config, block))
  const record = { summary, parametersBefore, parametersAfter: parameters.size }
  growthOf(model).log({ kind: 'adapter merged', block, ...record }, Infinity)
  return record
}

/** Paths of all adapters of a block, A and B by turns. */
function adapterPaths({ config }: Gpt, { id }: BlockConfig): string[] {
  return [...specsOf(config, id, 'attention'), ...specsOf(config, id, 'mlp')]
    .map(({ path }) => path)
    .filter(isAdapter)
}

/** The weights that are known together with their A and B, by path. */
function mergedWeights(
  adapters: readonly string[],
  { rank, scale }: AdapterConfig,
  known: (path: string) => Tensor | undefined,
): Map<string, Tensor> {
  const merged = new Map<string, Tensor>()
  for (const path of adapters) {
    const [at, which] = path.split('.adapter.')
    const [weight, a, b] = [`${at}.weight`, `${at}.adapter.a.weight`, `${at}.adapter.b.weight`].map(known)
    if (which !== 'a.weight' || !weight || !a || !b) continue
    const product = matmul(reshape(a, [a.size / rank, rank]), reshape(b, [rank, b.size / rank]))
    merged.set(`${at}.weight`, add(weight, reshape(multiply(product, scale), weight.shape)))
  }
  return merged
}
