/** The door of a learner: judged before anything is made of a text, told in the journal, and no word of it anywhere. */
import {
  batchOfTokens,
  chooseAmong,
  type Guard,
  guards,
  heldBack,
  Learner,
  provenance,
  reservoirReplay,
  type Strategy,
} from '@burgeon/continual'
import { adamw } from '@burgeon/autograd/optim'
import { Gpt } from '@burgeon/gpt'
import { OptionError, StateError } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { GuardError } from 'burgeon/continual'
import { expect, test } from 'vitest'

const device = openReference()
const canary = 'zebra-4711'

/** Refuses, keeps apart, redacts or distrusts what says so. */
const byWord: Guard = {
  name: 'by word',
  reasons: ['refused word', 'doubtful word', 'secret word'],
  admit({ text }) {
    if (text.includes('refuse')) return { verdict: 'refuse', reasons: ['refused word'] }
    if (text.includes('doubt')) return { verdict: 'quarantine', reasons: ['doubtful word'] }
    if (text.includes('fail')) throw new Error(`cannot judge ${text}`)
    if (!text.includes('secret')) return { verdict: 'learn' }
    return { verdict: 'redact', text: text.replaceAll('secret', '[…]'), reasons: ['secret word'] }
  },
}

const options = () => ({ optimizer: adamw({ learningRate: 0.01 }), seed: 1 })

function learnerWith(strategy: Strategy): Learner {
  const model = Gpt.create({ context: 16, embed: 8, heads: 2, layers: 1 }, { device, seed: 1 })
  return new Learner({ model, ...options(), strategy })
}

const record = (text: string) => ({ text, source: 'mail', domain: 'notes' })

test('a text is learnt as it comes, redacted, kept apart or refused, and one that cannot be judged is kept apart', () => {
  const { door } = learnerWith({ guard: byWord })
  expect(door.isGuarded).toBe(true)
  expect(door.admit(record('plain words'))).toEqual({
    ...{ verdict: 'learn', text: 'plain words', trust: 1, reasons: [], by: null },
  })
  expect(door.admit(record('a secret here'))).toMatchObject({ verdict: 'redact', text: 'a […] here' })
  expect(door.admit(record('I doubt it'))).toMatchObject({ verdict: 'quarantine', text: 'I doubt it' })
  expect(door.admit(record('do refuse'))).toMatchObject({ verdict: 'refuse', text: '' })
  expect(door.admit(record('will fail'))).toMatchObject({
    ...{ verdict: 'quarantine', reasons: ['the guard failed'], by: 'by word' },
  })
  expect(door.summary.asked).toBe(5)
  expect(door.summary.decisions.map(({ verdict, records }) => [verdict, records])).toEqual([
    ['redact', 1],
    ['quarantine', 1],
    ['refuse', 1],
    ['quarantine', 1],
  ])
})

test('without a guard all is learnt as it comes, and nothing is counted', () => {
  const { door } = learnerWith({})
  expect(door.isGuarded).toBe(false)
  expect(door.admit({ ...record('do refuse'), trust: 0.5 })).toMatchObject({ verdict: 'learn', trust: 0.5 })
  expect(door.summary).toEqual({ asked: 0, decisions: [] })
})

test('what is no record is refused, and the message shows none of the text', () => {
  const { door } = learnerWith({ guard: byWord })
  for (const wrong of [null, {}, { ...record(canary), trust: 2 }, { text: canary, source: 3, domain: 'a' }]) {
    expect(() => door.admit(wrong as never)).toThrow(OptionError)
    expect(() => door.admit(wrong as never)).not.toThrow(canary)
  }
  expect(() => door.noteOwn(3 as never)).toThrow(OptionError)
})

test('members of a chain are asked in turn: redactions follow each other, trust multiplies, the first refusal ends it', () => {
  const seen: string[] = []
  const listens: Guard = {
    name: 'listens',
    reasons: [],
    admit({ text }) {
      seen.push(text)
      return { verdict: 'learn', trust: 0.5 }
    },
  }
  const { door } = learnerWith({ guard: guards(byWord, listens, provenance({ unknown: 0.2 })) })
  expect(door.admit({ ...record('a secret'), trust: 0.5 })).toEqual({
    ...{ verdict: 'redact', text: 'a […]', trust: 0.05, reasons: ['secret word'], by: 'by word' },
  })
  expect(door.admit(record('refuse a secret')).verdict).toBe('refuse')
  expect(seen).toEqual(['a […]'])
})

