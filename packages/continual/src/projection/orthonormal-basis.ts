/** An orthonormal basis of some directions, made when it is needed and forgotten when they change. */
import {
  assign,
  elementwise,
  expression,
  fill,
  matmul,
  type Mirror,
  scope,
  square,
  subtract,
  sum,
  type Tensor,
  type TensorMirror,
  type TensorsByPath,
} from '@burgeon/tensor'
import { flatRow, fromFlatRow } from './flat-gradients.ts'

const { constant, divide, input, less, multiply, select, sqrt } = expression
// inputs: what is left of a direction, the square of its norm, and that of the whole direction's
const unit = select(
  less(multiply(constant(1e-8), input(2)), input(1)),
  divide(input(0), sqrt(input(1))),
  constant(0),
)

/**
 * The span of some directions as `f32 [K, N]` of orthonormal rows, by Gram and Schmidt, each row twice:
 * once is not enough where directions are much alike (Giraud, Langou & Rozložník 2005). A direction that
 * depends on those before it, to a ten-thousandth of its norm, becomes a row of zeros.
 *
 * It is a mirror for what it takes of memory, and for growth to drop it.
 */
export class OrthonormalBasis implements Mirror {
  readonly name: string
  readonly bytesPerParameter: number
  #rows: Tensor | undefined
  #key = ''

  /** @param bytesPerParameter Bytes for each weight once all directions are there. */
  constructor(name: string, bytesPerParameter: number) {
    this.name = name
    this.bytesPerParameter = bytesPerParameter
  }

  get bytes(): number {
    return this.#rows?.storage.bytes ?? 0
  }

  /**
   * What is left of gradients without their part in the span of directions.
   *
   * @param paths Of gradients that some direction has, too.
   */
  without(
    gradients: TensorsByPath,
    paths: readonly string[],
    directions: readonly TensorMirror[],
  ): Record<string, Tensor> {
    const key = paths.join('\n')
    if (this.#rows === undefined || key !== this.#key) {
      const rows = scope(() => orthonormal(gradients, paths, directions)).retain()
      this.drop()
      this.#rows = rows
      this.#key = key
    }
    const rows = this.#rows
    const g = flatRow(gradients, paths)
    return fromFlatRow(subtract(g, matmul(along(g, rows), rows)), paths, gradients)
  }

  /** Forgets the basis: the directions are others. */
  drop(): void {
    this.#rows?.release()
    this.#rows = undefined
  }

  remap(): () => void {
    return () => this.drop()
  }

  /** Returns nothing: the basis can be made again. */
  keep(): Promise<Record<string, never>> {
    return Promise.resolve({})
  }

  dispose(): void {
    this.drop()
  }
}

/** The products of a vector `[1, N]` with each row, `[1, K]`. */
const along = (x: Tensor, rows: Tensor): Tensor => matmul(x, rows, { transposeB: true })

function orthonormal(
  like: TensorsByPath,
  paths: readonly string[],
  directions: readonly TensorMirror[],
): Tensor {
  const { device } = like[paths[0]]
  const count = paths.reduce((n, path) => n + like[path].size, 0)
  const rows = fill(device, [directions.length, count], 0)
  directions.forEach((direction, k) => {
    scope(() => {
      const own = paths.map((path) => [path, direction.get(path) ?? fill(device, like[path].shape, 0)])
      const whole = flatRow(Object.fromEntries(own) as TensorsByPath, paths)
      const left = [1, 2].reduce((x) => subtract(x, matmul(along(x, rows), rows)), whole)
      assign(rows, elementwise(unit, [left, sum(square(left)), sum(square(whole))]), [k, 0])
    })
  })
  return rows
}
