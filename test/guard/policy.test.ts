/** Policies: what is wrong with a file is said by line and field, and what is right is held. */
import { checkPolicy, type GuardRecord, policyGuard, readPolicy } from '@burgeon/continual'
import { PolicyError } from 'burgeon/continual'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { times } from '../how-long.ts'

const whole = `{
  "learn": {
    "sources": { "allow": ["nats://*", "mail"], "refuse": ["nats://evil"] },
    "domains": { "refuse": ["gossip*"] },
    "phrases": ["blue falcon"],
    "patterns": ["no-[0-9]{4}"],
    "personalData": "redact"
  },
  "say": { "phrases": ["blue falcon"], "personalData": true },
  "grow": { "kinds": ["widenMlp", "addLayer"], "maxParameters": 1000 },
  "approve": { "growthAbove": 500, "forget": true, "policy": true, "budget": true }
}`

test('a policy is read as it stands, and may leave out everything', () => {
  expect(readPolicy(whole)).toEqual(JSON.parse(whole))
  expect(checkPolicy(readPolicy('{}'))).toEqual({})
})

describe('a wrong one is refused, with the line and the field', () => {
  test.each([
    [['"redact"', '"hide"'], 7, 'learn.personalData', 'quarantine'],
    [['"gossip*"', '7'], 4, 'learn.domains.refuse[0]', 'a name'],
    [['"mail"', '""'], 3, 'learn.sources.allow[1]', 'a name'],
    [['["blue falcon"],\n    "pat', '"blue falcon",\n    "pat'], 5, 'learn.phrases', 'a list'],
    [['["no-[0-9]{4}"]', '[null]'], 6, 'learn.patterns[0]', 'got null; expected a pattern'],
    [['"blue falcon"],\n    "pat', 'null],\n    "pat'], 5, 'learn.phrases[0]', 'got null'],
    [['no-[0-9]{4}', 'no-[0-9]*'], 6, 'learn.patterns[0]', 'repeats without end'],
    [['"say": {', '"sya": {'], 9, 'sya', 'no such field; expected one of learn, say, grow, approve'],
    [['"maxParameters": 1000', '"maxParameters": -1'], 10, 'grow.maxParameters', '-1'],
    [['"addLayer"', '"addlayer"'], 10, 'grow.kinds[1]', 'addLayer'],
    [['"forget": true', '"forget": "yes"'], 11, 'approve.forget', 'true or false'],
    [['"budget": true', '"budget": true, "x": 1'], 11, 'approve.x', 'no such field'],
  ])('%j', ([from, to], line, field, expected) => {
    const text = whole.replace(from, to)
    expect(() => readPolicy(text)).toThrow(PolicyError)
    expect(() => readPolicy(text)).toThrow(`line ${line}: `)
    expect(() => readPolicy(text)).toThrow(field)
    expect(() => readPolicy(text)).toThrow(expected)
  })
  test('also where it is no JSON, no object, or too long', () => {
    expect(() => readPolicy(whole.replace('"redact"', 'redact'))).toThrow(/line 7: this is no JSON/)
    expect(() => readPolicy(whole.slice(0, -20))).toThrow(/line 11: this is no JSON/)
    expect(() => readPolicy(`${whole} 1`)).toThrow(/line 12: this is no JSON/)
    for (const broken of [
      '',
      '{',
      '[1 2]',
      '{"a":}',
      '{"a"}',
      '{,}',
      '[1,]',
      '{"a":1,}',
      "{'a':1}",
      '01',
      '"a',
      '['.repeat(9000),
    ]) {
      expect(() => readPolicy(broken), broken.slice(0, 9)).toThrow(/line 1: this is no JSON/)
    }
    expect(() => readPolicy('[]')).toThrow(/the whole: got/)
    expect(() => readPolicy('null')).toThrow(PolicyError)
    expect(() => readPolicy(`{${' '.repeat(1 << 20)}}`)).toThrow(/characters/)
    expect(() => checkPolicy({ grow: { kinds: 1 } })).toThrow(/grow\.kinds: got 1/)
  })
  test('whatever the JSON is, an answer comes: it is one, or a PolicyError', () => {
    const part = fc.constantFrom(
      'learn',
      'say',
      'grow',
      'approve',
      'phrases',
      'patterns',
      'kinds',
      'a"b',
      '\n',
    )
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { maxDepth: 4 },
        fc.jsonValue(),
        fc.dictionary(part, tie('tree')),
        fc.array(tie('tree'), { maxLength: 3 }),
      ),
    }))
    fc.assert(
      fc.property(tree, fc.nat(4), (value, spaces) => {
        const json = JSON.stringify(value, null, spaces)
        try {
          expect(readPolicy(json)).toEqual(JSON.parse(json))
        } catch (error) {
          expect(error).toBeInstanceOf(PolicyError)
          const [, line] = /line (\d+)/.exec((error as Error).message) ?? []
          expect(Number(line)).toBeLessThanOrEqual(json.split('\n').length)
        }
      }),
      { numRuns: times(400, 20_000) },
    )
  })
})

describe('as a guard', () => {
  const policy = readPolicy(whole)
  const asked = (record: Partial<GuardRecord>) => {
    const guard = policyGuard(policy)
    const all = { text: 'plain words', source: 'mail', domain: 'notes', ...record }
    for (const member of guard.members ?? [guard]) {
      const decision = member.admit(all, { step: 0, at: 0 })
      if (decision.verdict !== 'learn') return decision
    }
    return { verdict: 'learn' }
  }
  test.each<[Partial<GuardRecord>, string, string]>([
    [{}, 'learn', ''],
    [{ source: 'nats://home/x' }, 'learn', ''],
    [{ source: 'self' }, 'learn', ''],
    [{ source: 'nats://evil' }, 'refuse', 'a source'],
    [{ source: 'mail2' }, 'refuse', 'a source'],
    [{ source: 'unknown' }, 'refuse', 'a source'],
    [{ domain: 'gossip of the day' }, 'refuse', 'a domain'],
    [{ text: 'the Blue\nFalcon' }, 'refuse', 'a phrase or pattern'],
    [{ text: 'it is no-1234' }, 'refuse', 'a phrase or pattern'],
    [{ key: 'no-1234' }, 'refuse', 'a phrase or pattern'],
    [{ text: 'anna@example.org' }, 'redact', 'an e-mail address'],
  ])('%j: %s', (record, verdict, reason) => {
    const decision = asked(record) as { verdict: string; reasons?: string[] }
    expect(decision.verdict).toBe(verdict)
    expect(decision.reasons?.join() ?? '').toContain(reason)
  })
  test('without rules it lets everything pass', () => {
    const open = policyGuard({})
    expect(open.admit({ text: 'anna@example.org', source: 'x', domain: 'y' }, { step: 0, at: 0 })).toEqual({
      verdict: 'learn',
    })
  })
})
