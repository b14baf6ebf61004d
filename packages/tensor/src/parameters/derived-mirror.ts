/**
 * Copies of parameters in another form: rounded, quantized, transposed. After growth they are derived anew.
 */
import * as checks from '../checks/checks.ts'
import { checkArgument } from '../checks/check-options.ts'
import { scope } from '../scope.ts'
import type { Tensor } from '../tensor.ts'
import type { Mirror } from './mirror.ts'
import { ParameterStore, type TensorsByPath } from './parameter.ts'
import type { Plan } from './plan.ts'

/**
 * One tensor per parameter that follows from it, such as its weights rounded to eight bits. After growth it
 * is derived anew, because rounding scales change with the numbers.
 *
 * @example
 * ```ts
 * const halves = new DerivedMirror('half', (weight) => multiply(weight, 0.5))
 * halves.refresh(model.parameters) // after learning; growth, and undoing it, refresh what they touch
 * ```
 */
export class DerivedMirror implements Mirror {
  readonly name: string
  readonly piecewise = true
  readonly #derive: (parameter: Tensor, path: string) => Tensor | null
  readonly #tensors = new Map<string, Tensor>()

  /** @param derive Makes a new tensor of any shape; returns null for a parameter that needs none. */
  constructor(name: string, derive: (parameter: Tensor, path: string) => Tensor | null) {
    checkArgument('DerivedMirror', 'name', name, checks.text)
    checkArgument('DerivedMirror', 'derive', derive, checks.callback())
    this.name = name
    this.#derive = derive
  }

  /** Returns the tensor of a path; undefined before `refresh`, and for parameters that need none. */
  get(path: string): Tensor | undefined {
    return this.#tensors.get(path)
  }

  get bytes(): number {
    return [...this.#tensors.values()].reduce((total, { storage }) => total + storage.bytes, 0)
  }

  /** Derives every tensor from the present weights. */
  refresh(parameters: ParameterStore): void {
    checkArgument(
      'DerivedMirror.refresh',
      'parameters',
      parameters,
      checks.instance('a ParameterStore', ParameterStore),
    )
    scope(() => {
      const tensors = parameters.tensors()
      const fresh = Object.keys(tensors).map((path) => [path, this.#derive(tensors[path], path)] as const)
      this.dispose()
      for (const [path, tensor] of fresh) this.#put(path, tensor)
    })
  }

  remap({ changes }: Plan, after: TensorsByPath): () => void {
    // Before the first `refresh` no tensor exists that must follow.
    if (this.#tensors.size === 0) return () => {}
    const fresh = changes.map(({ kind, path }) => {
      const tensor = kind === 'remove' ? null : scope(() => this.#derive(after[path], path))
      return [path, tensor] as const
    })
    return () => {
      for (const [path, tensor] of fresh) this.#put(path, tensor)
    }
  }

  /** Returns nothing: dropped numbers can be derived again. */
  keep(): Promise<Record<string, never>> {
    return Promise.resolve({})
  }

  dispose(): void {
    for (const path of this.#tensors.keys()) this.#put(path, null)
  }

  #put(path: string, tensor: Tensor | null): void {
    const before = this.#tensors.get(path)
    if (tensor === null) this.#tensors.delete(path)
    else this.#tensors.set(path, tensor.retain())
    before?.release()
  }
}
