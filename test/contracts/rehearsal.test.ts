/** The contract of a rehearsal: ours keep it, and ones that are broken in one way each do not. */
import {
  type Batch,
  ownTextReplay,
  padding,
  type Rehearsal,
  reservoirReplay,
  type TokenBatch,
} from '@burgeon/continual'
import { checkRehearsal } from '@burgeon/continual/testing'
import { OptionError } from '@burgeon/tensor'
import { expect, test } from 'vitest'

const replay = (): Rehearsal => reservoirReplay({ capacity: 12, share: 0.75, seed: 4 })

test.each<[string, () => Rehearsal]>([
  ['a replay', replay],
  ['a replay of everything', () => reservoirReplay({ capacity: 500, share: 2 })],
  ['a replay of one row', () => reservoirReplay({ capacity: 1 })],
  [
    'a replay beside own text',
    () => ownTextReplay({ rows: 4, share: 0.5, beside: reservoirReplay({ capacity: 20 }) }),
  ],
])('%s keeps every statement', (_, make) => {
  const results = checkRehearsal(make)
  expect(results.filter(({ holds }) => !holds)).toEqual([])
  expect(results).toHaveLength(8)
})

/** A batch in which one thing is other than it was. */
const withTokens = (batch: Batch | null, change: (token: number) => number): Batch | null =>
  batch && { ...batch, tokens: tokensOf(batch).map((token) => (token === padding ? token : change(token))) }

const tokensOf = (batch: Batch): Int32Array => (batch as TokenBatch).tokens

const broken: Readonly<Record<string, (own: Rehearsal) => Partial<Rehearsal>>> = {
  'recalls nothing before': () => ({
    sample: () => ({ rows: 1, length: 4, tokens: Int32Array.of(1, 2, 3, 4, 5), domains: ['first'] }),
  }),
  'gives back rows': (own) => ({ recall: (context) => withTokens(own.recall(context), (t) => (t + 1) % 16) }),
  'samples no more': (own) => ({ sample: (rows) => own.sample(rows + 1) }),
  'changes nothing that it is given': (own) => ({
    remember(context) {
      own.remember(context)
      tokensOf(context.fresh).fill(3)
    },
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
}

test.each(Object.entries(broken))('one that breaks "%s" is told so', (statement, change) => {
  const make = (): Rehearsal => {
    const own = replay()
    return { ...own, ...change(own) }
  }
  const wrong = checkRehearsal(make).filter(({ holds }) => !holds)
  expect(wrong.some((result) => result.statement.includes(statement))).toBe(true)
  for (const { detail } of wrong) expect(detail).not.toBe('as stated')
})

test('one that throws is told what it threw', () => {
  const make = (): Rehearsal => ({
    ...replay(),
    sample() {
      throw new RangeError('no rows today')
    },
  })
  expect(checkRehearsal(make).find(({ holds }) => !holds)?.detail).toBe('RangeError: no rows today')
})

test('what makes no rehearsal is refused', () => {
  for (const make of [null, 3, () => null, () => ({ name: 'half' })]) {
    expect(() => checkRehearsal(make as never)).toThrow(OptionError)
  }
})
