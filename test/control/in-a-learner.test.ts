/** A controller in a learner: its knobs act from the next step on, its state is saved, and a failure of it is an event. */
import { adamw, sgd } from '@burgeon/autograd/optim'
import {
  batchOfTokens,
  type Controller,
  type ControlSignals,
  dryRunControl,
  forgetAtMost,
  heldBack,
  type Knobs,
  Learner,
  type LearnerState,
  l2ToInitial,
  reservoirReplay,
  type StepReport,
  type Strategy,
  type Upkeep,
} from '@burgeon/continual'
import { Gpt } from '@burgeon/gpt'
import { OptionError, StateError } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { expect, test } from 'vitest'

const device = openReference()
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const modelOf = (): Gpt =>
  Gpt.create({ context: 8, embed: 8, heads: 2, layers: 1, mlpHidden: 8 }, { device, seed: 1 })

function learnerOf(strategy: Strategy, optimizer = adamw({ learningRate: 0.01 })): Learner {
  return new Learner({ model: modelOf(), optimizer, strategy })
}

/** Always the same knobs. */
const fixed = (knobs: Partial<Knobs>): Controller<null> => ({
  name: 'fixed',
  initial: null,
  decide: () => ({ knobs, reason: null, state: null }),
})

const texts = ['she sells sea shells', 'by the sea shore now', 'the shells she sells', 'are sea shells I say']
async function live(learner: Learner, count: number, from = 0): Promise<StepReport[]> {
  const reports: StepReport[] = []
  for (let i = from; i < from + count; i++) {
    reports.push(await learner.observe(batchOfTokens(bytes(texts[i % 4]), 8, i % 8 < 4 ? 'a' : 'b')))
  }
  return reports
}

const weightsOf = async ({ model }: Learner): Promise<unknown> => (await model.toState()).weights

test('knobs of 1 change no bit', async () => {
  const strategy = (): Strategy => ({ rehearsal: reservoirReplay({ capacity: 6, share: 1 }) })
  const [without, beside] = [learnerOf(strategy()), learnerOf({ ...strategy(), controller: fixed({}) })]
  expect(await live(beside, 8)).toEqual(await live(without, 8))
  expect(await weightsOf(beside)).toEqual(await weightsOf(without))
})

test('a rate of 0 leaves the weights where they are, from the step after the decision on', async () => {
  const learner = learnerOf({ controller: fixed({ rate: 0 }) }, sgd({ learningRate: 0.1 }))
  const born = await weightsOf(learner)
  await live(learner, 1)
  const afterOne = await weightsOf(learner)
  expect(afterOne).not.toEqual(born)
  await live(learner, 3, 1)
  expect(await weightsOf(learner)).toEqual(afterOne)
})

test('a share of 0 rehearses nothing, and one of 2 twice as much', async () => {
  const oldRows = async (rehearsalShare: number): Promise<number> => {
    let old = 0
    const counting = {
      name: 'counts',
      afterStep: (context: { readonly old: { readonly rows: number } | null }) => {
        old += context.old?.rows ?? 0
        return []
      },
    }
    const rehearsal = reservoirReplay({ capacity: 50, share: 0.5 })
    const learner = learnerOf({ rehearsal, upkeep: [counting], controller: fixed({ rehearsalShare }) })
    await live(learner, 21)
    return old
  }
  const [none, usual, twice] = [await oldRows(0), await oldRows(1), await oldRows(2)]
  expect(none).toBeLessThanOrEqual(1)
  expect(usual).toBeGreaterThan(15)
  expect(twice).toBeGreaterThan(1.8 * usual)
})

/** Domains of the old rows of some steps, once there are rows of both. */
async function oldDomains(learner: (upkeep: Upkeep) => Learner): Promise<Set<string>> {
  const found = new Set<string>()
  const noting: Upkeep = {
    name: 'notes',
    afterStep({ step, old }) {
      for (const domain of (step > 8 && old?.domains) || []) found.add(domain)
      return []
    },
  }
  await live(learner(noting), 30)
  return found
}

test('old rows come from the domains that it wants, from the step after the decision on', async () => {
  const learner = (domains: Readonly<Record<string, number>>) => (noting: Upkeep) =>
    learnerOf({
      rehearsal: reservoirReplay({ capacity: 50, share: 1 }),
      upkeep: [noting],
      controller: fixed({ domains }),
    })
  expect(await oldDomains(learner({}))).toEqual(new Set(['a', 'b']))
  expect(await oldDomains(learner({ a: 0 }))).toEqual(new Set(['b']))
  expect(await oldDomains(learner({ b: 0 }))).toEqual(new Set(['a']))
})

test('a penalty counts as often as the knob says', async () => {
  const told = async (penalty: number): Promise<number> => {
    const learner = learnerOf({
      penalties: [l2ToInitial({ strength: 0.1 })],
      controller: fixed({ penalty, rate: 1 }),
    })
    const [, second] = await live(learner, 2)
    return Object.values(second.penalties).reduce((a, b) => a + b, 0)
  }
  const usual = await told(1)
  expect(usual).toBeGreaterThan(0)
  expect((await told(3)) / usual).toBeCloseTo(3, 6)
})

const probed = (): Strategy => ({
  rehearsal: reservoirReplay({ capacity: 12, share: 1 }),
  probes: heldBack({ share: 0.3, every: 2, costShare: 10 }),
  controller: forgetAtMost(0.001),
})

