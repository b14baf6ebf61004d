import {
  applyPlan,
  type SliceAverage,
  type ParameterCopy,
  extendAxis,
  type InitialValues,
  inversePlan,
  ParameterError,
  ParameterStore,
  type Plan,
  scope,
  TensorMirror,
  keepAxis,
} from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { describe, expect, test } from 'vitest'

const device = openReference()
const numbers = [1, 2, 3, 4, 5, 6] // two rows of three columns
const anchored = [10, 20, 30, 40, 50, 60]

/** A matrix `w` [2, 3] with an anchor and a moment. */
function start(): { store: ParameterStore; anchor: TensorMirror; moment: TensorMirror } {
  const store = new ParameterStore()
  const [anchor, moment] = [new TensorMirror('anchor', 'value'), new TensorMirror('moment', 'gradient')]
  scope(() => {
    const spec = { shape: [2, 3], dtype: 'f32' } as const
    store.add('w', ['embed', 'embed'], device.tensor(numbers, spec))
    anchor.set('w', device.tensor(anchored, spec))
    moment.set('w', device.tensor(anchored, spec))
  })
  return { store, anchor, moment }
}

const widened = (fresh: InitialValues | SliceAverage): Plan => ({
  summary: 'wider',
  key: [1, 2],
  changes: [{ kind: 'resize', path: 'w', dimensions: [keepAxis(2), extendAxis(3, 5)], fresh }],
})
const copied = (initial: InitialValues | ParameterCopy, shape: readonly number[] = [2, 3]): Plan => ({
  summary: 'one more',
  key: [1, 2],
  changes: [{ kind: 'add', path: 'v', axes: shape.map(() => 'embed' as const), shape, initial }],
})

describe('new slices', () => {
  test('can be means of old ones; what keeps values takes means of its own, moments begin at 0', () => {
    const { store, anchor, moment } = start()
    const plan = widened({
      kind: 'average',
      axis: 1,
      of: [
        [0, 1, 2],
        [0, 2, 2, 2],
      ],
    })
    applyPlan(plan, store, [anchor, moment], device)
    expect([...store.get('w').tensor.readSync()]).toEqual([1, 2, 3, 2, 2.5, 4, 5, 6, 5, 5.5])
    expect([...(anchor.get('w')?.readSync() ?? [])]).toEqual([10, 20, 30, 20, 25, 40, 50, 60, 50, 55])
    expect([...(moment.get('w')?.readSync() ?? [])]).toEqual([10, 20, 30, 0, 0, 40, 50, 60, 0, 0])
    applyPlan(inversePlan(plan), store, [anchor, moment], device)
    expect([...store.get('w').tensor.readSync()]).toEqual(numbers)
    expect([...(anchor.get('w')?.readSync() ?? [])]).toEqual(anchored)
  })
  test('along the first axis too', () => {
    const { store } = start()
    const fresh: SliceAverage = { kind: 'average', axis: 0, of: [[0, 1]] }
    const dimensions = [{ from: 2, source: [1, -1, 0] }, keepAxis(3)]
    applyPlan(
      { ...widened(fresh), changes: [{ kind: 'resize', path: 'w', dimensions, fresh }] },
      store,
      [],
      device,
    )
    expect([...store.get('w').tensor.readSync()]).toEqual([4, 5, 6, 2.5, 3.5, 4.5, 1, 2, 3])
  })
  test('are means of all old ones where none are named', () => {
    const { store } = start()
    applyPlan(widened({ kind: 'average', axis: 1 }), store, [], device)
    expect([...store.get('w').tensor.readSync()]).toEqual([1, 2, 3, 2, 2, 4, 5, 6, 5, 5])
  })
  test('can be given as numbers', () => {
    const { store } = start()
    const values = [0, 0, 0, 7, 8, 0, 0, 0, 9, 10]
    applyPlan(widened({ kind: 'values', values }), store, [], device)
    expect([...store.get('w').tensor.readSync()]).toEqual([1, 2, 3, 7, 8, 4, 5, 6, 9, 10])
  })
  test('are refused where they do not fit, and nothing has changed', () => {
    const { store } = start()
    const wrong: readonly (InitialValues | SliceAverage)[] = [
      { kind: 'average', axis: 1, of: [[0]] },
      { kind: 'average', axis: 1, of: [[0], []] },
      { kind: 'average', axis: 1, of: [[0], [3]] },
      { kind: 'average', axis: 1, of: [[0], [-1]] },
      { kind: 'average', axis: 0, of: [[0], [1]] },
      { kind: 'average', axis: 2, of: [[0], [1]] },
      { kind: 'values', values: [1, 2] },
    ]
    for (const fresh of wrong) {
      expect(() => applyPlan(widened(fresh), store, [], device), JSON.stringify(fresh)).toThrow(
        ParameterError,
      )
    }
    expect([...store.get('w').tensor.readSync()]).toEqual(numbers)
  })
})

