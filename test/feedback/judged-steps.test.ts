/** Steps on feedback stand where they do no harm, and are undone where they do; beside a vocabulary that grows, too. */
import { adamw } from '@burgeon/autograd/optim'
import {
  answerFromText,
  feedbackMemory,
  type FeedbackMemory,
  growingVocabulary,
  type Learner,
  type Rehearsal,
  reservoirReplay,
} from '@burgeon/continual'
import { OptionError } from '@burgeon/tensor'
import { expect, test } from 'vitest'
import { learnerOf, live, type Parts, partsWith, resumedFrom } from '../sleep/sleepers.ts'

/** Recalls nothing: feedback is learnt alone then, which ruins a model. */
const nothing: Rehearsal = {
  name: 'nothing',
  recall: () => null,
  remember: () => {},
  sample: () => null,
  recode: () => {},
  toState: () => null,
  restore: () => {},
}

interface Life {
  readonly learner: Learner
  readonly memory: FeedbackMemory
}

const partsOf = (beside: Rehearsal, learningRate: number): Parts & { memory: FeedbackMemory } => {
  const memory = feedbackMemory({ capacity: 20, share: 1, beside })
  const vocabulary = growingVocabulary({ tokens: 300, growWhen: () => false })
  const parts = partsWith({ rehearsal: memory, vocabulary })
  return { ...parts, optimizer: adamw({ learningRate }), memory }
}

async function life(beside: Rehearsal, learningRate: number): Promise<Life> {
  const { memory, ...parts } = partsOf(beside, learningRate)
  const learner = learnerOf(parts)
  await live(learner, 12)
  for (const text of ['%&/()', '=?!+*', '#~<>|', '{}[]$']) memory.accept(answerFromText('row', text))
  return { learner, memory }
}

const replay = (): Rehearsal => reservoirReplay({ capacity: 50, share: 1, seed: 1 })
const usesOf = ({ memory }: Life): number =>
  (memory.toState() as { own: { feedback: { records: { uses: number }[] } } }).own.feedback.records.reduce(
    (sum, { uses }) => sum + uses,
    0,
  )

test('what does harm is undone to the bit and told, and half as much is learnt until steps stand', async () => {
  const one = await life(nothing, 0.05)
  const { learner } = one
  expect(() => learner.fork()).toThrow(OptionError)
  const before = await learner.toState()
  const { steps, judged } = await learner.rehearse(10, { rows: 8, tolerance: 0.02 })
  expect(steps).toBe(10)
  expect(judged?.kept).toBe(false)
  expect(judged?.after.a.bits).toBeGreaterThan((judged?.before.a.bits ?? Infinity) + 0.1)
  const after = await learner.toState()
  expect(after.model).toEqual(before.model)
  expect(after.rehearsed).toBe(before.rehearsed)
  expect(usesOf(one)).toBe(0)
  expect(learner.journal.at(-1)).toMatchObject({ kind: 'undone', data: { steps: 10, harm: judged?.harm } })
  // Four pieces a step, and then two, and then one.
  await learner.rehearse(1)
  expect(usesOf(one)).toBe(2)
  const { memory, ...parts } = partsOf(nothing, 0.05)
  const resumed = resumedFrom(await learner.toState(), parts)
  for (const own of [learner, resumed]) {
    const { judged: later } = await own.rehearse(4, { rows: 8, tolerance: 1e6 })
    expect(later).toMatchObject({ kept: true, harm: null })
    await own.rehearse(1)
  }
  expect(await resumed.toState()).toEqual(await learner.toState())
  // Two pieces in each of the four steps, which stand, and four again.
  expect(usesOf({ learner: resumed, memory })).toBe(2 + 4 * 2 + 4)
})

test('what does none stands, and is what a rehearsal would have been', async () => {
  const [settled, rehearsed] = [await life(replay(), 1e-4), await life(replay(), 1e-4)]
  const { judged, ...report } = await settled.learner.rehearse(3, { rows: 6, tolerance: 0.02 })
  expect(judged).toMatchObject({ kept: true, harm: null })
  expect(report).toEqual(await rehearsed.learner.rehearse(3, { rows: 6 }))
  expect(usesOf(settled)).toBeGreaterThan(0)
  expect(await settled.learner.toState()).toEqual(await rehearsed.learner.toState())
})

test('nothing is learnt that nobody could judge, or that is refused', async () => {
  const { memory, ...parts } = partsOf(replay(), 1e-3)
  const fresh = learnerOf(parts)
  memory.accept(answerFromText('row', 'text'))
  await expect(fresh.rehearse(1, { tolerance: 0.02 })).rejects.toThrow(/no rows are held back/)
  const { learner } = await life(replay(), 1e-3)
  for (const tolerance of [-1, Number.NaN]) {
    await expect(learner.rehearse(1, { tolerance })).rejects.toThrow(OptionError)
  }
  const { vocabulary: _, ...strategy } = partsOf(replay(), 1e-3).strategy ?? {}
  const forked = learnerOf({ ...parts, strategy })
  await live(forked, 3)
  const fork = forked.fork()
  await expect(fork.rehearse(1, { tolerance: 1 } as object)).rejects.toThrow(OptionError)
  await fork.drop()
})
