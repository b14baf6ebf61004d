/** Personal data at the door of a learner: a life that was sent it is the life that was sent none. */
import { adamw } from '@burgeon/autograd/optim'
import {
  episodicMemory,
  everySteps,
  growingVocabulary,
  guards,
  heldBack,
  Learner,
  personalData,
  type PersonalDataVerdict,
  reservoirReplay,
  type Strategy,
} from '@burgeon/continual'
import { Gpt } from '@burgeon/gpt'
import { OptionError } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { GuardError } from 'burgeon/continual'
import { expect, test } from 'vitest'
import { personalItems } from '../../bench/safety/personal-items.ts'

const device = openReference()
const record = (text: string) => ({ text, source: 'mail', domain: 'notes' })
const context = { step: 0, at: 0 }

test('it is redacted, kept apart or refused, for reasons that say nothing of it', () => {
  const asked = (verdict?: PersonalDataVerdict) =>
    personalData(verdict).admit(record('anna@example.org, 8.8.4.4 and bob@example.org'), context)
  const reasons = ['an address of a machine', 'an e-mail address']
  expect(asked()).toEqual({ verdict: 'redact', text: '[email], [ip] and [email]', reasons })
  expect(asked('quarantine')).toEqual({ verdict: 'quarantine', reasons })
  expect(asked('refuse')).toEqual({ verdict: 'refuse', reasons })
  expect(personalData().admit(record('a plain word'), context)).toEqual({ verdict: 'learn' })
  expect(() => personalData('learn' as never)).toThrow(OptionError)
})

test('one place in a long clean text is enough', () => {
  const text = `${'It rained all day. '.repeat(2000)}anna@example.org`
  expect(personalData('refuse').admit(record(text), context).verdict).toBe('refuse')
})

test('what a text is called cannot be redacted, so the text is kept apart', () => {
  for (const called of [{ key: 'anna@example.org' }, { domain: 'of +49 30 1234567' }]) {
    const decision = personalData().admit({ ...record('a plain word'), ...called }, context)
    expect(decision).toEqual({ verdict: 'quarantine', reasons: ['personal data in what a text is called'] })
    expect(personalData('refuse').admit({ ...record('x'), ...called }, context).verdict).toBe('refuse')
  }
})

/** Everything that a life keeps of what it reads: rows, texts, tokens, held-back rows. */
function lives(strategy: Strategy): Learner {
  const model = Gpt.create({ context: 16, embed: 8, heads: 2, layers: 1 }, { device, seed: 1 })
  return new Learner({
    ...{ model, optimizer: adamw({ learningRate: 0.01 }), seed: 1 },
    strategy: {
      rehearsal: reservoirReplay({ capacity: 40, share: 1, seed: 1 }),
      recall: episodicMemory({ bytes: 2 ** 18 }),
      vocabulary: growingVocabulary({ tokens: 300, tokensAtOnce: 8, growWhen: everySteps(4) }),
      probes: heldBack({ share: 0.1, seed: 1 }),
      ...strategy,
    },
  })
}

/** What a life has, but for the account of its door. */
async function keptBy(learner: Learner): Promise<string> {
  const { parts, journal, ...state } = await learner.toState()
  const own = parts.filter(({ role }) => role !== 'guard')
  const rest = journal.filter((event) => (event as { kind: string }).kind !== 'guard')
  return JSON.stringify({ ...state, own, rest }, (_, value: unknown) =>
    ArrayBuffer.isView(value) ? [...(value as Uint8Array)] : value,
  )
}

const canary = 'carol.canary@mail.example.org'
const texts = [
  `Write to ${canary} at once, she waits.`,
  'It rained all day, and nobody came to see us.',
  ...personalItems(6, 2).map(({ text }) => `${text}; ${canary}`),
]

test('a life at whose door it is redacted has the bits of one that was sent the redacted texts', async () => {
  const [guarded, other, open] = [lives({ guard: personalData() }), lives({}), lives({})]
  for (let turn = 0; turn < 2; turn++) {
    for (const text of texts) {
      await guarded.observe(text)
      await other.observe(personalData().admit(record(text), context).text ?? text)
      await open.observe(text)
    }
  }
  const kept = await keptBy(guarded)
  expect(kept).toBe(await keptBy(other))
  // Without a guard the same texts leave another life, in whose memory the words stand.
  const unguarded = await keptBy(open)
  expect(unguarded).not.toBe(kept)
  const bytes = (text: string): string => [...new TextEncoder().encode(text)].join(',')
  expect(unguarded).toContain(bytes('carol.canary'))
  for (const part of ['canary', 'carol']) {
    expect(kept).not.toContain(part)
    expect(kept).not.toContain(bytes(part))
  }
  const events = guarded.journal.filter(({ kind }) => kind === 'guard')
  expect(events.length).toBeGreaterThan(0)
  expect(JSON.stringify(events)).not.toMatch(/canary|carol/)
})

test('a life that refuses it has the bits of one to which the text never came, and the error says nothing of it', async () => {
  const [guarded, other] = [lives({ guard: guards(personalData('refuse')) }), lives({})]
  for (const text of texts) {
    const isPlain = personalData('refuse').admit(record(text), context).verdict === 'learn'
    if (isPlain) await other.observe(text)
    const learnt = guarded.observe(text)
    if (isPlain) await learnt
    else {
      await expect(learnt).rejects.toThrow(GuardError)
      await expect(learnt).rejects.not.toThrow(/canary/)
    }
  }
  expect(other.step).toBe(1)
  expect(await keptBy(guarded)).toBe(await keptBy(other))
})