describe('a new parameter', () => {
  test('can be a copy with numbers of its own', () => {
    const { store } = start()
    const plan = copied({ kind: 'copy', of: 'w' })
    applyPlan(plan, store, [], device)
    expect([...store.get('v').tensor.readSync()]).toEqual(numbers)
    expect(store.get('v').tensor.storage).not.toBe(store.get('w').tensor.storage)
    applyPlan(inversePlan(plan), store, [], device)
    expect(store.has('v')).toBe(false)
  })
  test('can be a multiple of another', () => {
    const { store } = start()
    applyPlan(copied({ kind: 'copy', of: 'w', factor: 1.5 }), store, [], device)
    expect([...store.get('v').tensor.readSync()]).toEqual(numbers.map((x) => 1.5 * x))
    expect([...store.get('w').tensor.readSync()]).toEqual(numbers)
  })
  test('is refused as a copy of another shape, or of nothing', () => {
    const { store } = start()
    expect(() => applyPlan(copied({ kind: 'copy', of: 'w' }, [3, 2]), store, [], device)).toThrow(
      'v of shape [3, 2] is to be a copy of w, which is [2, 3]; expected the same shape.',
    )
    expect(() => applyPlan(copied({ kind: 'copy', of: 'u' }), store, [], device)).toThrow(ParameterError)
    expect(() => applyPlan(copied({ kind: 'values', values: [1] }), store, [], device)).toThrow(
      ParameterError,
    )
    expect(store.has('v')).toBe(false)
  })
})

describe('random new slices', () => {
  const spread = (numbers: readonly number[]): number =>
    Math.sqrt(numbers.reduce((total, x) => total + x * x, 0) / numbers.length)
  const wide = (values: readonly number[], asOld?: boolean): number[] => {
    const store = new ParameterStore()
    scope(() => store.add('w', ['embed'], device.tensor(values, { shape: [values.length], dtype: 'f32' })))
    const dimensions = [extendAxis(values.length, values.length + 2000)]
    const fresh = { kind: 'normal', standardDeviation: 0.02, ...(asOld !== undefined && { asOld }) } as const
    const change = { kind: 'resize', path: 'w', dimensions, fresh } as const
    applyPlan({ summary: 'wider', key: [1, 2], changes: [change] }, store, [], device)
    return [...store.get('w').tensor.readSync()].slice(values.length)
  }

  test('are as large as old ones where they are to be, and else as the plan says', () => {
    const old = [3, -3, 3, -3, 3, -3]
    expect(spread(wide(old, true))).toBeCloseTo(3, 0)
    expect(spread(wide(old, true)) / spread(wide(old))).toBeCloseTo(150, 6)
    expect(spread(wide(old, false))).toBeCloseTo(0.02, 3)
  })
  test('do not come to nothing beside old ones that are all alike', () => {
    expect(spread(wide([0, 0, 0], true))).toBeCloseTo(0.02, 3)
    expect(spread(wide([], true))).toBeCloseTo(0.02, 3)
  })
})

describe('a mirror that borrows', () => {
  const grown = (fresh: InitialValues, of: 'zero' | 'borrowed', axis = 1): number[] => {
    const { store } = start()
    const mirror = new TensorMirror('importance', 'importance', () => true, false, of)
    scope(() => mirror.set('w', device.tensor(anchored, { shape: [2, 3], dtype: 'f32' })))
    const dimensions = [keepAxis(2), keepAxis(3)].map((map, i) =>
      i === axis ? extendAxis(map.from, map.from + 1) : map,
    )
    const plan: Plan = {
      summary: 'wider',
      key: [1, 2],
      changes: [{ kind: 'resize', path: 'w', dimensions, fresh }],
    }
    applyPlan(plan, store, [mirror], device)
    const numbers = [...(mirror.get('w')?.readSync() ?? [])]
    applyPlan(inversePlan(plan), store, [mirror], device)
    expect([...(mirror.get('w')?.readSync() ?? [])]).toEqual(anchored)
    return numbers
  }
  test('has means of old slices where new weights begin at 0', () => {
    expect(grown({ kind: 'zero' }, 'borrowed')).toEqual([10, 20, 30, 20, 40, 50, 60, 50])
    expect(grown({ kind: 'zero' }, 'borrowed', 0)).toEqual([...anchored, 25, 35, 45])
  })
  test('has zeros for other new weights, and everywhere unless it borrows', () => {
    expect(grown({ kind: 'normal', standardDeviation: 1 }, 'borrowed')).toEqual([
      10, 20, 30, 0, 40, 50, 60, 0,
    ])
    expect(grown({ kind: 'zero' }, 'zero')).toEqual([10, 20, 30, 0, 40, 50, 60, 0])
  })
})
