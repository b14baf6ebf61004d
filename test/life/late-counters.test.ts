/** A life does not end after 2³² rows or steps: every counter goes on, and a life that is resumed there comes to the same bits. */
import { adamw, chain, clipByGlobalNorm, warmUp } from '@burgeon/autograd/optim'
import { batchOfTokens, Learner, type LearnerState, reservoirReplay, Reservoir } from '@burgeon/continual'
import { keyFromSeed, RandomStream } from '@burgeon/tensor'
import { strategyOf } from 'burgeon/session'
import { Gpt } from '@burgeon/gpt'
import { describe, expect, it, test } from 'vitest'
import { stepOf } from '../continual/step-of.ts'
import { tinyDomains, tinySettings } from './tiny-settings.ts'

const late = [2 ** 32 - 2, 2 ** 40]

const parts = () => ({
  optimizer: chain(clipByGlobalNorm(1), adamw({ learningRate: warmUp(5e-3, 30), beta2: 0.99 })),
  strategy: strategyOf(tinySettings),
  budget: { parameters: tinySettings.maxParameters },
  seed: tinySettings.seed,
})

const batch = (i: number) =>
  batchOfTokens(tinyDomains[i % 3].train.subarray(17 * i, 17 * i + 68), 16, tinyDomains[i % 3].name)

/** Adds to every counter of a state: steps, rows and samples seen, draws of random streams, and when something last happened. */
function shifted<T>(state: T, by: number, isCounter = false): T {
  if (typeof state === 'number') return (isCounter ? state + by : state) as T
  if (typeof state !== 'object' || state === null || ArrayBuffer.isView(state)) return state
  if (Array.isArray(state)) return state.map((item: unknown) => shifted(item, by)) as T
  const counters = ['step', 'steps', 'seen', 'counter', 'count', 'lastGrowth']
  const entries = Object.entries(state).map(([key, value]) => {
    const counts = counters.includes(key) && (typeof value === 'number' || key === 'steps')
    if (key === 'steps' && typeof value === 'object') {
      return [
        key,
        Object.fromEntries(Object.entries(value as object).map(([path, n]) => [path, Number(n) + by])),
      ]
    }
    return [key, shifted(value, by, counts)]
  })
  return Object.fromEntries(entries) as T
}

describe.each(late)('a learner whose counters stand at %d', (start) => {
  it('learns on, counts on, and resumes with the same bits', async () => {
    const young = new Learner({ model: Gpt.create(tinySettings.model, { seed: 7 }), ...parts() })
    for (let i = 0; i < 12; i++) await young.observe(batch(i))
    const { model, ...rest } = await young.toState()
    const old = { ...shifted(rest, start - 12), model } as LearnerState
    expect(old.step).toBe(start)

    const [whole, broken] = [Learner.fromState(old, parts()), Learner.fromState(old, parts())]
    const losses: number[] = []
    for (let i = 12; i < 24; i++) losses.push((await whole.observe(batch(i))).loss)
    let resumed = broken
    for (let i = 12; i < 24; i++) {
      const { loss } = await resumed.observe(batch(i))
      expect(loss).toBe(losses[i - 12])
      if (i % 4 === 1) resumed = Learner.fromState(await resumed.toState(), parts())
    }
    const [a, b] = [await whole.toState(), await resumed.toState()]
    expect(a.step).toBe(start + 12)
    expect(losses.every(Number.isFinite)).toBe(true)
    expect(b).toEqual(a)
  })
})

describe.each(late)('a reservoir that has seen %d rows', (start) => {
  test('keeps a row with the chance capacity / seen, and counts on', () => {
    const reservoir = Reservoir.fromState({ kind: 'reservoir', capacity: 2 ** 31, seen: start })
    const random = new RandomStream(keyFromSeed(3))
    const kept = Array.from({ length: 2000 }, () => reservoir.offer((n) => random.below(n))).filter(
      (slot) => slot !== null,
    )
    const share = 2 ** 31 / start
    expect(Math.abs(kept.length / 2000 - share)).toBeLessThan(
      5 * Math.sqrt((share * (1 - share)) / 2000) + 1e-9,
    )
    expect(reservoir.seen).toBe(start + 2000)
    expect(new Set(kept).size).toBe(kept.length)
  })

  test('serves the replay', () => {
    const replay = reservoirReplay({ capacity: 4 })
    replay.remember(stepOf(batch(0)))
    const state = replay.toState() as { seen: number; memory: { seen: number } }
    replay.restore({ ...state, seen: start, memory: { ...state.memory, seen: start } })
    for (let i = 0; i < 8; i++) replay.remember(stepOf(batch(i)))
    const { seen, memory } = replay.toState() as typeof state
    const expected = start + 8 * batch(0).rows
    expect([seen, memory.seen]).toEqual([expected, expected])
  })
})
