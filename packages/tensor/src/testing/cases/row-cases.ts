/** Cases for the ops that work row by row: normalizations and cross-entropy, and the optimizer's update. */
import * as checks from '../../checks/checks.ts'
import type { RandomStream } from '../../random/random-stream.ts'
import { type Shape, sizeOf } from '../../shape.ts'
import type { PlainInput } from '../check-op.ts'
import { aNumber } from './attr-checks.ts'
import { chance, drawShape, drawSize, f32Input, gaussian, i32Input, pick, spread } from './draw.ts'
import type { OpCase, OpCases } from './op-case.ts'

/** Draws rows with all kinds of means and deviations; one deviation for each. */
function rows(random: RandomStream, shape: Shape): PlainInput {
  const width = shape.at(-1) as number
  let [mean, deviation] = [0, 1]
  return f32Input(shape, (i) => {
    if (i % width === 0) [mean, deviation] = [pick(random, [0, 0, 3, -50]), pick(random, [1, 1, 0.01, 20, 0])]
    return mean + deviation * random.normal()
  })
}

const rowShapes: readonly Shape[] = [
  [1],
  [17],
  [0, 5],
  [1, 1],
  [7, 1],
  [9, 2],
  [3, 65],
  [2, 3, 33],
  [65, 8],
  [2, 2, 2, 4],
  // sums along rows, and over rows, that would drift if they were not in blocks
  [2, 9001],
  [3001, 2],
]

function drawRows(random: RandomStream): number[] {
  return [...drawShape(random, random.below(4), 60), drawSize(random)]
}

function layerNorm(random: RandomStream, shape: Shape): OpCase<'layerNorm'> {
  const c = [shape.at(-1) as number]
  const epsilon = pick(random, [1e-5, 1e-3, 1e-6])
  return { inputs: [rows(random, shape), gaussian(random, c), gaussian(random, c)], attrs: { epsilon } }
}

/** Computes a statistic of every row, `[…, 1]`. */
function perRow({ shape, data }: PlainInput, statistic: (row: readonly number[]) => number): PlainInput {
  const width = shape.at(-1) as number
  const numbers = Array.from(data)
  return f32Input([...shape.slice(0, -1), 1], (i) => statistic(numbers.slice(i * width, (i + 1) * width)))
}

const meanOf = (row: readonly number[]): number => row.reduce((sum, n) => sum + n, 0) / row.length
const rsqrtOf = (row: readonly number[]): number => 1 / Math.sqrt(meanOf(row.map((n) => n * n)) + 1e-5)
const centered = (row: readonly number[]): number[] => {
  const mean = meanOf(row)
  return row.map((n) => n - mean)
}

function layerNormGrad(random: RandomStream, shape: Shape): OpCase<'layerNormGrad'> {
  const x = rows(random, shape)
  const rstd = perRow(x, (row) => rsqrtOf(centered(row)))
  const gain = gaussian(random, [shape.at(-1) as number])
  return { inputs: [spread(random, shape), x, gain, perRow(x, meanOf), rstd], attrs: {} }
}

function rmsNorm(random: RandomStream, shape: Shape): OpCase<'rmsNorm'> {
  return {
    inputs: [rows(random, shape), gaussian(random, [shape.at(-1) as number])],
    attrs: { epsilon: pick(random, [1e-5, 1e-3, 1e-6]), ...someWidth(random) },
  }
}

const aWidth = checks.number({ above: 0 })

/** Rows of half of all cases are divided by another number than their length. */
const someWidth = (random: RandomStream): { readonly width?: number } =>
  pick(random, [{}, { width: 1 + random.below(20) }])

function rmsNormGrad(random: RandomStream, shape: Shape): OpCase<'rmsNormGrad'> {
  const x = rows(random, shape)
  const gain = gaussian(random, [shape.at(-1) as number])
  return { inputs: [spread(random, shape), x, gain, perRow(x, rsqrtOf)], attrs: someWidth(random) }
}

export const layerNormCases: OpCases<'layerNorm'> = {
  attrs: { epsilon: aNumber },
  tolerance: 2,
  edges: (random) => rowShapes.map((shape) => layerNorm(random, shape)),
  draw: (random) => layerNorm(random, drawRows(random)),
}

