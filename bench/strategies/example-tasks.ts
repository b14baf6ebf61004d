/** Two tasks of a classifier: clusters of points with the same labels in both, around other centers. */
import {
  classifier,
  type DenseNetwork,
  denseFromState,
  type DenseState,
  evaluateExamples,
  type ExampleBatch,
  Learner,
  type LearnerState,
  widenHidden,
} from '@burgeon/continual'
import { keyFromSeed, multiply, RandomStream, scope } from '@burgeon/tensor'
import { openWasm } from '@burgeon/tensor/wasm'
import type { Task, Tasks } from './two-tasks.ts'

const [rowsOfStep, hidden, classes] = [16, 24, 4]
/** Numbers of a row. */
const featuresOf = (isLarger = false): number => (isLarger ? 13 : 10)
/** Hidden units that are left where most die. */
const unitsLeft = 2

/** What has a number for each unit, by path, and the shape in which they lie along it. */
const shapesByUnit = (units: number): Readonly<Record<string, readonly number[]>> => ({
  'layers.0.weight': [1, units],
  'layers.0.bias': [units],
  'layers.1.weight': [units, 1],
})

/** Rows of a task, drawn by a seed; those of seed 0 are never learnt. */
function rowsOf(task: Task, rows: number, seed: number, features: number): ExampleBatch {
  const at = new RandomStream(keyFromSeed(7)).named(task)
  const centers = Array.from({ length: classes * features }, () => at.normal())
  const random = new RandomStream(keyFromSeed(seed)).named(task)
  const targets = Float32Array.from({ length: rows }, () => random.below(classes))
  const inputs = Float32Array.from({ length: rows * features }, (_, i) => {
    const center = targets[Math.floor(i / features)] * features + (i % features)
    return centers[center] + 0.5 * random.normal()
  })
  return { rows, inputs, targets, domains: new Array<string>(rows).fill(task) }
}

export function exampleTasks(): Tasks<DenseNetwork> {
  const device = openWasm({ threads: 1 })
  return {
    rate: 0.1,
    born: ({ seed, isLarger = false }) =>
      classifier({
        ...{ inputs: featuresOf(isLarger), hidden: [isLarger ? hidden + 8 : hidden], classes },
        ...{ initial: 'he', seed, device },
      }),
    fromState: (state, parts) =>
      Learner.fromState(state as LearnerState<DenseState>, {
        ...parts,
        modelFromState: (saved) => denseFromState(saved, device),
      }),
    batchAt: (task, step, { seed, isLarger }) =>
      rowsOf(task, rowsOfStep, 10_000 * seed + step + 1, featuresOf(isLarger)),
    lossOf: async (model, task, { isLarger }) =>
      (await evaluateExamples(model, rowsOf(task, 300, 0, featuresOf(isLarger)))).loss,
    async widen(model, mirrors, how, key) {
      const [now] = model.sizes.hidden
      await widenHidden(model, { layer: 0, to: now + hidden / 4, how }, { mirrors, key: keyFromSeed(key) })
    },
    killUnits({ parameters }) {
      const [units] = parameters.get('layers.0.bias').tensor.shape
      const left = Array.from({ length: units }, (_, unit) => (unit < unitsLeft ? 1 : 0))
      scope(() => {
        for (const [path, shape] of Object.entries(shapesByUnit(units))) {
          const alive = device.tensor(left, { shape, dtype: 'f32' })
          parameters.replace(path, multiply(parameters.get(path).tensor, alive))
        }
      })
    },
  }
}