test('decisions are events of the next step, alike ones together, and no word of a text is among them', async () => {
  const learner = learnerWith({ guard: byWord })
  for (let i = 0; i < 5; i++) learner.door.admit(record(`refuse ${canary} ${i}`))
  learner.door.admit(record(`secret ${canary}`))
  const report = await learner.observe('plain words')
  const told = report.events.filter(({ kind }) => kind === 'guard')
  expect(told).toEqual([
    {
      ...{ kind: 'guard', step: 1, part: 'by word', summary: '5 texts refused from mail: refused word' },
      data: { verdict: 'refuse', reasons: ['refused word'], source: 'mail', records: 5, bytes: 95 },
    },
    {
      ...{ kind: 'guard', step: 1, part: 'by word', summary: '1 text redacted from mail: secret word' },
      data: { verdict: 'redact', reasons: ['secret word'], source: 'mail', records: 1, bytes: 17 },
    },
  ])
  expect((await learner.observe('plain words')).events).toEqual([])
  expect(JSON.stringify([learner.journal, (await learner.toState()).parts])).not.toContain(canary)
})

test('a flood from a thousand sources makes a bounded number of events', async () => {
  const learner = learnerWith({ guard: byWord })
  for (let i = 0; i < 1000; i++) learner.door.admit({ ...record('refuse'), source: `source ${i}` })
  const { events } = await learner.observe('plain words')
  expect(events).toHaveLength(65)
  expect(events.reduce((sum, { data }) => sum + (data as { records: number }).records, 0)).toBe(1000)
})

test('observe and fork.observe ask for texts themselves; nothing is learnt of what is not let in', async () => {
  const learner = learnerWith({ guard: byWord })
  const before = await learner.model.toState()
  for (const text of [`refuse ${canary}`, `doubt ${canary}`, `fail ${canary}`]) {
    const error = await learner.observe(text).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(GuardError)
    expect((error as Error).message).not.toContain(canary)
  }
  const fork = learner.fork()
  await expect(fork.observe('refuse')).rejects.toThrow(GuardError)
  await fork.drop()
  expect(learner.step).toBe(0)
  expect(await learner.model.toState()).toEqual(before)
  // The same bits as of what is left of the text.
  const other = learnerWith({})
  await learner.observe('a secret word')
  await other.observe('a […] word')
  expect(await learner.model.toState()).toEqual(await other.model.toState())
})

test('a guard that lets everything in changes no bit', async () => {
  const states = await Promise.all(
    [{}, { guard: guards(byWord, provenance({ unknown: 1 })) }].map(async (strategy) => {
      const learner = learnerWith({ rehearsal: reservoirReplay({ capacity: 20 }), ...strategy })
      for (let i = 0; i < 6; i++) await learner.observe(`plain words ${i}`)
      const { parts, ...state } = await learner.toState()
      return { ...state, parts: parts.filter(({ role }) => role !== 'guard') }
    }),
  )
  expect(states[0]).toEqual(states[1])
})

test('a saved learner goes on with the account of its door; a guard may come later, and is not lost by mistake', async () => {
  const learner = learnerWith({ guard: guards(byWord) })
  for (const text of ['refuse', 'secret', 'plain']) learner.door.admit(record(text))
  const state = structuredClone(await learner.toState())
  const strategy = { guard: guards(byWord, provenance()) }
  const resumed = Learner.fromState(state, { ...options(), strategy, device })
  expect(resumed.door.summary).toEqual(learner.door.summary)
  expect((await resumed.observe('plain words')).events).toHaveLength(2)
  expect(() => Learner.fromState(state, { ...options(), device })).toThrow(/had a guard/)
  const plain = structuredClone(await learnerWith({}).toState())
  expect(Learner.fromState(plain, { ...options(), strategy, device }).door.isGuarded).toBe(true)
  for (const part of state.parts) if (part.role === 'guard') (part.state as { asked: number }).asked = -1
  expect(() => Learner.fromState(state, { ...options(), strategy, device })).toThrow(StateError)
})

test('what is tried beside a learner neither forgets nor repeats what guards decided', async () => {
  const guard = guards(byWord)
  const learner = learnerWith({
    ...{ guard, probes: heldBack({ share: 0.5, capacity: 20 }) },
    choice: chooseAmong({ arms: { usual: {}, faster: { rate: 3 } }, every: 4, steps: 4 }),
  })
  let id = 0
  const observe = () => {
    const origins = [0, 1].map(() => ({ id: id++, source: 'mail', domain: 'notes', at: id, trust: 1 }))
    const tokens = Uint8Array.from({ length: 9 }, (_, i) => 97 + ((i * id) % 20))
    return learner.observe({ ...batchOfTokens(tokens, 4, 'notes'), origins })
  }
  for (let i = 0; i < 24; i++) {
    learner.door.admit(record('refuse'))
    await observe()
  }
  expect(learner.journal.some(({ kind }) => kind === 'choice')).toBe(true)
  expect(
    learner.journal
      .filter(({ kind }) => kind === 'guard')
      .map(({ step }) => step)
      .toSorted((a, b) => a - b),
  ).toEqual(Array.from({ length: 24 }, (_, i) => i + 1))
  expect(learner.door.summary).toMatchObject({ asked: 24, decisions: [{ records: 24 }] })
})
