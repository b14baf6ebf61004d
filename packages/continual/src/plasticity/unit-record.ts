/** Numbers of every hidden unit, which follow growth. */
import {
  type Check,
  checks,
  checkState,
  InternalError,
  type Mirror,
  type ParameterStore,
  type Plan,
  StateError,
} from '@burgeon/tensor'
import type { HiddenLayer } from '../model/hidden/hidden-layers.ts'
import { entriesOf } from '../saved-state.ts'

/** Numbers of the units of one layer, one for each unit under each name. */
export type UnitNumbers<Name extends string> = Readonly<Record<Name, readonly number[]>>

/**
 * A mirror of numbers by unit. What growth adds, and what splits off, begins at 0; what it drops is
 * forgotten, and begins at 0 when it is brought back.
 */
export class UnitRecord<Name extends string> implements Mirror {
  readonly name: string
  readonly #names: readonly Name[]
  /** By the path of the incoming weights, whose columns are the units. */
  #layers = new Map<string, UnitNumbers<Name>>()

  constructor(name: string, names: readonly Name[]) {
    this.name = name
    this.#names = names
  }

  /** The numbers of a layer; zeros before they were set. */
  of({ name, incoming, size }: HiddenLayer): UnitNumbers<Name> {
    const own = this.#layers.get(incoming) ?? this.#made(() => new Array<number>(size).fill(0))
    const lost = this.#names.find((what) => own[what].length !== size)
    if (lost === undefined) return own
    throw new InternalError(
      `${this.name}: has the ${lost} of ${own[lost].length} units of ${name}; expected ${size}. Did it follow growth?`,
    )
  }

  set({ incoming }: HiddenLayer, numbers: UnitNumbers<Name>): void {
    this.#layers.set(incoming, numbers)
  }

  /** Forgets all numbers. */
  clear(): void {
    this.#layers = new Map()
  }

  #made(numbersOf: (name: Name) => readonly number[]): UnitNumbers<Name> {
    return Object.fromEntries(this.#names.map((name) => [name, numbersOf(name)])) as UnitNumbers<Name>
  }

  remap({ changes }: Plan): () => void {
    const next = new Map(this.#layers)
    for (const change of changes) {
      const own = this.#layers.get(change.path)
      if (own === undefined) continue
      if (change.kind === 'remove') next.delete(change.path)
      if (change.kind !== 'resize') continue
      // Its last dimension is that of the units.
      const { source } = change.dimensions[change.dimensions.length - 1]
      const isFirst = source.map((from, i) => from >= 0 && source.indexOf(from) === i)
      next.set(
        change.path,
        this.#made((name) => source.map((from, i) => (isFirst[i] ? own[name][from] : 0))),
      )
    }
    return () => {
      this.#layers = next
    }
  }

  async keep(): Promise<Readonly<Record<string, never>>> {
    return {}
  }

  toState(): readonly (readonly [incoming: string, numbers: UnitNumbers<Name>])[] {
    return [...this.#layers]
  }

  /**
   * Looks at a state, and returns what takes it. Throws StateError for one that is damaged, or of layers of
   * other sizes.
   */
  restored(kind: string, state: unknown, parameters: ParameterStore): () => void {
    const ofLayer: Check<UnitNumbers<Name>> = {
      expected: `numbers called ${this.#names.join(', ')}`,
      accepts: (value): value is UnitNumbers<Name> => {
        const lists = this.#names.map((name) => (value as Readonly<Record<string, unknown>> | null)?.[name])
        const sizes = new Set(lists.map((list) => (Array.isArray(list) ? list.length : -1)))
        return sizes.size === 1 && lists.every((list) => someNumbers.accepts(list))
      },
    }
    const { layers } = checkState<{ layers: ReturnType<UnitRecord<Name>['toState']> }>(
      kind,
      { layers: state },
      { layers: entriesOf('numbers by layer', ofLayer) },
    )
    if (new Set(layers.map(([name]) => name)).size < layers.length) {
      throw new StateError(`${kind}: the saved state has a layer twice; expected each once.`)
    }
    for (const [path, numbers] of layers) {
      const size = parameters.has(path) ? parameters.get(path).tensor.shape.at(-1) : 0
      const { length } = numbers[this.#names[0]]
      if (length === size) continue
      throw new StateError(
        `${kind}: the saved state has ${length} units by ${path}, and the model ${size}; expected the same model.`,
      )
    }
    return () => {
      this.#layers = new Map(layers)
    }
  }
}

const someNumbers = checks.list('a list of numbers', checks.number())
