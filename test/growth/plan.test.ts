import {
  applyPlan,
  type DimensionMap,
  extendAxis,
  inversePlan,
  isIdentity,
  type Mirror,
  ParameterError,
  ParameterStore,
  type Plan,
  type MirrorRole,
  scope,
  type Shape,
  sizeOf,
  TensorMirror,
  keepAxis,
} from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

const device = openReference()
const path = 'w'
const noise = (shape: Shape, salt: number): number[] =>
  Array.from({ length: sizeOf(shape) }, (_, i) => Math.sin(1 + 12.9898 * i + 78.233 * salt))

/** Powers of two, which multiplication undoes exactly, and others. */
const factor = fc.constantFrom(1, 0.5, 0.25, 2, 0.75, -3)

/** A map that keeps every old slice at least once: first the old ones in some order, then copies and new ones, mixed. */
const keepingMap: fc.Arbitrary<DimensionMap> = fc
  .tuple(fc.integer({ min: 1, max: 4 }), fc.array(fc.integer({ min: -1, max: 3 }), { maxLength: 4 }))
  .chain(([from, more]) => {
    const all = [...keepAxis(from).source, ...more.map((at) => Math.min(at, from - 1))]
    const source = fc.shuffledSubarray(all, { minLength: all.length })
    const factors = fc.option(fc.array(factor, { minLength: all.length, maxLength: all.length }), {
      nil: undefined,
    })
    return fc.tuple(source, factors, factors).map(([chosen, values, gradients]): DimensionMap => {
      return {
        from,
        source: chosen,
        ...(values && { valueFactor: values }),
        ...(gradients && { gradientFactor: gradients }),
      }
    })
  })
const maps = fc.array(keepingMap, { minLength: 1, maxLength: 3 })

function planOf(dimensions: readonly DimensionMap[]): Plan {
  const fresh = { kind: 'normal', standardDeviation: 1 } as const
  return { summary: 'test', key: [1, 2], changes: [{ kind: 'resize', path, dimensions, fresh }] }
}

interface State {
  readonly store: ParameterStore
  readonly mirrors: Readonly<Record<MirrorRole, TensorMirror>>
  numbers(): Record<string, { shape: Shape; data: number[] }>
}

/** One parameter with a mirror of each role, all of different numbers. */
function stateOf(shape: Shape): State {
  const store = new ParameterStore()
  const roles: MirrorRole[] = ['value', 'gradient', 'squaredGradient']
  const mirrors = Object.fromEntries(
    roles.map((role) => [role, new TensorMirror(role, role)]),
  ) as State['mirrors']
  scope(() => {
    const axes = shape.map(() => 'embed' as const)
    store.add(path, axes, device.tensor(noise(shape, 0), { shape, dtype: 'f32' }))
    roles.forEach((role, i) =>
      mirrors[role].set(path, device.tensor(noise(shape, i + 1), { shape, dtype: 'f32' })),
    )
  })
  const numbers = (): Record<string, { shape: Shape; data: number[] }> => {
    const tensors = { parameter: store.get(path).tensor, ...mapValues(mirrors, (mirror) => mirror.get(path)) }
    return mapValues(tensors, (tensor) => ({
      shape: tensor?.shape ?? [],
      data: [...(tensor?.readSync() ?? [])],
    }))
  }
  return { store, mirrors, numbers }
}

function mapValues<T, U>(object: Readonly<Record<string, T>>, f: (value: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, f(value)]))
}

const apply = (plan: Plan, { store, mirrors }: State, more: readonly Mirror[] = []): void =>
  applyPlan(plan, store, [...Object.values(mirrors), ...more], device)

/** What a plan should make of plain numbers; `undefined` where a slice is new. */
function expected(
  dimensions: readonly DimensionMap[],
  data: readonly number[],
  role: MirrorRole,
): (number | undefined)[] {
  const to = dimensions.map((map) => map.source.length)
  return Array.from({ length: sizeOf(to) }, (_, index) => {
    let [rest, at, stride, scale] = [index, 0, 1, 1]
    for (let d = dimensions.length - 1; d >= 0; d--) {
      const { from, source, valueFactor, gradientFactor } = dimensions[d]
      const i = rest % to[d]
      rest = Math.floor(rest / to[d])
      if (source[i] < 0) return undefined
      at += source[i] * stride
      stride *= from
      const f = (role === 'value' ? valueFactor : gradientFactor)?.[i] ?? 1
      scale *= role === 'squaredGradient' ? f * f : f
    }
    return data[at] * scale
  })
}

