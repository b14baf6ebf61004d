/**
 * Gradient episodic memory (Lopez-Paz & Ranzato 2017, eq. 8–12): the step is the nearest to the gradient that
 * raises the loss of no remembered domain.
 */
import { checkOptions, checks, concatenate, matmul, add, OptionError, type Tensor } from '@burgeon/tensor'
import { type Batch, joinBatches, rowsBetween } from '../stream/batch.ts'
import { flatRow, fromFlatRow } from './flat-gradients.ts'
import { nonNegativeMinimum } from './non-negative-quadratic.ts'
import { aRowMemory, ofMemory, type Projection, type RowMemory } from './projection.ts'

/** What GEM compares with. */
export interface GemOptions {
  /**
   * Where the rows come from, such as `reservoirReplay({ capacity: 200 })`; the `domains` of its rows tell
   * what must not get worse. The projection fills it, and saves it; give it to nothing else.
   */
  readonly memory: RowMemory
  /**
   * Remembered rows whose gradients are taken in every step, of all domains; a positive integer. Default 64.
   */
  readonly rows?: number
  /**
   * Added to the multiplier of every domain where a step is changed, ≥ 0: it then leans towards what makes
   * old domains better (section 3). Default 0.
   */
  readonly margin?: number
}

/**
 * Keeps a step from raising the loss of any remembered domain to first order: with the gradients of K domains
 * as the rows of G, g̃ = g + Gᵀv, where v minimizes ½·vᵀGGᵀv + (Gg)ᵀv over v ≥ 0. The domain that is being
 * learnt is one of them, and asks for nothing that the gradient does not do by itself.
 *
 * What growth adds is protected with its first step: remembered rows have gradients by new weights, too.
 *
 * It costs a forward and backward pass for each domain, and reads K² numbers, so it works on devices that can
 * be read at once.
 *
 * @throws OptionError on others when a gradient comes; take `aGem` there.
 */
export function gem(options: GemOptions): Projection {
  checkOptions('gem', options, {
    memory: checks.required(aRowMemory),
    rows: checks.integer({ from: 1 }),
    margin: checks.number({ from: 0 }),
  })
  const { memory, rows = 64, margin = 0 } = options
  return {
    name: `GEM by ${rows} rows of ${memory.name}${margin === 0 ? '' : `, margin ${margin}`}`,
    ...ofMemory(memory),
    transform(gradients, { gradientOn }) {
      const old = gradientOn === undefined ? null : memory.sample(rows)
      if (gradientOn === undefined || old === null) return gradients
      const references = byDomain(old).map((own) => gradientOn(own))
      const paths = Object.keys(gradients).filter((path) =>
        references.every((own) => Object.hasOwn(own, path)),
      )
      if (paths.length === 0) return gradients
      const g = flatRow(gradients, paths)
      requireReadable(g)
      const all = concatenate(
        references.map((own) => flatRow(own, paths)),
        0,
      ) // [K, N]
      const products = numbersOf(matmul(all, concatenate([all, g], 0), { transposeB: true })) // [K, K + 1]
      if (!products.some((row) => row[references.length] < 0)) return gradients
      const v = multipliersOf(products)
      const weights = g.device.tensor(
        v.map((x) => x + margin),
        { shape: [1, v.length], dtype: 'f32' },
      )
      return { ...gradients, ...fromFlatRow(add(g, matmul(weights, all)), paths, gradients) }
    },
  }
}

/**
 * v of the least ½·vᵀGGᵀv + (Gg)ᵀv, by the products of each row of G with all of them, and with g. A domain
 * counts by the direction of its gradient, so that rounding treats large and small ones alike.
 */
function multipliersOf(products: readonly (readonly number[])[]): number[] {
  const norms = products.map((row, i) => Math.sqrt(row[i]))
  const some = norms.flatMap((norm, i) => (norm > 0 ? [i] : []))
  const found = nonNegativeMinimum(
    some.map((i) => some.map((j) => products[i][j] / norms[i] / norms[j])),
    some.map((i) => products[i][products.length] / norms[i]),
  )
  const v = new Array<number>(products.length).fill(0)
  some.forEach((i, k) => {
    v[i] = found[k] / norms[i]
  })
  return v
}

/** The rows of each domain, in the order in which the domains come up. */
function byDomain(batch: Batch): Batch[] {
  const { domains } = batch
  return [...new Set(domains)].map((domain) => {
    const own = domains.flatMap((name, i) => (name === domain ? [rowsBetween(batch, i, i + 1)] : []))
    return joinBatches(own)
  })
}

function requireReadable({ device }: Tensor): void {
  if (device.readsAtOnce) return
  throw new OptionError(
    `gem: got gradients on ${device.name}, whose numbers cannot be read at once; expected another device. ` +
      'aGem, which compares with one gradient, needs to read none.',
  )
}

function numbersOf(matrix: Tensor): number[][] {
  const [rows, columns] = matrix.shape
  const numbers = [...matrix.readSync()]
  return Array.from({ length: rows }, (_, i) => numbers.slice(i * columns, (i + 1) * columns))
}
