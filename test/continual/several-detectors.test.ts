/** Several detectors in a learner, each with a signal of its own. */
import {
  compose,
  growOnSchedule,
  type DriftDetector,
  kernelTwoSample,
  Learner,
  meanHiddenState,
  pageHinkley,
  type VectorDetector,
  watching,
} from '@burgeon/continual'
import { mean, OptionError, reshape } from '@burgeon/tensor'
import { expect, test } from 'vitest'
import { plainSgd, row, rowsOf, tinyModel } from './tiny-learner.ts'

/** Calls at its third value; remembers all it saw. */
function third(direction: 'up' | 'down'): DriftDetector & { seen: unknown[]; resets: number } {
  const seen: unknown[] = []
  return {
    name: 'third',
    seen,
    resets: 0,
    update(value) {
      seen.push(value)
      const drift = seen.length === 3
      return { drift, direction: drift ? direction : null, estimate: value }
    },
    reset() {
      this.resets++
    },
    toState: () => seen.length,
    restore: () => {},
  }
}

test('each sees its signal, an alarm in a direction that counts is drift, and the others start afresh', async () => {
  const [loss, worst, falling] = [third('up'), third('up'), third('down')]
  const strategy = compose(
    { detectors: [watching(({ bitsPerByte }) => bitsPerByte, falling, { name: 'loss' })] },
    { detectors: [watching(async ({ rowLosses }) => Math.max(...rowLosses), worst, { name: 'worst row' })] },
  )
  const learner = new Learner({
    model: tinyModel(),
    optimizer: plainSgd(),
    strategy: { ...strategy, detector: loss },
  })
  const reports = []
  for (let i = 0; i < 4; i++) reports.push(await learner.observe(rowsOf(row(i), row(i + 5))))
  expect(worst.seen).toEqual(reports.map(({ rowLosses }) => Math.max(...rowLosses)))
  expect(falling.seen).toEqual(reports.map(({ bitsPerByte }) => bitsPerByte))
  expect(reports.map(({ events }) => events.map(({ kind, part }) => `${kind} ${part}`))).toEqual([
    [],
    [],
    ['drift third'],
    [],
  ])
  expect([loss.resets, worst.resets, falling.resets]).toEqual([0, 0, 0])
})

test('a fall counts where it is asked for, and names detector and signal', async () => {
  const [falling, other] = [third('down'), pageHinkley()]
  const detectors = [
    watching(() => 1, falling, { name: 'one', direction: 'both' }),
    watching(({ bitsPerByte }) => bitsPerByte, other),
  ]
  const learner = new Learner({ model: tinyModel(), optimizer: plainSgd(), strategy: { detectors } })
  for (let i = 0; i < 3; i++) await learner.observe(rowsOf(row(i)))
  expect(learner.journal.map(({ part }) => part)).toEqual(['third of one'])
  expect(other.toState()).toEqual(pageHinkley().toState())
})

test('a drift of any of them is what parts wait for', () => {
  const strategy = { detectors: [watching(({ bitsPerByte }) => bitsPerByte, pageHinkley())] }
  const waiting = {
    name: 'waits',
    initial: null,
    waitsForDrift: true,
    decide: () => ({ request: null, reason: '', state: null }),
  }
  const make = (parts: object) =>
    new Learner({ model: tinyModel(), optimizer: plainSgd(), strategy: { growth: waiting, ...parts } })
  expect(() => make({})).toThrow(OptionError)
  expect(() => make(strategy)).not.toThrow()
  expect(() => make({ detectors: [pageHinkley()] })).toThrow(/watching\(signal, detector\)/)
})

test('where the model becomes wider, detectors of its inside begin afresh, and not where a block does', async () => {
  const kernel = kernelTwoSample({ recent: 5, past: 5 })
  const detectors = [watching(meanHiddenState, kernel)]
  const model = tinyModel()
  const growth = growOnSchedule([
    { step: 2, request: { kind: 'widenMlp', block: model.config.blocks[0].id, to: 12 } },
    { step: 3, request: { kind: 'widenEmbed', to: 16 } },
  ])
  const learner = new Learner({ model, optimizer: plainSgd(), strategy: { detectors, growth } })
  const lengths: unknown[] = []
  for (let i = 0; i < 5; i++) {
    await learner.observe(rowsOf(row(i)))
    lengths.push((kernel.toState() as { vectors: number[][] }).vectors.map(({ length }) => length))
  }
  expect(lengths).toEqual([[8], [8, 8], [], [16], [16, 16]])
})

test('the mean hidden state is that of the last block over what is predicted, and a learner with it resumes', async () => {
  const model = tinyModel()
  const fresh = rowsOf(row(1), row(2))
  const last = model.config.blocks.at(-1)?.id
  let expected: readonly number[] = []
  const tokens = Int32Array.from([...row(1).slice(0, 4), ...row(2).slice(0, 4)])
  model.forward(model.device.tensor(tokens, { shape: [2, 4], dtype: 'i32' }), undefined, {
    observe: (block, what, x) => {
      if (block === last && what === 'output')
        expected = [...mean(reshape(x, [8, 8]), { axes: [0] }).readSync()]
    },
  })
  // Single precision.
  const found = await meanHiddenState({ model, fresh })
  expect([...found]).toEqual([...Float32Array.from(expected)])

  const parts = () => {
    const kernel: VectorDetector = kernelTwoSample({ recent: 5, past: 5, clock: 1, permutations: 50 })
    return { optimizer: plainSgd(), strategy: { detectors: [watching(meanHiddenState, kernel)] } }
  }
  const whole = new Learner({ model, ...parts() })
  for (let i = 0; i < 12; i++) await whole.observe(rowsOf(row(i)))
  const resumed = Learner.fromState(await whole.toState(), { ...parts(), device: model.device })
  for (let i = 12; i < 15; i++) {
    expect(await resumed.observe(rowsOf(row(i)))).toEqual(await whole.observe(rowsOf(row(i))))
  }
  const [state, again] = [await whole.toState(), await resumed.toState()]
  expect(again.parts).toEqual(state.parts)
  expect(state.parts.map(({ role }) => role)).toContain('signal')
})
