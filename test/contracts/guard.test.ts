/** The contract of a guard: ours keep it, and ones that are broken in one way each do not. */
import {
  type Guard,
  type GuardRecord,
  guards,
  novelRepetition,
  ownOutput,
  personalData,
  policyGuard,
  provenance,
  sourceShare,
} from '@burgeon/continual'
import { checkGuard } from '@burgeon/continual/testing'
import { OptionError, StateError } from '@burgeon/tensor'
import { expect, test } from 'vitest'

const unknown: GuardRecord = { text: 'a b', source: 'somebody', domain: 'notes' }
const personal: GuardRecord = { ...unknown, text: 'mail anna@example.org' }

/** Says one thing over and over, and is not trusted. */
const loud: GuardRecord = { ...unknown, text: 'buy this now! '.repeat(50), trust: 0.5 }

/** Knows that the model has written this text. */
function knowingOwn(): Guard {
  const guard = ownOutput()
  guard.noteOwn?.(loud.text)
  return guard
}

/** Refuses a text that has come before: the smallest guard with a state. */
function once(): Guard {
  let seen: readonly string[] = []
  return {
    name: 'once',
    reasons: ['known'],
    admit({ text }) {
      const start = text.slice(0, 20)
      if (seen.includes(start)) return { verdict: 'refuse', reasons: ['known'] }
      seen = [...seen, start].slice(-100)
      return { verdict: 'learn' }
    },
    toState: () => ({ kind: 'once', seen }),
    restore(state) {
      const { kind, seen: saved } = (state ?? {}) as { kind?: unknown; seen?: readonly string[] }
      if (kind !== 'once' || saved === undefined) throw new StateError('once: got another state')
      seen = saved
    },
  }
}

test.each<[string, () => Guard, readonly GuardRecord[]]>([
  ['provenance', () => provenance(), [unknown]],
  ['provenance that refuses', () => provenance({ unknown: 'refuse' }), [unknown]],
  ['source share', () => guards(provenance(), sourceShare({ free: 100 })), [loud]],
  ['source share alone', () => sourceShare({ free: 100 }), [loud]],
  ['novel repetition', () => novelRepetition({ length: 8 }), [loud]],
  ['own output', knowingOwn, [loud]],
  ['one of a user', once, [unknown, unknown]],
  ['personalData', () => personalData(), [personal]],
  ['personalData that refuses', () => personalData('refuse'), [personal]],
  ['policyGuard', () => policyGuard({ learn: { sources: { allow: ['source*'] } } }), [unknown]],
  ['a chain', () => guards(provenance(), once()), [unknown]],
])('%s keeps every statement', (_, make, catches) => {
  const results = checkGuard(make, { catches })
  expect(results.filter(({ holds }) => !holds)).toEqual([])
  expect(results).toHaveLength(7)
})

let asked = 0
const broken: Readonly<Record<string, () => Guard>> = {
  'for reasons that it has said before': () => ({
    ...once(),
    admit: ({ text }) => ({ verdict: 'refuse', reasons: [text] }),
  }),
  'decides of every text': () => ({ ...once(), admit: () => ({ verdict: 'learn', trust: 2 }) }),
  'in the same way': () => ({ ...once(), admit: () => ({ verdict: 'learn', trust: (asked++ % 7) / 7 }) }),
  'changes no record': () => ({
    ...once(),
    admit(record) {
      ;(record as { source: string }).source = ''
      return { verdict: 'learn' }
    },
  }),
  'goes on to the bit': () => ({ ...once(), restore() {} }),
  'refuses a state': () => ({ ...once(), restore() {} }),
  'keeps at most': () => {
    const all: string[] = []
    return {
      ...once(),
      admit({ text }) {
        all.push(text)
        return { verdict: 'learn' }
      },
      toState: () => ({ kind: 'once', seen: all }),
    }
  },
  'finds fault': () => ({ ...once(), admit: () => ({ verdict: 'learn' }) }),
}

test.each(Object.entries(broken))('one that breaks "%s" is told so', (statement, make) => {
  const wrong = checkGuard(make, { catches: [unknown] }).filter(({ holds }) => !holds)
  expect(wrong.map((result) => result.statement)).toContainEqual(expect.stringContaining(statement))
})

test('what is no guard is refused', () => {
  for (const guard of [null, 3, {}, { name: 'a', admit: () => null }])
    expect(() => checkGuard(() => guard as never)).toThrow(OptionError)
})