export const layerNormGradCases: OpCases<'layerNormGrad'> = {
  attrs: {},
  tolerance: 2,
  edges: (random) => rowShapes.map((shape) => layerNormGrad(random, shape)),
  draw: (random) => layerNormGrad(random, drawRows(random)),
}

export const rmsNormCases: OpCases<'rmsNorm'> = {
  attrs: { epsilon: aNumber, width: aWidth },
  tolerance: 2,
  edges: (random) => rowShapes.map((shape) => rmsNorm(random, shape)),
  draw: (random) => rmsNorm(random, drawRows(random)),
}

export const rmsNormGradCases: OpCases<'rmsNormGrad'> = {
  attrs: { width: aWidth },
  tolerance: 2,
  edges: (random) => rowShapes.map((shape) => rmsNormGrad(random, shape)),
  draw: (random) => rmsNormGrad(random, drawRows(random)),
}

/** Kinds of rows of logits. `masked` hides some tokens, `hopeless` also the target. */
type Row = 'mild' | 'sharp' | 'masked' | 'hopeless' | 'uncounted' | 'uncounted NaN'

interface Predictions {
  readonly logits: PlainInput
  readonly targets: PlainInput
  readonly logSumExp: PlainInput
}

function predictions(random: RandomStream, n: number, v: number, kinds: readonly Row[]): Predictions {
  const kind = Array.from({ length: n }, () => pick(random, kinds))
  const target = kind.map((k) => (k.startsWith('uncounted') ? -1 - random.below(3) : random.below(v)))
  const logit = (row: number, column: number): number => {
    if (kind[row] === 'uncounted NaN') return Number.NaN
    if (kind[row] === 'hopeless' && v > 1 && column === target[row]) return -Infinity
    if (kind[row] === 'masked' && column !== target[row] && chance(random, 0.5)) return -Infinity
    return random.normal() * (kind[row] === 'sharp' ? 40 : 2)
  }
  const logits = f32Input([n, v], (i) => logit(Math.floor(i / v), i % v))
  const logSumExp = perRow(logits, (row) => {
    const top = Math.max(...row)
    return top + Math.log(row.reduce((sum, x) => sum + Math.exp(x - top), 0))
  })
  return { logits, targets: i32Input([n], (i) => target[i]), logSumExp: { ...logSumExp, shape: [n] } }
}

const rowKinds: readonly Row[] = ['mild', 'mild', 'sharp', 'masked', 'hopeless', 'uncounted', 'uncounted NaN']
const predictionSizes = [
  [0, 3],
  [1, 1],
  [9, 1],
  [1, 2],
  [5, 17],
  [33, 7],
  [3, 257],
  [65, 8],
  [2, 9001],
] as const

function crossEntropy(random: RandomStream, n: number, v: number, kinds = rowKinds): OpCase<'crossEntropy'> {
  const { logits, targets } = predictions(random, n, v, kinds)
  return { inputs: [logits, targets], attrs: {} }
}

function crossEntropyGrad(
  random: RandomStream,
  n: number,
  v: number,
  kinds = rowKinds,
): OpCase<'crossEntropyGrad'> {
  const { logits, targets, logSumExp } = predictions(random, n, v, kinds)
  return { inputs: [spread(random, [n]), logits, targets, logSumExp], attrs: {} }
}

export const crossEntropyCases: OpCases<'crossEntropy'> = {
  attrs: {},
  tolerance: 2,
  edges: (random) => [
    ...predictionSizes.map(([n, v]) => crossEntropy(random, n, v)),
    ...rowKinds.map((kind) => crossEntropy(random, 5, 9, [kind])),
  ],
  draw: (random) => crossEntropy(random, drawSize(random, 33, true), drawSize(random)),
}

export const crossEntropyGradCases: OpCases<'crossEntropyGrad'> = {
  attrs: {},
  tolerance: 2,
  edges: (random) => [
    ...predictionSizes.map(([n, v]) => crossEntropyGrad(random, n, v)),
    ...rowKinds.map((kind) => crossEntropyGrad(random, 5, 9, [kind])),
  ],
  draw: (random) => crossEntropyGrad(random, drawSize(random, 33, true), drawSize(random)),
}

