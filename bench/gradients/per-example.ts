/**
 * `npm run bench -- per-example`: gradients squared example by example, beside one ordinary gradient of all
 * examples.
 */
import { grad, sumOfSquaredGradients } from '@burgeon/autograd'
import { Gpt } from '@burgeon/gpt'
import {
  add,
  crossEntropy,
  type Device,
  openScope,
  scope,
  slice,
  square,
  sum,
  type Tensor,
  type TensorsByPath,
} from '@burgeon/tensor'
import { openWasm } from '@burgeon/tensor/wasm'
import { atMost, type Benchmark, type BenchmarkRow } from '../benchmark.ts'
import { batchOf, inTurn, median, timesAsFast, type TrainingCase } from '../peers/peer.ts'

const full: TrainingCase = {
  name: 'tiny, bytes',
  ...{ layers: 4, heads: 4, embed: 128, context: 64, batch: 64, vocabulary: 256 },
}

interface Task {
  readonly weights: TensorsByPath
  /** The summed loss of sequences `from` to `to − 1`. */
  readonly loss: (w: TensorsByPath, from: number, to: number) => Tensor
}

/** The summed gradient of all sequences, and Σₙ (∇ lossₙ)² in one pass: at most three times the cost. */
export const perExample: Benchmark = async ({ quick, note }) => {
  const sizes = quick ? { ...full, layers: 2, batch: 16 } : full
  const { layers, embed, context, batch } = sizes
  const device = openWasm()
  const task = taskOf(sizes, device)
  note('checking against one sequence at a time')
  const difference = differenceFromLoop(task, batch)

  const timed = (name: string, run: () => Readonly<Record<string, Tensor>>) => ({
    name,
    measure: (): Promise<number> => {
      using _ = openScope()
      const start = performance.now()
      // Reading waits for everything before it.
      run()['embed.token.weight'].readSync()
      return Promise.resolve(performance.now() - start)
    },
  })
  const contestants = [
    timed('one gradient of the sum', () => grad((w: TensorsByPath) => task.loss(w, 0, batch))(task.weights)),
    timed('squared gradients', () => squaresOf(task, batch)),
    timed('squared gradients, in a loop', () => squaresInLoop(task, batch)),
  ]
  note('timing')
  await inTurn(contestants) // until everything is warm
  const [one, squares, loop] = await inTurn(contestants)
  const ratio = timesAsFast(one, squares)
  const name = `${batch} sequences of ${context}, ${layers} layers of ${embed}`
  const rows = [one, squares, loop].map((each): BenchmarkRow => {
    return { case: name, metric: each.name, value: median(each.times), unit: 'ms' }
  })
  return {
    rows: [
      ...rows,
      { case: name, metric: 'loop over one pass', value: timesAsFast(squares, loop), unit: '×' },
    ],
    checks: [
      atMost('largest difference from a loop over sequences, relative', difference, 1e-5),
      atMost('squared gradients over one gradient, median of rounds', ratio, 3),
    ],
  }
}

function taskOf(sizes: TrainingCase, device: Device): Task {
  const { vocabulary, context, embed, heads, layers, batch } = sizes
  const model = Gpt.create({ vocabulary, context, embed, heads, layers }, { device, seed: 1 })
  const { tokens, targets } = batchOf(0, sizes)
  const x = device.tensor(tokens, { shape: [batch, context], dtype: 'i32' })
  const y = device.tensor(targets, { shape: [batch * context], dtype: 'i32' })
  return {
    weights: model.parameters.tensors(),
    loss: (w, from, to) =>
      sum(crossEntropy(model.forward(slice(x, [from], [to]), w), slice(y, [from * context], [to * context]))),
  }
}

const squaresOf = ({ weights, loss }: Task, batch: number): TensorsByPath =>
  sumOfSquaredGradients((w: TensorsByPath) => loss(w, 0, batch), { examples: batch })(weights).squares

function squaresInLoop({ weights, loss }: Task, batch: number): TensorsByPath {
  const squaresOfOne = (n: number): TensorsByPath =>
    scope(() => {
      const gradients = grad((w: TensorsByPath) => loss(w, n, n + 1))(weights)
      return Object.fromEntries(Object.entries(gradients).map(([path, gradient]) => [path, square(gradient)]))
    })
  let total = squaresOfOne(0)
  for (let n = 1; n < batch; n++) {
    const before = total
    total = scope(() => {
      const more = squaresOfOne(n)
      return Object.fromEntries(Object.entries(before).map(([path, sum_]) => [path, add(sum_, more[path])]))
    })
    for (const tensor of Object.values(before)) tensor.dispose()
  }
  return total
}

/** Largest difference of any parameter's squares, as a share of that parameter's largest. */
function differenceFromLoop(task: Task, batch: number): number {
  using _ = openScope()
  const [got, expected] = [squaresOf(task, batch), squaresInLoop(task, batch)]
  const apart = Object.keys(expected)
    // The gradient of a key's bias is 0 but for rounding.
    .filter((path) => !path.endsWith('key.bias'))
    .map((path) => {
      const [a, b] = [got[path], expected[path]].map((tensor) => Float64Array.from(tensor.readSync()))
      const largest = b.reduce((most, value) => Math.max(most, value), 0)
      return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0) / largest
    })
  return Math.max(...apart)
}
