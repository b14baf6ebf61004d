/** The contract of a rehearsal: ours keep it, and ones that are broken in one way each do not. */
import {
  balancedMemory,
  type Batch,
  darkReplay,
  feedbackMemory,
  greedyMemory,
  interference,
  lossAwareMemory,
  ownTextReplay,
  padding,
  type Rehearsal,
  replay as replayOf,
  reservoirReplay,
  ringMemory,
  surpriseMemory,
  type TokenBatch,
} from '@burgeon/continual'
import { checkRehearsal } from '@burgeon/continual/testing'
import { multiply, OptionError, sum } from '@burgeon/tensor'
import { expect, test } from 'vitest'

const replay = (): Rehearsal => reservoirReplay({ capacity: 12, share: 0.75, seed: 4 })

test.each<[string, () => Rehearsal]>([
  ['a replay', replay],
  ['a replay of everything', () => reservoirReplay({ capacity: 500, share: 2 })],
  ['a replay of one row', () => reservoirReplay({ capacity: 1 })],
  ['a replay of 60 bytes', () => reservoirReplay({ capacity: { bytes: 60 } })],
  ['a ring', () => replayOf({ capacity: 12, memory: ringMemory() })],
  ['a balanced reservoir', () => replayOf({ capacity: 12, memory: balancedMemory(), seed: 2 })],
  ['a balanced reservoir of 60 bytes', () => replayOf({ capacity: { bytes: 60 }, memory: balancedMemory() })],
  ['a loss-aware reservoir', () => replayOf({ capacity: 12, memory: lossAwareMemory({ halfLife: 7 }) })],
  ['what surprises', () => replayOf({ capacity: 12, memory: surpriseMemory() })],
  [
    'what the new rows hurt most',
    () => replayOf({ capacity: 12, retrieval: interference({ candidates: 2 }), share: 0.5 }),
  ],
  ['dark replay', () => darkReplay({ capacity: 12, seed: 1 })],
  [
    'dark replay of exact outputs in bytes',
    () => darkReplay({ capacity: { bytes: 900 }, logits: 'f32', beta: 0 }),
  ],
  ['a greedy memory', () => replayOf({ capacity: 12, memory: greedyMemory() })],
  [
    'a replay beside own text',
    () => ownTextReplay({ rows: 4, share: 0.5, beside: reservoirReplay({ capacity: 20 }) }),
  ],
  [
    'a replay beside feedback',
    () => feedbackMemory({ capacity: 4, beside: reservoirReplay({ capacity: 20 }) }),
  ],
])('%s keeps every statement', async (_, make) => {
  const results = await checkRehearsal(make)
  expect(results.filter(({ holds }) => !holds)).toEqual([])
  expect(results).toHaveLength(make().loss ? 13 : 12)
})

/** A batch in which one thing is other than it was. */
const withTokens = (batch: Batch | null, change: (token: number) => number): Batch | null =>
  batch && { ...batch, tokens: tokensOf(batch).map((token) => (token === padding ? token : change(token))) }

const withoutOrigins = (batch: Batch | null): Batch | null => {
  if (batch === null) return null
  const { origins: _, ...rest } = batch
  return rest
}

const withoutWeights = (batch: Batch | null): Batch | null => {
  if (batch === null) return null
  const { weights: _, ...rest } = batch
  return rest
}

const tokensOf = (batch: Batch): Int32Array => (batch as TokenBatch).tokens

const broken: Readonly<Record<string, (own: Rehearsal) => Partial<Rehearsal>>> = {
  'recalls nothing before': () => ({
    sample: () => ({ rows: 1, length: 4, tokens: Int32Array.of(1, 2, 3, 4, 5), domains: ['first'] }),
  }),
  'gives back rows': (own) => ({
    recall: async (context) => withTokens(await own.recall(context), (t) => (t + 1) % 16),
  }),
  'says of every row': (own) => ({ sample: (rows) => withoutOrigins(own.sample(rows)) }),
  'gives back the weights': (own) => ({ sample: (rows) => withoutWeights(own.sample(rows)) }),
  'samples no more': (own) => ({ sample: (rows) => own.sample(rows + 1) }),
  'changes nothing that it is given': (own) => ({
    remember(context) {
      own.remember(context)
      tokensOf(context.fresh).fill(3)
    },
  }),
  'recalls nothing of a domain': (own) => ({
    recall: ({ domainFactors: _, ...context }) => own.recall(context),
  }),
  'is as it was when': (own) => ({ mark: () => () => void own.sample(1) }),
  'goes on to the bit': (own) => {
    let steps = 0
    return {
      remember(context) {
        own.remember(context)
        steps++
      },
      recall: (context) => (steps % 7 === 3 ? null : own.recall(context)),
    }
  },
  'refuses a state that is not its own': (own) => ({
    restore(state) {
      try {
        own.restore(state)
      } catch {
        // As if nothing had happened.
      }
    },
  }),
  'puts another row': () => ({ recode: () => {} }),
  'after that, too': (own) => {
    let isRecoded = false
    return {
      recode(encoded) {
        own.recode?.(encoded)
        isRecoded = true
      },
      recall: (context) => (isRecoded ? null : own.recall(context)),
    }
  },
}

test.each(Object.entries(broken))('one that breaks "%s" is told so', async (statement, change) => {
  const make = (): Rehearsal => {
    const own = replay()
    return { ...own, ...change(own) }
  }
  const wrong = (await checkRehearsal(make)).filter(({ holds }) => !holds)
  expect(wrong.some((result) => result.statement.includes(statement))).toBe(true)
  for (const { detail } of wrong) expect(detail).not.toBe('as stated')
})

test.each<[string, NonNullable<Rehearsal['loss']>]>([
  ['less than nothing', (weights) => multiply(sum(Object.values(weights)[0]), Number.NaN)],
  ['a row', (weights) => Object.values(weights)[0]],
  ['nothing ever', () => null],
])('one that adds %s is told so', async (_, loss) => {
  const wrong = (await checkRehearsal(() => ({ ...replay(), loss }))).filter(({ holds }) => !holds)
  expect(wrong.map(({ statement }) => statement)).toEqual([
    expect.stringContaining('adds a finite scalar from 0 on'),
  ])
})

test('one that throws is told what it threw', async () => {
  const make = (): Rehearsal => ({
    ...replay(),
    sample() {
      throw new RangeError('no rows today')
    },
  })
  expect((await checkRehearsal(make)).find(({ holds }) => !holds)?.detail).toBe('RangeError: no rows today')
})

test('what makes no rehearsal is refused', async () => {
  for (const make of [null, 3, () => null, () => ({ name: 'half' })]) {
    await expect(checkRehearsal(make as never)).rejects.toThrow(OptionError)
  }
})