/** Draws a step from moments that a run might have; `moment` and `gradient` are the deviations of m and g. */
function adamw(
  random: RandomStream,
  shape: Shape,
  moment: number,
  gradient: number,
  step: number,
): OpCase<'adamw'> {
  const m = gaussian(random, shape, moment)
  const v = f32Input(shape, (i) => m.data[i] ** 2 * (0.5 + random.uniform()))
  const weightDecay = pick(random, [0, 0.1])
  return {
    inputs: [gaussian(random, shape), gaussian(random, shape, gradient), m, v],
    attrs: { learningRate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay, step },
  }
}

export const adamwCases: OpCases<'adamw'> = {
  attrs: {
    learningRate: aNumber,
    beta1: aNumber,
    beta2: aNumber,
    epsilon: aNumber,
    weightDecay: aNumber,
    step: checks.required(checks.integer({ from: 1 })),
  },
  tolerance: 2,
  edges: (random) => [
    adamw(random, [9], 0, 1, 1),
    adamw(random, [9], 0, 0, 1),
    adamw(random, [], 1, 1, 2),
    adamw(random, [0, 3], 1, 1, 2),
    // moments that decay until they are cut to 0
    adamw(random, [33], 1e-15, 0, 500),
    adamw(random, [33], 1e-30, 0, 500),
    adamw(random, [33], 1e-30, 1e-20, 500),
    adamw(random, [65], 1e3, 1e3, 100_000),
  ],
  draw(random) {
    const shape = drawShape(random, random.below(4))
    const size = pick(random, [1, 1e-3, 1e-8])
    return adamw(random, shape, sizeOf(shape) > 0 ? size : 0, size, 1 + random.below(2000))
  },
}

function linearLoss(random: RandomStream, n: number, c: number, v: number): PlainInput[] {
  const targets = i32Input([n], () => (chance(random, 0.2) ? -1 : random.below(v)))
  // Mild logits: sharp ones are tried with `crossEntropy`.
  const numbers = (shape: readonly number[]): PlainInput =>
    f32Input(shape, () => random.normal() / Math.sqrt(Math.max(c, 1)))
  return [numbers([n, c]), numbers([v, c]), targets]
}

function linearCrossEntropyGrad(
  random: RandomStream,
  n: number,
  c: number,
  v: number,
): OpCase<'linearCrossEntropyGrad'> {
  const [x, w, targets] = linearLoss(random, n, c, v)
  const logSumExp = f32Input([n], (row) => {
    const logits = Array.from({ length: v }, (_, k) => {
      let sum = 0
      for (let i = 0; i < c; i++) sum += x.data[row * c + i] * w.data[k * c + i]
      return sum
    })
    const top = Math.max(...logits)
    return top + Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - top), 0))
  })
  return { inputs: [spread(random, [n]), x, w, targets, logSumExp], attrs: {} }
}

// The last is worked on in two pieces.
const linearLossShapes = [
  [0, 3, 4],
  [1, 1, 1],
  [5, 0, 3],
  [9, 7, 17],
  [33, 16, 40],
  [1030, 2, 3],
] as const

export const linearCrossEntropyCases: OpCases<'linearCrossEntropy'> = {
  attrs: {},
  tolerance: 4,
  edges: (random) =>
    linearLossShapes.map(([n, c, v]) => ({ inputs: linearLoss(random, n, c, v), attrs: {} })),
  draw: (random) => {
    const [n, c, v] = [drawSize(random, 33, true), drawSize(random), drawSize(random)]
    return { inputs: linearLoss(random, n, c, v), attrs: {} }
  },
}

export const linearCrossEntropyGradCases: OpCases<'linearCrossEntropyGrad'> = {
  attrs: {},
  tolerance: 4,
  edges: (random) => linearLossShapes.map(([n, c, v]) => linearCrossEntropyGrad(random, n, c, v)),
  draw: (random) =>
    linearCrossEntropyGrad(random, drawSize(random, 33, true), drawSize(random), drawSize(random)),
}
