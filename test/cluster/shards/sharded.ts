/** Models in stages beside the same models as a whole. */
import { pullBack, recordTape } from '@burgeon/autograd'
import { applyUpdates, type GradientTransform } from '@burgeon/autograd/optim'
import {
  localLink,
  type RowsOfTokens,
  ShardedModel,
  type ShardedModelOptions,
  stagesOf,
  StageWorker,
  type StageWorkerOptions,
} from '@burgeon/cluster'
import type { Gpt } from '@burgeon/gpt'
import {
  add,
  divide,
  fill,
  globalNorm,
  multiply,
  type RandomStream,
  scope,
  sum,
  type Tensor,
} from '@burgeon/tensor'

/** Rows of random tokens; the last ends early. */
export function rowsOf({ config }: Pick<Gpt, 'config'>, random: RandomStream, rows: number): RowsOfTokens {
  const length = config.context
  const tokens = Int32Array.from({ length: rows * (length + 1) }, () => random.below(config.vocabulary))
  tokens.fill(-1, tokens.length - 2)
  return { rows, length, tokens }
}

/** Stages of a model in this process, and the model that they make. */
export async function sharded(
  model: Gpt,
  stages: number,
  optimizer: () => GradientTransform,
  options: ShardedModelOptions & { readonly worker?: Omit<StageWorkerOptions, 'optimizer'> } = {},
): Promise<{ readonly model: ShardedModel; readonly workers: readonly StageWorker[]; dispose(): void }> {
  const { worker, ...own } = options
  const workers = stagesOf(model, stages).map(
    (stage) => new StageWorker(stage, { ...worker, optimizer: optimizer() }),
  )
  return {
    model: await ShardedModel.connect(workers.map(localLink), own),
    workers,
    dispose: () => workers.forEach((each) => each.dispose()),
  }
}

/** Weights of all stages by path; of a table that two hold the last one's. */
export async function weightsOf(workers: readonly StageWorker[]): Promise<Record<string, number[]>> {
  const all: Record<string, number[]> = {}
  for (const { stage } of workers) {
    for (const { path, tensor } of stage.parameters) all[path] = [...(await tensor.read())]
  }
  return all
}

/** What a step of the whole model comes to. */
export interface WholeOutcome {
  readonly loss: number
  readonly losses: number[]
  readonly norm: number
}

/** One step of the whole model: gradients of so many micro-batches added up in order, clipped, and an update. */
export function wholeStep(
  model: Gpt,
  optimizer: GradientTransform,
  step: number,
  { rows, length, tokens }: RowsOfTokens,
  { parts = 1, clip = Infinity }: { readonly parts?: number; readonly clip?: number } = {},
): WholeOutcome {
  const { device } = model
  const counted = rowsBetween(tokens, rows, length, 0, rows).targets.filter((token) => token >= 0).length
  return scope(() => {
    const weights = model.parameters.tensors()
    const sums: Record<string, Tensor> = {}
    const losses: number[] = []
    let loss = 0
    for (let part = 0; part < parts; part++) {
      const [from, to] = [Math.floor((part * rows) / parts), Math.floor(((part + 1) * rows) / parts)]
      const { input, targets } = rowsBetween(tokens, rows, length, from, to)
      const read = device.tensor(input, { shape: [to - from, length], dtype: 'i32' })
      const next = device.tensor(targets, { shape: [targets.length], dtype: 'i32' })
      const own: Tensor[] = []
      using recorded = recordTape(Object.values(weights), () => {
        own.push(model.losses(read, next, weights))
        return divide(sum(own[0]), counted)
      })
      const gradients = pullBack(recorded.tape, [recorded.result], [fill(device, [], 1)])
      loss += recorded.result.readSync()[0]
      losses.push(...own[0].readSync())
      for (const [path, tensor] of Object.entries(weights)) {
        const gradient = gradients.get(tensor.id) ?? fill(device, tensor.shape, 0)
        sums[path] = Object.hasOwn(sums, path) ? add(sums[path], gradient) : gradient
      }
    }
    const norm = globalNorm(Object.values(sums)).readSync()[0]
    const factor = norm > clip ? clip / norm : 1
    const clipped = Object.fromEntries(Object.entries(sums).map(([path, x]) => [path, multiply(x, factor)]))
    applyUpdates(weights, optimizer.transform(factor === 1 ? sums : clipped, { parameters: weights, step }))
    return { loss, losses, norm }
  })
}

function rowsBetween(tokens: Int32Array, rows: number, length: number, from: number, to: number) {
  const cut = (shift: number): Int32Array =>
    Int32Array.from({ length: (to - from) * length }, (_, i) => {
      const [row, t] = [from + Math.floor(i / length), i % length]
      return row < rows ? tokens[row * (length + 1) + t + shift] : 0
    })
  return { input: cut(0).map((token) => Math.max(0, token)), targets: cut(1) }
}

/** Largest difference of two lists, by the largest number of the first. */
export function apart(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [difference, size] = [a.length === b.length ? 0 : Infinity, 1e-30]
  for (let i = 0; i < a.length; i++) {
    difference = Math.max(difference, Math.abs(a[i] - b[i]))
    size = Math.max(size, Math.abs(a[i]))
  }
  return difference / size
}
