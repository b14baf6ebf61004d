/** Recall looks after itself asleep: what was read twice goes, and where room is little, what was of least use. */
import { adamw } from '@burgeon/autograd/optim'
import {
  batchOfTokens,
  type EpisodicMemory,
  episodicMemory,
  everySteps,
  memoryJob,
  neverTrigger,
  type Recall,
  sleep,
  type Strategy,
} from '@burgeon/continual'
import { OptionError } from '@burgeon/tensor'
import { describe, expect, test } from 'vitest'
import { learnerOf, type Parts, sleepsIn } from './sleepers.ts'

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)
const parts = (strategy: Strategy): Parts => ({ optimizer: adamw({ learningRate: 1e-3 }), strategy })
const sleeping = (recall: Recall | undefined, when = neverTrigger): Parts =>
  parts({ ...(recall && { recall }), sleep: sleep({ when, jobs: [memoryJob()] }) })
const fact = 'The keeper of Zorvath is Melkin of Dorrin.'

/** Reads a text in rows of eight bytes. */
async function read(learner: ReturnType<typeof learnerOf>, text: string): Promise<void> {
  await learner.observe(batchOfTokens(bytesOf(text), 8, 'facts'))
}

/** A memory that is almost full: a fact that has been of use, and text that nobody has asked for. */
async function almostFull(): Promise<EpisodicMemory> {
  const recall = episodicMemory({ bytes: 2 ** 18 })
  const learner = learnerOf(parts({ recall }))
  for (let time = 0; time < 6; time++) await read(learner, fact)
  for (let i = 0; recall.bytes < 6100; i++)
    await read(learner, `${i * 7919 + 10_000_000}-${i}`.padEnd(40, '='))
  return recall
}

describe('memoryJob', () => {
  test('lets go of what was read again, says how much, and what it knows stays', async () => {
    const recall = episodicMemory({ bytes: 2 ** 18 })
    const learner = learnerOf(sleeping(recall, everySteps(6)))
    for (let time = 0; time < 5; time++) await read(learner, fact)
    const [bytes, episodes] = [recall.bytes, recall.episodes]
    const asked = bytesOf('he keeper of Zorvath is M')
    const known = recall.recollect(asked)
    expect(known).not.toBeNull()
    await read(learner, fact)
    const [{ jobs }] = sleepsIn(learner.journal)
    expect(jobs).toMatchObject([{ job: 'memory', kept: true, operations: 0 }])
    expect(jobs[0].reason).toMatch(
      /^\d+ episodes were there again, 0 were of least use; \d+ bytes of \d+ stay$/,
    )
    expect(jobs[0].after).toBe(recall.bytes)
    expect(recall.bytes).toBeLessThan(bytes / 3)
    expect(recall.episodes).toBeLessThan(episodes / 3)
    expect(recall.recollect(asked)?.bytes).toEqual(known?.bytes)
    // There is nothing to do at once again, and no word of it.
    expect((await learner.sleep()).jobs).toEqual([])
  })
  test('makes room asleep, of what was of least use, so that nothing has to go awake', async () => {
    const recall = await almostFull()
    const { bytes } = recall
    const done = recall.upkeep?.()
    expect(done?.evicted).toBeGreaterThan(2)
    expect(done).toMatchObject({ before: bytes, after: recall.bytes })
    expect(recall.bytes).toBeLessThan(0.95 * bytes)
    expect(recall.recollect(bytesOf('keeper of Zorvath is '))).not.toBeNull()
    expect(recall.upkeep?.()).toBeNull()
  })
  test('is undone with what another job cannot do', async () => {
    const recall = episodicMemory({ bytes: 2 ** 18 })
    const own = memoryJob()
    const failing = {
      ...own,
      run: async (context: never) => (await own.run(context), Promise.reject(new RangeError('no'))),
    }
    const learner = learnerOf(parts({ recall, sleep: sleep({ when: neverTrigger, jobs: [failing] }) }))
    for (let time = 0; time < 5; time++) await read(learner, fact)
    const before = structuredClone(recall.toState())
    expect((await learner.sleep()).jobs).toMatchObject([{ job: 'memory', kept: false }])
    expect(recall.toState()).toEqual(before)
  })
  test('is refused beside no recall, and beside one that cannot', () => {
    expect(() => learnerOf(sleeping(undefined))).toThrow(OptionError)
    expect(() => learnerOf(sleeping(undefined))).toThrow(/got no recall/)
    const { upkeep: _, ...without } = episodicMemory({ bytes: 2 ** 18 })
    expect(() => learnerOf(sleeping(without))).toThrow(/which has no upkeep/)
  })
})