describe('a plan', () => {
  test('takes every slice from where it says, times the factor of the role, in any number of dimensions', () => {
    fc.assert(
      fc.property(maps, (dimensions) => {
        const state = stateOf(dimensions.map((map) => map.from))
        const before = state.numbers()
        apply(planOf(dimensions), state)
        const after = state.numbers()
        for (const [name, role] of [
          ['parameter', 'value'],
          ['value', 'value'],
          ['gradient', 'gradient'],
          ['squaredGradient', 'squaredGradient'],
        ] as const) {
          expect(after[name].shape).toEqual(dimensions.map((map) => map.source.length))
          expected(dimensions, before[name].data, role).forEach((number, i) => {
            // New slices: an anchor begins at the parameter's own number, a moment at 0.
            const otherwise = role === 'value' ? after.parameter.data[i] : 0
            expect(after[name].data[i]).toBeCloseTo(number ?? otherwise, 12)
          })
        }
      }),
    )
  })
  test('draws new slices from the stream of its key and the path', () => {
    const draw = (key: readonly [number, number]): number[] => {
      const state = stateOf([2])
      apply({ ...planOf([extendAxis(2, 40)]), key }, state)
      return state.numbers().parameter.data.slice(2)
    }
    expect(draw([1, 2])).toEqual(draw([1, 2]))
    expect(draw([1, 2])).not.toEqual(draw([1, 3]))
    const deviation = Math.sqrt(draw([1, 2]).reduce((total, x) => total + x * x, 0) / 38)
    expect(deviation).toBeGreaterThan(0.7)
    expect(deviation).toBeLessThan(1.4)
  })
  test('that changes nothing leaves every tensor in place', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 3 }), (shape) => {
        const state = stateOf(shape)
        const [before, tensor] = [state.numbers(), state.store.get(path).tensor]
        apply(planOf(shape.map(keepAxis)), state)
        expect(state.numbers()).toEqual(before)
        expect(state.store.get(path).tensor).toBe(tensor)
      }),
    )
    expect(isIdentity(keepAxis(3))).toBe(true)
    expect(isIdentity(extendAxis(3, 3))).toBe(true)
    expect(isIdentity({ ...keepAxis(3), gradientFactor: [1, 1, 1] })).toBe(true)
    for (const map of [
      extendAxis(3, 4),
      { from: 2, source: [1, 0] },
      { ...keepAxis(2), valueFactor: [1, 2] },
    ]) {
      expect(isIdentity(map)).toBe(false)
    }
  })
  test('copies what another parameter is before the plan, wherever that one stands in it', () => {
    const state = stateOf([2])
    const [wider] = planOf([{ ...extendAxis(2, 3), valueFactor: [0.5, 0.5, 1] }]).changes
    const added = { kind: 'add', path: 'v', axes: ['embed'], shape: [2] } as const
    const before = state.numbers().parameter.data
    const changes: Plan['changes'] = [wider, { ...added, initial: { kind: 'copy', of: path } }]
    apply({ summary: 'test', key: [1, 2], changes }, state)
    expect([...state.store.get('v').tensor.readSync()]).toEqual(before)
    expect(state.numbers().parameter.data.slice(0, 2)).toEqual(before.map((x) => x / 2))
  })
  test('uses no more buffers afterwards than before', () => {
    fc.assert(
      fc.property(maps, (dimensions) => {
        const { buffers } = device.memory
        const state = stateOf(dimensions.map((map) => map.from))
        apply(planOf(dimensions), state)
        expect(device.memory.buffers).toBe(buffers + 4)
        state.store.dispose()
        for (const mirror of Object.values(state.mirrors)) mirror.dispose()
        expect(device.memory.buffers).toBe(buffers)
      }),
    )
  })
})