test('it judges by what is measured, and the journal tells the same decisions again', async () => {
  const learner = learnerOf(probed())
  const reports = await live(learner, 60)
  const told = learner.journal.flatMap((event) => (event.kind === 'control' ? [event] : []))
  expect(told.length).toBeGreaterThan(5)
  const probes = Object.fromEntries(
    learner.journal.flatMap((event) => (event.kind === 'probed' ? [[event.step, event.data.domains]] : [])),
  )
  const decisions = dryRunControl(forgetAtMost(0.001), {
    bitsPerByte: reports.map(({ bitsPerByte }) => bitsPerByte),
    probes,
  })
  for (const { step, data } of told) {
    expect([data.knobs, data.reason]).toEqual([decisions[step - 1].knobs, decisions[step - 1].reason])
  }
  expect(told.some(({ data }) => data.knobs.rehearsalShare > 0)).toBe(true)
})

test('a life that is saved and taken up at any step goes on to the same bits', async () => {
  const optimizer = () => adamw({ learningRate: 0.01 })
  const whole = learnerOf(probed())
  const states: LearnerState[] = []
  for (let step = 0; step < 12; step++) {
    states.push(structuredClone(await whole.toState()))
    await live(whole, 1, step)
  }
  const last = await whole.toState()
  for (const at of [1, 5, 8]) {
    const resumed = Learner.fromState(states[at], { optimizer: optimizer(), strategy: probed(), device })
    await live(resumed, 12 - at, at)
    expect(await resumed.toState(), `from step ${at}`).toEqual(last)
  }
})

test('a damaged state is refused', async () => {
  const learner = learnerOf(probed())
  await live(learner, 3)
  const state = await learner.toState()
  const damaged = (change: object): LearnerState => ({
    ...state,
    parts: state.parts.map((part) =>
      part.role === 'controller' ? { ...part, state: { ...(part.state as object), ...change } } : part,
    ),
  })
  expect(state.parts.map(({ role }) => role)).toContain('controller')
  const restore = (change: object) => () =>
    Learner.fromState(damaged(change), {
      optimizer: adamw({ learningRate: 0.01 }),
      strategy: probed(),
      device,
    })
  expect(restore({})).not.toThrow()
  const none = {
    ...{ multipliers: [], forgotten: [], lately: null, before: null, usually: null },
    stuckSince: null,
  }
  expect(restore({ controller: none })).not.toThrow()
  for (const change of [
    { knobs: null },
    { knobs: { rate: -1, penalty: 1, rehearsalShare: 1 } },
    { knobs: { rate: 1, penalty: 1 } },
    { knobs: { rate: 1, penalty: 1, rehearsalShare: 1, domains: { a: -1 } } },
    { knobs: { rate: 1, penalty: 1, rehearsalShare: 1, domains: [2] } },
    { controller: null },
    { controller: { ...none, multipliers: [['a', -1]] } },
    { controller: { ...none, lately: 'low' } },
    { controller: { ...none, stuckSince: -1 } },
  ]) {
    expect(restore(change), JSON.stringify(change)).toThrow(StateError)
  }
})

test('one that fails, or decides nothing that can be, is an event; its knobs stay, and all goes on', async () => {
  let step = 0
  const wrong = [() => Promise.resolve(), () => null, () => ({ knobs: { rate: -1 }, reason: null, state: 0 })]
  const failing: Controller = {
    name: 'fails',
    initial: 0,
    decide: (({ step: now }: ControlSignals) => {
      step = now
      if (now === 1) return { knobs: { rate: 0 }, reason: 'stops', state: 1 }
      if (now === 2) throw new Error('broken')
      return wrong[now % 3]()
    }) as never,
  }
  const learner = learnerOf({ controller: failing }, sgd({ learningRate: 0.1 }))
  await live(learner, 1)
  const stopped = await weightsOf(learner)
  await live(learner, 4, 1)
  expect(step).toBe(5)
  expect(await weightsOf(learner)).toEqual(stopped)
  const kinds = learner.journal.map(({ kind }) => kind)
  expect(kinds).toEqual(['control', ...Array.from({ length: 4 }, () => 'control refused')])
  expect(learner.journal[1].summary).toContain('broken')
})

test('knobs of a fork multiply those of the controller', async () => {
  const learner = learnerOf({ controller: fixed({ rate: 0.5 }) }, sgd({ learningRate: 0.1 }))
  await live(learner, 1)
  const half = learner.fork({ rate: 2 })
  await half.observe(batchOfTokens(bytes(texts[1]), 8, 'a'))
  await half.keep()
  const usual = learnerOf({}, sgd({ learningRate: 0.1 }))
  await live(usual, 1)
  await usual.observe(batchOfTokens(bytes(texts[1]), 8, 'a'))
  expect(await weightsOf(learner)).toEqual(await weightsOf(usual))
})

test('what a fork wants of domains comes on top of it', async () => {
  const rehearsal = reservoirReplay({ capacity: 50, share: 4 })
  const learner = learnerOf({ rehearsal, controller: fixed({ domains: { a: 0 } }) })
  await live(learner, 8)
  const both = learner.fork({ domains: { b: 0 } })
  expect((await both.observe(batchOfTokens(bytes(texts[0]), 8, 'a'))).rehearsedRows).toBe(0)
  await both.drop()
  const fork = learner.fork({ domains: { b: 5 } })
  expect((await fork.observe(batchOfTokens(bytes(texts[0]), 8, 'a'))).rehearsedRows).toBeGreaterThan(3)
  await fork.drop()
  expect(() => learner.fork({ domains: { b: -1 } })).toThrow(OptionError)
  expect(() => learner.fork({ domains: { b: 'much' } as never })).toThrow(/each domain/)
})

test('one that judges by rows that are held back needs some', () => {
  expect(() => learnerOf({ controller: forgetAtMost() })).toThrow(OptionError)
  expect(() => learnerOf({ controller: { name: 'none' } as never })).toThrow(OptionError)
})
