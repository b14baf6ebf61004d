import {
  add,
  assign,
  type Device,
  elementwise,
  expression,
  type Mirror,
  normScale,
  makeOwned,
  scope,
  type Tensor,
} from '@burgeon/tensor'

const { constant, input, less, scalar, select } = expression
const isSkipped = select(less(input(0), scalar(0)), constant(0), constant(1))

/**
 * Counts on the device, which need not be waited for, the steps whose gradients were too large or no numbers.
 */
export class SkippedSteps implements Mirror {
  readonly name: string
  #count: Tensor | undefined

  constructor(name: string) {
    this.name = name
  }

  /**
   * Takes a step into the count.
   *
   * @param scaledNorm `normScale` times the norm of all its gradients; shape [].
   * @param largest From which norm on a step counts as skipped.
   */
  note(scaledNorm: Tensor, largest: number): void {
    const count = this.#on(scaledNorm.device)
    // No norm of finite numbers is as large as the other limit, and shaders know no infinity.
    const limit = Math.min(largest * normScale, 2 ** 120)
    scope(() => assign(count, add(count, elementwise(isSkipped, [scaledNorm], [limit]))))
  }

  /** Steps since it was made. */
  async read(): Promise<number> {
    return this.#count === undefined ? 0 : (await this.#count.read())[0]
  }

  remap(): () => void {
    return () => {}
  }

  keep(): Promise<Record<string, never>> {
    return Promise.resolve({})
  }

  dispose(): void {
    this.#count?.release()
    this.#count = undefined
  }

  #on(device: Device): Tensor {
    if (this.#count?.device === device) return this.#count
    this.dispose()
    const count = makeOwned(() => device.tensor([0], { shape: [], dtype: 'f32' }, this.name))
    this.#count = count
    return count
  }
}
