/** The contract of a job of a sleep: ours keep it, and ones that are broken in one way each do not. */
import {
  consolidationJob,
  dreamJob,
  growOnSchedule,
  growthJob,
  episodicMemory,
  healthJob,
  memoryJob,
  onlineEwc,
  pruneDormant,
  rehearsalJob,
  repairJob,
  type SleepJob,
  type Strategy,
} from '@burgeon/continual'
import { checkSleepJob, type SleepJobExpectation } from '@burgeon/continual/testing'
import { add, OptionError, scope } from '@burgeon/tensor'
import { expect, test } from 'vitest'

const protecting = (): Strategy => ({ penalties: [onlineEwc({ strength: 1, rows: 8 })] })
const growing = growOnSchedule([{ step: 8, request: { kind: 'widenMlp', block: 'b0', to: 9 } }])

test.each<[string, () => SleepJob, SleepJobExpectation]>([
  ['rehearsal', () => rehearsalJob(), {}],
  ['rehearsal of a few rows', () => rehearsalJob({ rows: 2, steps: 3 }), {}],
  ['dreams', () => dreamJob(), {}],
  [
    'consolidation',
    consolidationJob,
    { strategy: () => ({ ...protecting(), consolidateWhen: () => false }) },
  ],
  ['health', healthJob, {}],
  ['repair', () => repairJob(), {}],
  ['memory', memoryJob, { strategy: () => ({ recall: episodicMemory({ bytes: 2 ** 18 }) }) }],
  ['growth', () => growthJob(growing), {}],
  ['pruning', () => growthJob(pruneDormant({ every: 1, looks: 1 })), {}],
  ['one with nothing to do', () => ({ ...rehearsalJob(), run: () => null }), { acts: false }],
])('%s keeps every statement', async (_, make, expectation) => {
  const results = await checkSleepJob(make, expectation)
  expect(results.filter(({ holds }) => !holds)).toEqual([])
  expect(results).toHaveLength(6)
})

/** It keeps a count. */
const counting = (): SleepJob => {
  let count = 0
  return {
    name: 'counting',
    changesWeights: true,
    async run({ rehearse }) {
      count++
      return (await rehearse(count)) === null ? null : { summary: `slept ${count} times` }
    },
    toState: () => count,
    restore(state) {
      if (typeof state !== 'number' || state < 0) throw new OptionError('no count')
      count = state
    },
  }
}

const broken: Readonly<Record<string, (own: SleepJob) => Partial<SleepJob>>> = {
  'does something, and says what': () => ({ run: () => null }),
  'changes weights only where it says so': () => ({ changesWeights: false }),
  'leaves steps, the record of predictions and what is held back': () => ({
    run({ between, sample }) {
      const rows = sample(2)
      // What parts see is theirs alone, but losses are those of the record.
      if (rows) (between(rows).losses as number[]).push(3)
      return { summary: 'falsified the record' }
    },
  }),
  'is undone to the bit': () => ({ restore: () => {} }),
  'goes on to the bit': () => ({ toState: () => 7 }),
  'refuses a state that is not its own': (own) => ({
    restore: (state) => own.restore?.(typeof state === 'number' ? state : 0),
  }),
}

test.each(Object.entries(broken))('one that breaks "%s" is told so', async (statement, change) => {
  const make = (): SleepJob => {
    const own = counting()
    return { ...own, ...change(own) }
  }
  const wrong = (await checkSleepJob(make)).filter(({ holds }) => !holds)
  expect(wrong.map((result) => result.statement).join('\n')).toContain(statement)
})

test('one that changes weights behind the back of everybody is told so', async () => {
  const make = (): SleepJob => ({
    name: 'sly',
    changesWeights: false,
    run({ model: { parameters } }) {
      const [{ path, tensor }] = [...parameters]
      scope(() => parameters.replace(path, add(tensor, 1)))
      return { summary: 'nothing of note' }
    },
  })
  const wrong = (await checkSleepJob(make)).filter(({ holds }) => !holds)
  expect(wrong.map(({ statement }) => statement)).toEqual(['sly changes weights only where it says so'])
})

test('what is no job is refused', async () => {
  await expect(checkSleepJob(() => ({ name: 'x' }) as never)).rejects.toThrow(OptionError)
  await expect(checkSleepJob(3 as never)).rejects.toThrow(OptionError)
  await expect(checkSleepJob(counting, { steps: 3 } as never)).rejects.toThrow(OptionError)
})