describe('the inverse of a plan', () => {
  /** Every old slice has a copy whose factors are all powers of two, so that it can be restored exactly. */
  const isExact = (dimensions: readonly DimensionMap[]): boolean =>
    dimensions.every(({ from, source, valueFactor, gradientFactor }) =>
      keepAxis(from).source.every((old) =>
        source.some((at, i) => {
          const factors = [valueFactor?.[i] ?? 1, gradientFactor?.[i] ?? 1]
          return at === old && factors.every((f) => Number.isInteger(Math.log2(f)))
        }),
      ),
    )
  test('restores every byte where each slice has a copy with a power of two, and every number to rounding elsewhere', () => {
    let exact = 0
    fc.assert(
      fc.property(maps, (dimensions) => {
        const state = stateOf(dimensions.map((map) => map.from))
        const before = state.numbers()
        apply(planOf(dimensions), state)
        apply(inversePlan(planOf(dimensions)), state)
        const after = state.numbers()
        if (isExact(dimensions)) {
          exact++
          expect(after).toEqual(before)
        }
        for (const [name, { data }] of Object.entries(before)) {
          data.forEach((number, i) => expect(after[name].data[i]).toBeCloseTo(number, 12))
        }
      }),
      { numRuns: 300 },
    )
    expect(exact).toBeGreaterThan(30)
  })
  test('leads from the sizes after to the sizes before, and its own inverse back', () => {
    const sizesOf = ({ changes }: Plan): unknown =>
      changes.map(
        (change) => change.kind === 'resize' && change.dimensions.map((map) => [map.from, map.source.length]),
      )
    fc.assert(
      fc.property(maps, (dimensions) => {
        const plan = planOf(dimensions)
        const swapped = dimensions.map((map) => [map.source.length, map.from])
        expect(sizesOf(inversePlan(plan))).toEqual([swapped])
        // A growth that loses slices cannot be inverted twice; one that only adds copies can.
        if (dimensions.every(isIdentity))
          expect(sizesOf(inversePlan(inversePlan(plan)))).toEqual(sizesOf(plan))
      }),
    )
  })
  test('undoes changes last to first, and removes what was added', () => {
    const added = { kind: 'add', path: 'new', axes: ['embed'], shape: [2], initial: { kind: 'one' } } as const
    const plan: Plan = {
      ...planOf([extendAxis(2, 3)]),
      changes: [...planOf([extendAxis(2, 3)]).changes, added],
    }
    expect(inversePlan(plan).changes.map(({ kind, path: of }) => [kind, of])).toEqual([
      ['remove', 'new'],
      ['resize', path],
    ])
    const state = stateOf([2])
    const before = state.numbers()
    apply(plan, state)
    expect([...state.store.get('new').tensor.readSync()]).toEqual([1, 1])
    apply(inversePlan(plan), state)
    expect(state.numbers()).toEqual(before)
    expect(state.store.has('new')).toBe(false)
  })
  test('does not exist where numbers were lost', () => {
    const dropping = planOf([{ from: 3, source: [0, 2, -1] }])
    expect(() => inversePlan(dropping)).toThrow('slice 1 was dropped')
    const removing: Plan = { summary: 's', key: [0, 0], changes: [{ kind: 'remove', path }] }
    expect(() => inversePlan(removing)).toThrow('the plan "s" removes w; its numbers are gone.')
  })
})

describe('a plan that cannot be carried out', () => {
  const added = (name: string, shape: Shape): Plan['changes'][number] => {
    return { kind: 'add', path: name, axes: ['embed'], shape, initial: { kind: 'zero' } }
  }
  const [wider] = planOf([extendAxis(2, 3)]).changes
  const impossible: readonly [Plan['changes'], string][] = [
    [planOf([extendAxis(3, 4)]).changes, 'plan: made for w of shape [3], which now is [2]. Plan again.'],
    [planOf([extendAxis(2, 3), keepAxis(1)]).changes, 'plan: made for w of shape [2, 1], which now is [2].'],
    [[wider, { ...wider, path: 'v' }], 'no parameter v'],
    [[wider, added(path, [2])], 'plan: w exists already and cannot be added.'],
    [[wider, wider], 'plan: changes w twice; expected one change per parameter.'],
    [[wider, added('v', [2]), added('v', [2])], 'plan: changes v twice'],
    [[wider, added('v', [2, 3])], 'plan: v has 1 axes for shape [2, 3]; expected one per dimension.'],
    [[wider, { kind: 'remove', path: 'v' }], 'no parameter v'],
  ]
  test.each(impossible)('%# says so and changes nothing', (changes, message) => {
    const state = stateOf([2])
    const [before, { buffers }] = [state.numbers(), device.memory]
    const attempt = (): void => apply({ summary: 'test', key: [0, 0], changes }, state)
    expect(attempt).toThrow(ParameterError)
    expect(attempt).toThrow(message)
    expect(state.numbers()).toEqual(before)
    expect(device.memory.buffers).toBe(buffers)
  })
  test('because a slice does not exist changes nothing', () => {
    const state = stateOf([2])
    const before = state.numbers()
    expect(() => apply(planOf([{ from: 2, source: [0, 1, 2] }]), state)).toThrow('outside the table')
    expect(state.numbers()).toEqual(before)
  })
  test('because a mirror cannot follow changes nothing, wherever the mirror stands in the list', () => {
    const state = stateOf([2])
    const [before, { buffers }] = [state.numbers(), device.memory]
    const stubborn: Mirror = {
      name: 'stubborn',
      keep: () => Promise.resolve({}),
      remap() {
        throw new Error('I do not grow')
      },
    }
    const mirrors = Object.values(state.mirrors)
    for (const list of [
      [stubborn, ...mirrors],
      [...mirrors, stubborn],
    ]) {
      expect(() => applyPlan(planOf([extendAxis(2, 3)]), state.store, list, device)).toThrow('I do not grow')
      expect(state.numbers()).toEqual(before)
      expect(device.memory.buffers).toBe(buffers)
    }
  })
})
