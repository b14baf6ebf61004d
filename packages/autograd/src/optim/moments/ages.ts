/** The age of each part of each parameter: growth gives a parameter parts of different age. */
import {
  checks,
  type Device,
  type DimensionMap,
  maximum,
  minimum,
  type Mirror,
  ParameterError,
  type ParameterStore,
  type Plan,
  StateError,
  type Tensor,
} from '@burgeon/tensor'

/** The ages of one parameter in one step, in steps, this one included. */
export interface Age {
  /** Age of its oldest part, from 1; of all of it where `along` is empty. */
  readonly oldest: number
  /**
   * Axes along which ages differ, with the age of every index. An element is as old as the youngest of its
   * indices.
   */
  readonly along: readonly AxisAges[]
}

/** The age of every index of one axis. */
export interface AxisAges {
  readonly axis: number
  readonly ages: readonly number[]
}

/**
 * Steps of a parameter, and at which of them each index was born, by axis; null where all were born with it.
 */
interface Life {
  readonly steps: number
  readonly births: readonly (readonly number[] | null)[]
}

/** A life as it was before something of it was dropped, and how many steps it counted `after` that. */
type KeptLife = Life & { readonly after: number }

/** Births do not change; the steps since are counted. */
function broughtBack({ steps, births, after }: KeptLife, now: Life | undefined): Life {
  return { steps: steps + (now === undefined ? 0 : now.steps - after), births }
}

/** Plain JSON. `births` holds the parameters whose parts differ in age; a state without it knows of none. */
export interface AgesState {
  readonly steps: Readonly<Record<string, number>>
  readonly births?: Readonly<Record<string, Life['births']>>
}

/**
 * A clock for every parameter, and for every slice that growth adds. What is copied is as old as what it was
 * copied from, for its moments are copies too; a copied parameter without a gradient has none, and is young.
 * What is removed and comes back later under the same path starts young again.
 */
export class Ages implements Mirror {
  readonly name: string
  readonly #settled: number
  readonly #of: 'gradients' | 'values'
  readonly #lives = new Map<string, Life>()

  /**
   * @param settled Age from which a difference no longer matters: younger and older parts then count as one.
   * @param of What the ages are those of: moments of gradients, or averages of values, which every copy has.
   *   `gradients` unless given.
   */
  constructor(name: string, settled: number, of: 'gradients' | 'values' = 'gradients') {
    this.#of = of
    this.name = name
    this.#settled = settled
  }

  /** Counts a step of a parameter. */
  tick(path: string): Age {
    const before = this.#lives.get(path) ?? { steps: 0, births: [] }
    const steps = before.steps + 1
    const births = before.births.map((own) =>
      own === null || steps - extreme(own, Math.max) >= this.#settled ? null : own,
    )
    this.#lives.set(path, { steps, births })
    const along = births.flatMap((own, axis) =>
      own === null ? [] : [{ axis, ages: own.map((birth) => steps - birth) }],
    )
    return { oldest: steps, along }
  }

