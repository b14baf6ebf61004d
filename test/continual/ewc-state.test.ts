/** What elastic weight consolidation holds, asks for room for, saves, and takes back. */
import { fisherInformation, onlineEwc, type Penalty } from '@burgeon/continual'
import { BurgeonError, OptionError } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { describe, expect, test } from 'vitest'
import { farthest, numbersOf, row, rowsOf, tinyModel } from './tiny-learner.ts'

const device = openReference()
const sample = rowsOf(row(1), row(2), row(3))

async function consolidated(): Promise<{ penalty: Penalty; state: Record<'importance' | 'anchor', object> }> {
  const penalty = onlineEwc({ strength: 2, decay: 0.5 })
  penalty.consolidate(tinyModel(device), sample)
  return { penalty, state: (await penalty.toState()) as never }
}

describe('the state of EWC', () => {
  test('will come to a tensor for each parameter, twice, which a budget of bytes can know before', () => {
    expect(onlineEwc({ strength: 1 }).mirrors?.map(({ bytesPerParameter }) => bytesPerParameter)).toEqual([
      4, 4,
    ])
  })
  test('says that it waits for a consolidation', () => {
    expect(onlineEwc({ strength: 1 }).waitsForConsolidation).toBe(true)
  })
  test('comes back with importance, anchor and the next draws', async () => {
    const { penalty, state } = await consolidated()
    const other = onlineEwc({ strength: 2, decay: 0.5, seed: 8 })
    other.restore(structuredClone(state), tinyModel(device).parameters)
    expect(await other.toState()).toEqual(state)
    for (const each of [penalty, other]) each.consolidate(tinyModel(device), sample)
    expect(await other.toState()).toEqual(await penalty.toState())
  })
  test('is refused where importance or anchor is of another shape, or not of both, and is unchanged then', async () => {
    const { penalty, state } = await consolidated()
    const path = Object.keys(state.importance)[0]
    const wrong = { shape: [1], data: Float32Array.of(1) }
    const without = (tensors: object): object =>
      Object.fromEntries(Object.entries(tensors).filter(([name]) => name !== path))
    const damaged: readonly [object, string][] = [
      [{ ...state, importance: { ...state.importance, [path]: wrong } }, path],
      [{ ...state, anchor: { ...state.anchor, [path]: wrong } }, path],
      [{ ...state, importance: { ...state.importance, stranger: wrong } }, 'stranger'],
      [{ ...state, anchor: without(state.anchor) }, 'and no anchor'],
      [{ ...state, random: {} }, 'RandomStream'],
    ]
    const { parameters } = tinyModel(device)
    const other = onlineEwc({ strength: 2, seed: 8 })
    other.consolidate(tinyModel(device), rowsOf(row(4)))
    const before = await other.toState()
    expect(before).not.toEqual(state)
    for (const [bad, message] of damaged) {
      expect(() => other.restore(bad, parameters)).toThrow(BurgeonError)
      expect(() => other.restore(bad, parameters)).toThrow(message)
      expect(await other.toState()).toEqual(before)
    }
    // A copy made by growth may have an anchor before it has any importance.
    penalty.restore({ ...state, importance: without(state.importance) }, parameters)
    const taken = (await penalty.toState()) as typeof state
    expect(Object.keys(taken.importance)).not.toContain(path)
    expect(Object.keys(taken.anchor)).toContain(path)
  })
  test.each([
    { strength: 0 },
    { strength: -1 },
    { strength: Number.NaN },
    { strength: 1, decay: -0.1 },
    { strength: 1, decay: 1.1 },
    {},
  ])('cannot be of options %j', (options) => {
    expect(() => onlineEwc(options as never)).toThrow(OptionError)
  })
})

describe('the Fisher information', () => {
  test('of many rows, worked on some thousand tokens at a time, is the mean of that of its parts', () => {
    const model = tinyModel(device)
    // 4,096 tokens are worked on together: 1,024 rows of four.
    const rows = Array.from({ length: 2048 }, (_, i) => row(i))
    const keys = (): { next: () => readonly [number, number]; drawn: () => number } => {
      let drawn = 0
      return { next: () => [5, drawn++], drawn: () => drawn }
    }
    const all = keys()
    const whole = fisherInformation(model, rowsOf(...rows), all.next)
    expect(all.drawn()).toBe(2048)
    const parts = keys()
    const [first, second] = [rows.slice(0, 1030), rows.slice(1030)].map((own) =>
      numbersOf(fisherInformation(model, rowsOf(...own), parts.next)),
    )
    const mean = Object.fromEntries(
      Object.entries(first).map(([path, numbers]) => [
        path,
        numbers.map((x, i) => (x * 1030 + second[path][i] * 1018) / 2048),
      ]),
    )
    const largest = Math.max(...Object.values(mean).flat())
    expect(farthest(numbersOf(whole), mean)).toBeLessThan(1e-9 * largest)
  })
  test('wants a model, a batch, and keys', () => {
    const model = tinyModel(device)
    const key = (): readonly [number, number] => [1, 2]
    expect(() => fisherInformation({} as never, sample, key)).toThrow('got model')
    expect(() => fisherInformation(model, {} as never, key)).toThrow('got sample')
    expect(() => fisherInformation(model, sample, 3 as never)).toThrow('got nextKey')
    expect(() => fisherInformation(model, sample, () => [1] as never)).toThrow('a key of nextKey')
  })
})
