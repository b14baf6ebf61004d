/** Maximally interfered retrieval (Aljundi et al. 2019, algorithm 1, ER-MIR). */
import { valueAndGrad } from '@burgeon/autograd'
import { checkOptions, checks, elementwise, expression, scope, type TensorsByPath } from '@burgeon/tensor'
import type { RecallContext } from '../../journal/step-context.ts'
import { meanLossOf } from '../../model/pass.ts'
import type { Batch } from '../../stream/batch.ts'
import type { Retrieval } from './retrieval.ts'

/** How many rows are looked at, and how far the step that is tried goes. */
export interface InterferenceOptions {
  /** Rows drawn from memory, of which the worst hit are learnt, ≥ 1. Default 50. */
  readonly candidates?: number
  /** Rate of the step of plain gradient descent on the new rows that is tried, > 0. Default 0.1. */
  readonly rate?: number
}

/** w − rate·g. */
const descended = expression.subtract(
  expression.input(0),
  expression.multiply(expression.scalar(0), expression.input(1)),
)

/**
 * Draws some rows from memory and chooses those whose loss would rise most by a step on the new rows alone.
 * That costs a backward pass over the new rows and two forward passes over the candidates in every step;
 * nothing where there are no more candidates than rows to choose.
 *
 * @throws OptionError for options outside their ranges.
 */
export function interference(options: InterferenceOptions = {}): Retrieval {
  checkOptions('interference', options, {
    candidates: checks.integer({ from: 1 }),
    rate: checks.number({ above: 0 }),
  })
  const { candidates = 50, rate = 0.1 } = options
  return {
    name: `interference among ${candidates}, rate ${rate}`,
    async choose(count, { size, drawPlaces, batchOf }, context) {
      const places = drawPlaces(Math.min(size, Math.max(count, candidates)))
      if (places.length <= count) return places
      const rises = await risesOf(batchOf(places), context, rate)
      const order = places.map((_, i) => i).toSorted((a, b) => rises[b] - rises[a])
      return order.slice(0, count).map((i) => places[i])
    },
  }
}

/** How much the mean loss of each row would rise by a step on the new rows. */
async function risesOf(
  rows: Batch,
  { fresh, weights, predict }: RecallContext,
  rate: number,
): Promise<number[]> {
  const { before, after, tensors } = scope(() => {
    const [ofFresh, ofRows] = [predict(fresh), predict(rows)]
    const { gradient } = valueAndGrad((w: TensorsByPath) => meanLossOf(ofFresh(w)))(weights)
    const moved = Object.fromEntries(
      Object.entries(weights).map(([path, w]) => [path, elementwise(descended, [w, gradient[path]], [rate])]),
    )
    const { losses, tensors: own } = ofRows(weights)
    return {
      before: losses,
      after: ofRows(moved).losses,
      tensors: { counted: own.counted, length: own.length },
    }
  })
  try {
    const [first, second] = [await before.read(), await after.read()]
    const { counted, length } = tensors
    const [rises, counts] = [new Float64Array(rows.rows), new Float64Array(rows.rows)]
    for (const i of counted) {
      rises[Math.floor(i / length)] += second[i] - first[i]
      counts[Math.floor(i / length)]++
    }
    return Array.from(rises, (rise, row) => rise / counts[row])
  } finally {
    before.dispose()
    after.dispose()
  }
}