  remap(plan: Plan): () => void {
    const next = new Map<string, Life>()
    for (const change of plan.changes) {
      const life = this.#lives.get(change.path)
      const kept = plan.kept?.[this.name]?.[change.path] as KeptLife | undefined
      if (kept !== undefined && change.kind !== 'remove') next.set(change.path, broughtBack(kept, life))
      else if (change.kind === 'add' && change.initial.kind === 'copy') {
        const { of, gradientFactor = 1 } = change.initial
        const other = this.#lives.get(of)
        if (other !== undefined && (this.#of === 'values' || gradientFactor !== 0))
          next.set(change.path, other)
      } else if (change.kind === 'resize' && life !== undefined)
        next.set(change.path, grow(life, change.dimensions))
    }
    return () => {
      for (const [path, life] of next) this.#lives.set(path, life)
      for (const change of plan.changes) if (change.kind === 'remove') this.#lives.delete(change.path)
    }
  }

  keep({ changes }: Plan): Promise<Record<string, KeptLife>> {
    const kept = changes.flatMap((change) => {
      const life = this.#lives.get(change.path)
      if (life === undefined) return []
      const after = change.kind === 'resize' ? grow(life, change.dimensions).steps : life.steps
      return [[change.path, { ...life, after }] as const]
    })
    return Promise.resolve(Object.fromEntries(kept))
  }

  toState(): Required<AgesState> {
    const lives = [...this.#lives]
    const uneven = lives.filter(([, { births }]) => births.some((own) => own !== null))
    return {
      steps: Object.fromEntries(lives.map(([path, { steps }]) => [path, steps])),
      births: Object.fromEntries(uneven.map(([path, { births }]) => [path, births])),
    }
  }

  /** @throws What `checkState` throws; the ages are unchanged then. */
  restore(state: unknown, parameters: ParameterStore): void {
    const lives = this.checkState(state, parameters)
    this.#lives.clear()
    for (const [path, life] of lives) this.#lives.set(path, life)
  }

  /**
   * The lives in a saved state; changes nothing.
   *
   * @throws StateError for a state without ages, ParameterError if it does not belong to these parameters.
   */
  checkState(state: unknown, parameters: ParameterStore): readonly (readonly [string, Life])[] {
    const { steps, births = {} } = (state ?? {}) as Partial<AgesState>
    if (!isByPath(steps) || !isByPath(births)) {
      throw new StateError(
        `${this.name}: the saved state has no steps; expected a number for every parameter. Was another optimizer saved?`,
      )
    }
    return Object.entries(steps).map(([path, count]): [string, Life] => {
      const own = Object.hasOwn(births, path) ? births[path] : []
      if (!checks.count.accepts(count) || !areBirths(own, count)) {
        throw new StateError(
          `${this.name}: got ages of ${path} that are no whole numbers of steps. Is the file whole?`,
        )
      }
      const { shape } = own.length > 0 ? parameters.get(path).tensor : { shape: [] }
      if (own.length !== shape.length || own.some((axis, i) => (axis?.length ?? shape[i]) !== shape[i])) {
        throw new ParameterError(
          `${this.name}: the saved ages of ${path} are those of shape [${own.map((axis) => axis?.length ?? 'any').join(', ')}]; ` +
            `expected [${shape.join(', ')}] like the parameter.`,
        )
      }
      return [path, { steps: count, births: own }]
    })
  }
}

/**
 * The age at which decay^age no longer shows beside 1 in single precision: below 2⁻²⁵. Infinity for a decay
 * of 1.
 */
export function settledAge(decay: number): number {
  return decay === 1 ? Infinity : Math.ceil((-25 * Math.LN2) / Math.log(decay))
}

const isByPath = (x: unknown): x is object => typeof x === 'object' && x !== null && !Array.isArray(x)

/** Whether nothing was born after the last step. */
function areBirths(own: unknown, steps: number): boolean {
  const isBirth = checks.integer({ from: 0, to: steps }).accepts
  return (
    Array.isArray(own) &&
    own.every((axis) => axis === null || (Array.isArray(axis) && axis.every((birth) => isBirth(birth))))
  )
}

const extreme = (numbers: readonly number[], of: (a: number, b: number) => number): number =>
  numbers.reduce((a, b) => of(a, b))

function grow({ steps, births }: Life, dimensions: readonly DimensionMap[]): Life {
  const next = dimensions.map(({ source }, axis) =>
    source.map((at) => (at < 0 ? steps : (births[axis]?.[at] ?? 0))),
  )
  // Where every index of an axis is younger than the parameter, so is every element: its life begins with the
  // oldest.
  const first = Math.max(0, ...next.map((own) => (own.length === 0 ? 0 : extreme(own, Math.min))))
  const since = next.map((own) => own.map((birth) => Math.max(0, birth - first)))
  return { steps: steps - first, births: since.map((own) => (own.some((birth) => birth > 0) ? own : null)) }
}

/**
 * `f(age)` of every element, in a shape that broadcasts to the parameter's.
 *
 * @param along Not empty.
 * @param kind Whether `f` rises or falls with age: the youngest index of an element has its smallest or its
 *   largest value.
 */
export function byAge(
  device: Device,
  rank: number,
  along: readonly AxisAges[],
  kind: 'rises' | 'falls',
  f: (age: number) => number,
): Tensor {
  const vectors = along.map(({ axis, ages }) => {
    const shape = Array.from({ length: rank }, (_, i) => (i === axis ? ages.length : 1))
    return device.tensor(ages.map(f), { shape, dtype: 'f32' }, 'ages')
  })
  return vectors.reduce((a, b) => (kind === 'rises' ? minimum(a, b) : maximum(a, b)))
}
