/**
 * Averaged gradient episodic memory (Chaudhry et al. 2019, eq. 11): where the gradient g of a step would
 * raise the loss of remembered rows, whose gradient is r, the step takes g − (g·r/r·r)·r.
 */
import { checkOptions, checks, elementwise, expression, matmul } from '@burgeon/tensor'
import { flatRow, fromFlatRow } from './flat-gradients.ts'
import { aRowMemory, ofMemory, type Projection, type RowMemory } from './projection.ts'

/** What A-GEM compares with. */
export interface AGemOptions {
  /**
   * Where the rows come from, such as `reservoirReplay({ capacity: 200 })`. The projection fills it, and
   * saves it; give it to nothing else.
   */
  readonly memory: RowMemory
  /** Remembered rows whose gradient is taken in every step; a positive integer. Default 64. */
  readonly rows?: number
}

const { constant, divide, input, maximum, minimum, multiply, subtract } = expression
// inputs: g, r, g·r, r·r; where r is 0, so is what is taken away
const projected = subtract(
  input(0),
  multiply(divide(minimum(input(2), constant(0)), maximum(input(3), constant(2 ** -126))), input(1)),
)

/**
 * Keeps a step from raising the mean loss of remembered rows to first order, at the price of one more forward
 * and backward pass over `rows` of them. Nothing is read back from the device.
 *
 * What growth adds is protected with its first step: remembered rows have a gradient by new weights, too.
 *
 * Before the first row is remembered, and where the two gradients agree, gradients pass as they are.
 */
export function aGem(options: AGemOptions): Projection {
  checkOptions('aGem', options, {
    memory: checks.required(aRowMemory),
    rows: checks.integer({ from: 1 }),
  })
  const { memory, rows = 64 } = options
  return {
    name: `A-GEM by ${rows} rows of ${memory.name}`,
    ...ofMemory(memory),
    transform(gradients, { gradientOn }) {
      const old = gradientOn === undefined ? null : memory.sample(rows)
      if (gradientOn === undefined || old === null) return gradients
      const reference = gradientOn(old)
      const paths = Object.keys(gradients).filter((path) => Object.hasOwn(reference, path))
      if (paths.length === 0) return gradients
      const [g, r] = [gradients, reference].map((tensors) => flatRow(tensors, paths))
      const [gr, rr] = [g, r].map((x) => matmul(x, r, { transposeB: true }))
      return { ...gradients, ...fromFlatRow(elementwise(projected, [g, r, gr, rr]), paths, gradients) }
    },
  }
}
