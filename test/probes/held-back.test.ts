/** Rows that are held back: predicted, never learnt, never remembered. Reaches inside for how a batch is parted, and into gpt for a disk in memory. */
import { adamw, sgd } from '@burgeon/autograd/optim'
import {
  type Batch,
  batchOfTokens,
  classifier,
  compose,
  everySteps,
  growingVocabulary,
  heldBack,
  type HeldBackOptions,
  joinBatches,
  Learner,
  type LearnerOptions,
  type LearnerState,
  onlineEwc,
  type Origin,
  pageHinkley,
  type ProbeLosses,
  reservoirReplay,
  type Strategy,
  type TokenBatch,
} from '@burgeon/continual'
import { Gpt, readCheckpoint, writeCheckpoint } from '@burgeon/gpt'
import { type Device, keyFromSeed, OptionError, RandomStream, StateError } from '@burgeon/tensor'
import { openWasm } from '@burgeon/tensor/wasm'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { divided } from '../../packages/continual/src/probes/hold-back.ts'
import { rowAt } from '../../packages/continual/src/stream/row.ts'
import { memoryDisk } from '../../packages/gpt/src/testing/index.ts'
import { stepOf } from '../continual/step-of.ts'
import { numbersOf, row, rowsOf, tinyModel } from '../continual/tiny-learner.ts'
import { times } from '../how-long.ts'
import { examples } from '../models/linear-model.ts'

const originOf = (id: number, domain = 'text'): Origin => ({ id, source: 's', domain, at: id, trust: 1 })

/** Rows of made-up text, each of the experience of its number. */
function numbered(from: number, to: number, domain = 'text'): TokenBatch {
  const ids = Array.from({ length: to - from }, (_, i) => from + i)
  const batch = rowsOf(...ids.map(row))
  return { ...batch, domains: ids.map(() => domain), origins: ids.map((id) => originOf(id, domain)) }
}

const always: HeldBackOptions = { share: 0.3, every: 2, rows: 4, costShare: 10 }
const idsOf = ({ origins }: Batch): number[] => (origins ?? []).map((origin) => origin?.id ?? -1)
/** The numbers that are held back of some. */
const heldOf = (probes: ReturnType<typeof heldBack>, batch: Batch): boolean[] =>
  Array.from({ length: batch.rows }, (_, i) => probes.isHeldBack(rowAt(batch, i)))

describe('what is held back', () => {
  test('never meets what is remembered, and is the share that was asked for', () => {
    const all = times(20_000, 1_000_000)
    const perBatch = 100
    const [seed] = fc.sample(fc.nat(), 1)
    const random = new RandomStream(keyFromSeed(seed))
    const [probes, rehearsal] = [heldBack({ capacity: 2000 }), reservoirReplay({ capacity: 2000 })]
    const [held, learnt] = [new Set<number>(), new Set<number>()]
    for (let at = 0; at < all / perBatch; at++) {
      // Numbers come again, as rows of one experience do.
      const ids = Array.from({ length: perBatch }, () => random.below(2 ** 31) * (at % 2 === 0 ? 1 : 2 ** 20))
      const tokens = Int32Array.from(ids.flatMap((id) => [id % 12, 1, 2]))
      const domains = ids.map((id) => `domain ${id % 5}`)
      const origins = ids.map((id, i) => originOf(id, domains[i]))
      const { fresh, held: back } = divided({ rows: perBatch, length: 2, tokens, domains, origins }, probes)
      if (back !== null) {
        probes.keep(back, at)
        for (const id of idsOf(back)) held.add(id)
      }
      if (fresh !== null) {
        rehearsal.remember(stepOf(fresh as TokenBatch))
        for (const id of idsOf(fresh)) learnt.add(id)
      }
    }
    expect([...held].filter((id) => learnt.has(id))).toEqual([])
    const kept = rehearsal.sample(2000) as Batch
    expect(idsOf(kept).filter((id) => held.has(id))).toEqual([])
    // Five standard deviations of a binomial distribution.
    const share = held.size / (held.size + learnt.size)
    expect(Math.abs(share - 0.02)).toBeLessThan(5 * Math.sqrt((0.02 * 0.98) / all))
  })
  test('is a matter of the experience alone: rows of one stay together, whatever they are', () => {
    fc.assert(
      fc.property(fc.nat(2 ** 40), fc.nat(11), fc.nat(99), (id, token, seed) => {
        const probes = heldBack({ share: 0.5, seed })
        const of = (tokens: readonly number[], domain: string) => ({
          ...{ tokens: Int32Array.from(tokens), domain, origin: originOf(id, domain) },
        })
        const first = probes.isHeldBack(of([token, 1], 'a'))
        expect(probes.isHeldBack(of([2, token, 3], 'b'))).toBe(first)
        expect(heldBack({ share: 0.5, seed }).isHeldBack(of([5], 'c'))).toBe(first)
        // A greater share holds back what a smaller one does, and more.
        if (first) expect(heldBack({ share: 0.9, seed }).isHeldBack(of([5], 'c'))).toBe(true)
      }),
    )
  })
  test('is a matter of the place as well where that is asked for: of one long file some rows, and always the same', () => {
    const [probes, again] = [0, 1].map(() => heldBack({ share: 0.5, by: 'place' }))
    const rowAtPlace = (at: number, tokens: readonly number[]) => ({
      ...{ tokens: Int32Array.from(tokens), domain: 'd', origin: { ...originOf(7, 'd'), at } },
    })
    const said = Array.from({ length: 200 }, (_, i) => probes.isHeldBack(rowAtPlace(16 * i, [i, 1, 2])))
    expect(said.filter(Boolean).length).toBeGreaterThan(50)
    expect(said.filter(Boolean).length).toBeLessThan(150)
    expect(Array.from({ length: 200 }, (_, i) => again.isHeldBack(rowAtPlace(16 * i, [9])))).toEqual(said)
    const saved = probes.toState()
    expect(() => heldBack({ share: 0.5 }).restore(saved)).toThrow(StateError)
    again.restore(saved)
  })
  test('of rows without an origin is a matter of their numbers, without padding', () => {
    const probes = heldBack({ share: 0.5 })
    const bare = (tokens: readonly number[]) => ({
      tokens: Int32Array.from(tokens),
      domain: 'd',
      origin: null,
    })
    const said = Array.from({ length: 200 }, (_, i) => probes.isHeldBack(bare([i, 2 * i, 3])))
    const again = Array.from({ length: 200 }, (_, i) => probes.isHeldBack(bare([i, 2 * i, 3, -1, -1])))
    expect(again).toEqual(said)
    const held = said.filter(Boolean).length
    expect(held).toBeGreaterThan(50)
    expect(held).toBeLessThan(150)
    const example = (target: number) =>
      probes.isHeldBack({
        inputs: Float32Array.of(1),
        targets: Float32Array.of(target),
        domain: 'd',
        origin: null,
      })
    expect(new Set([1, 2, 3, 4, 5, 6, 7, 8, 9].map(example)).size).toBe(2)
  })
})

const partsOf = (more: Strategy = {}, options: HeldBackOptions = always): Omit<LearnerOptions, 'model'> => ({
  optimizer: adamw({ learningRate: 1e-2 }),
  strategy: compose(
    { rehearsal: reservoirReplay({ capacity: 8, share: 0.5 }), probes: heldBack(options) },
    { penalties: [onlineEwc({ strength: 1 })], consolidateWhen: everySteps(3) },
    { detector: pageHinkley({ mode: 'up', minSamples: 3 }) },
    more,
  ),
})
const wasm = openWasm({ threads: 1 })
const learnerOn = (device: Device): Learner => new Learner({ model: tinyModel(device), ...partsOf() })
const learnerOf = (parts = partsOf()): Learner => new Learner({ model: tinyModel(), ...parts })
const probesOf = ({ strategy }: Learner) => strategy.probes as NonNullable<Strategy['probes']>

describe('a learner', () => {
  test('learns what is left to the bit as if the others had never come, and has all on record', async () => {
    const [learner, other] = [learnerOf(), learnerOf({ ...partsOf(), strategy: { ...partsOf().strategy } })]
    const { probes: _, ...without } = partsOf().strategy as Strategy
    const plain = new Learner({
      model: tinyModel(),
      optimizer: adamw({ learningRate: 1e-2 }),
      strategy: without,
    })
    let held = 0
    for (let step = 0; step < 6; step++) {
      const batch = numbered(6 * step, 6 * step + 6)
      const isHeld = heldOf(probesOf(learner), batch)
      const rows = Array.from({ length: 6 }, (_row, i) => i)
      const left = rows.filter((i) => !isHeld[i]).map((i) => numbered(6 * step + i, 6 * step + i + 1))
      const before = numbersOf(plain.model.parameters.tensors())
      const report = await learner.observe(batch)
      const ofPlain = await plain.observe(joinBatches(left))
      expect(report.rowLosses.filter((_loss, i) => !isHeld[i])).toEqual(ofPlain.rowLosses)
      expect(numbersOf(learner.model.parameters.tensors())).toEqual(
        numbersOf(plain.model.parameters.tensors()),
      )
      expect(before).not.toEqual(numbersOf(plain.model.parameters.tensors()))
      const count = isHeld.filter(Boolean).length
      held += count
      expect(report.heldBackRows ?? 0).toBe(count)
      expect([report.tokens, report.domains.length, report.bytes]).toEqual([24, 6, 24])
      const mean = report.rowLosses.reduce((a, b) => a + b) / 6
      expect(report.loss).toBeCloseTo(mean, 6)
      expect((await other.observe(batch)).rowLosses).toEqual(report.rowLosses)
    }
    expect(held).toBeGreaterThan(5)
    expect(probesOf(learner).rows).toBe(held)
  })
  test('is to the bit what it is without probes where nothing is held back', async () => {
    const learner = learnerOf(partsOf({}, { share: 1e-12 }))
    const { probes: _, ...strategy } = partsOf().strategy as Strategy
    const plain = new Learner({ model: tinyModel(), optimizer: adamw({ learningRate: 1e-2 }), strategy })
    for (let step = 0; step < 5; step++) {
      const batch = numbered(3 * step, 3 * step + 3)
      expect(await learner.observe(batch)).toEqual(await plain.observe(batch))
    }
    const state = await learner.toState()
    const parts = state.parts.filter(({ role }) => role !== 'probes')
    expect({ ...state, parts }).toEqual(await plain.toState())
  })
  test('learns nothing from a batch that is held back whole, but predicts it', async () => {
    const learner = learnerOf()
    for (let step = 0; step < 3; step++) await learner.observe(numbered(3 * step, 3 * step + 3))
    const probes = probesOf(learner)
    const ids = Array.from({ length: 200 }, (_, id) => id + 100).filter((id) =>
      probes.isHeldBack(rowAt(numbered(id, id + 1), 0)),
    )
    const batch = joinBatches(ids.slice(0, 3).map((id) => numbered(id, id + 1)))
    const before = structuredClone(await learner.toState())
    const report = await learner.observe(batch)
    expect(report).toMatchObject({
      step: 4,
      tokens: 12,
      heldBackRows: 3,
      updateNorm: 0,
      rehearsedRows: 0,
      events: [],
    })
    const after = await learner.toState()
    expect(after.model).toEqual(before.model)
    const stateOf = (state: LearnerState, role: string): unknown =>
      state.parts.find((part) => part.role === role)?.state
    for (const role of ['optimizer', 'rehearsal', 'penalty'])
      expect(stateOf(after, role)).toEqual(stateOf(before, role))
    expect(stateOf(after, 'detector')).not.toEqual(stateOf(before, 'detector'))
    expect(after.losses).toHaveLength(before.losses.length + 1)
  })
  test('measures each domain by rows it has never learnt, and tells what was forgotten', async () => {
    const learner = learnerOf()
    const told: ProbeLosses[] = []
    for (let step = 0; step < 12; step++) {
      const domain = step < 6 ? 'first' : 'second'
      const { events } = await learner.observe(numbered(6 * step, 6 * step + 6, domain))
      for (const event of events) if (event.kind === 'probed') told.push(event.data.domains)
    }
    expect(told).toHaveLength(6)
    /** What is told after another measurement of the same rows. */
    const risen = (before: ProbeLosses[string], { bits }: ProbeLosses[string]): number =>
      Math.max(0, before.forgotten + bits - before.bits)
    let compared = 0
    told.forEach((each, i) => {
      for (const [domain, loss] of Object.entries(each)) {
        const before = told.at(i - 1)?.[domain]
        if (i === 0 || before === undefined) expect(loss.forgotten).toBe(0)
        else if (before.rows === 4) {
          expect(loss.forgotten).toBeCloseTo(risen(before, loss), 6)
          compared++
        }
      }
    })
    expect(compared).toBeGreaterThan(3)
    const before = structuredClone(await learner.toState())
    const now = await learner.measureProbes()
    expect(await learner.measureProbes()).toEqual(now)
    expect(await learner.toState()).toEqual(before)
    expect(Object.keys(now)).toEqual(['first', 'second'])
    expect(now['first'].rows).toBe(4)
    expect(now['first'].forgotten).toBeCloseTo(risen((told.at(-1) as ProbeLosses)['first'], now['first']), 6)
    // By hand: a life without probes says of a row what the measurement says.
    const alone = new Learner({ model: Gpt.fromState(before.model), optimizer: sgd(0) })
    const kept = (probesOf(learner).toState() as { rows: { origins: { ids: Float64Array } } }).rows.origins
      .ids
    const rows = [...kept].filter((id) => id < 36).slice(0, 4)
    const { bitsPerByte } = await alone.observe(joinBatches(rows.map((id) => numbered(id, id + 1))))
    expect(now['first'].bits).toBeCloseTo(bitsPerByte, 5)
  })
  test('does not count as forgotten what was never known: of noise, what lies above the 8 bits of a guess', async () => {
    const random = new RandomStream(keyFromSeed(5))
    const bytesOf = (of: () => number, rows: number): TokenBatch =>
      batchOfTokens(Int32Array.from({ length: 4 * rows + 1 }, of), 4, 'noise')
    const learner = new Learner({
      model: Gpt.create({ context: 4, embed: 8, heads: 1, layers: 1, mlpHidden: 8 }, { seed: 1 }),
      optimizer: adamw({ learningRate: 0.1 }),
      strategy: { probes: heldBack({ ...always, rows: 16 }) },
    })
    for (let step = 0; step < 4; step++) await learner.observe(bytesOf(() => random.below(256), 12))
    const told: ProbeLosses[] = []
    for (let step = 0; step < 12; step++) {
      const one = {
        ...bytesOf(() => 97 + random.below(4), 4),
        domains: Array.from({ length: 4 }, () => 'four'),
      }
      for (const event of (await learner.observe(one)).events)
        if (event.kind === 'probed') told.push(event.data.domains)
    }
    const { noise } = told.at(-1) as ProbeLosses
    expect(noise.bits).toBeGreaterThan(9)
    expect(noise.forgotten).toBeLessThan(0.2)
  })
  test('measures no more than its share of the operations, and waits where that is too little', async () => {
    const counted = async (
      options: HeldBackOptions,
    ): Promise<{ measured: number; learnt: number; times: number }> => {
      const learner = learnerOf(partsOf({}, { share: 0.3, ...options }))
      let [measured, learnt, often] = [0, 0, 0]
      for (let step = 0; step < 40; step++) {
        const report = await learner.observe(numbered(6 * step, 6 * step + 6))
        learnt += 4 * (6 - (report.heldBackRows ?? 0) + report.rehearsedRows)
        for (const event of report.events) {
          if (event.kind !== 'probed') continue
          often++
          for (const { rows } of Object.values(event.data.domains)) measured += 4 * rows
        }
      }
      return { measured, learnt, times: often }
    }
    const cheap = await counted({ every: 5, rows: 16, costShare: 0.03 })
    expect(cheap.measured / (3 * cheap.learnt)).toBeLessThanOrEqual(0.03)
    expect(cheap.times).toBeGreaterThan(0)
    expect(cheap.times).toBeLessThan(8)
    expect((await counted({ every: 5, rows: 16, costShare: 10 })).times).toBe(8)
  })
  test.each([1, 4, 7])('goes on to the bit, saved after step %i', async (at) => {
    const [whole, first] = [learnerOn(wasm), learnerOn(wasm)]
    const lived = async (learner: Learner, from: number, to: number): Promise<void> => {
      for (let step = from; step < to; step++)
        await learner.observe(numbered(6 * step, 6 * step + 6, `d${step % 2}`))
    }
    await lived(whole, 0, 9)
    await lived(first, 0, at)
    const disk = memoryDisk()
    await writeCheckpoint(disk, { learner: await first.toState() })
    const { learner: state } = await readCheckpoint(disk)
    const resumed = Learner.fromState(state as LearnerState, { ...partsOf(), device: wasm })
    await lived(resumed, at, 9)
    expect(await resumed.toState()).toEqual(await whole.toState())
    expect(await resumed.measureProbes()).toEqual(await whole.measureProbes())
  })
  test('asserts that what it recalls was never held back', async () => {
    const rehearsal = reservoirReplay({ capacity: 40, share: 40 })
    const { probes: _, ...strategy } = partsOf().strategy as Strategy
    const careless = new Learner({
      model: tinyModel(),
      optimizer: sgd(0.1),
      strategy: { ...strategy, rehearsal },
    })
    for (let step = 0; step < 4; step++) await careless.observe(numbered(6 * step, 6 * step + 6))
    const leaking = new Learner({
      model: tinyModel(),
      optimizer: sgd(0.1),
      strategy: { rehearsal, probes: heldBack(always) },
    })
    const before = structuredClone(await leaking.toState())
    await expect(leaking.observe(numbered(90, 96))).rejects.toThrow(
      /remembered row is of experience \d+, which is held back/,
    )
    expect(await leaking.toState()).toEqual(before)
    await expect(leaking.rehearse(1, { rows: 40 })).rejects.toThrow('which is held back')
  })
  test('judges its forks by them', async () => {
    const learner = learnerOf()
    for (let step = 0; step < 4; step++) await learner.observe(numbered(6 * step, 6 * step + 6))
    const now = await learner.measureProbes()
    const [still, moving] = [learner.fork({ rate: 0 }), learner.fork({ rate: 3 })]
    for (const trial of [still, moving]) await trial.observe(numbered(0, 6))
    expect(await still.measureProbes()).toEqual(now)
    expect(await moving.measureProbes()).not.toEqual(now)
    await moving.drop()
    expect(await learner.measureProbes()).toEqual(now)
    await expect(learnerOf({ optimizer: sgd(0.1) }).measureProbes()).rejects.toThrow('no probes')
  })
  test('of a classifier, or with an adapter, holds rows back and measures them', async () => {
    const probes = heldBack(always)
    const learner = new Learner({
      model: classifier({ inputs: 3, hidden: [4], classes: 2 }),
      optimizer: sgd(0.1),
      strategy: { probes },
    })
    for (let step = 0; step < 6; step++) await learner.observe(examples(6 * step, 6 * step + 6))
    expect(probes.rows).toBeGreaterThan(3)
    const { stream } = await learner.measureProbes()
    expect(stream.bits).toBeGreaterThan(0)
    const adapted = new Learner({
      model: tinyModel(),
      optimizer: adamw({ learningRate: 0.1 }),
      adapter: { rank: 2, dropout: 0.5 },
      strategy: { probes: heldBack(always) },
    })
    await adapted.observe(numbered(0, 12))
    const before = await adapted.measureProbes()
    expect(await adapted.measureProbes()).toEqual(before)
    for (let step = 0; step < 3; step++) await adapted.observe(numbered(40, 46))
    expect((await adapted.measureProbes())['text'].bits).not.toBe(before['text'].bits)
  })
  test('recodes what is held back when its vocabulary grows', async () => {
    const vocabulary = growingVocabulary({
      ...{ tokens: 280, tokensAtOnce: 4, minCount: 2, growWhen: everySteps(3) },
    })
    const probes = heldBack({ share: 0.5, every: 1, costShare: 10 })
    const model = Gpt.create({ context: 16, embed: 8, heads: 1, layers: 1, mlpHidden: 8 }, { seed: 1 })
    const learner = new Learner({ model, optimizer: sgd(0.1), strategy: { probes, vocabulary } })
    for (let id = 0; id < 16; id++) {
      const batch = batchOfTokens(new TextEncoder().encode('the the the the the the '), 16, 'text')
      await learner.observe({ ...batch, origins: batch.domains.map(() => originOf(id)) })
    }
    expect(vocabulary.tokenizer.vocabulary).toBeGreaterThan(256)
    const { rows } = probes.toState() as { rows: { sizes: Int32Array } }
    expect(probes.rows).toBeGreaterThan(2)
    // Fewer tokens than the 17 bytes of a row.
    expect(Math.min(...rows.sizes)).toBeLessThan(17)
    expect((await learner.measureProbes())['text'].bits).toBeGreaterThan(0)
  })
})

describe('heldBack', () => {
  test.each<[unknown, string]>([
    [{ share: 0 }, 'share'],
    [{ share: 1 }, 'share'],
    [{ capacity: 0 }, 'capacity'],
    [{ every: 1.5 }, 'every'],
    [{ rows: 0 }, 'rows'],
    [{ costShare: 0 }, 'costShare'],
    [{ part: 0.1 }, 'part'],
  ])('refuses %j', (options, says) => {
    expect(() => heldBack(options as HeldBackOptions)).toThrow(OptionError)
    expect(() => heldBack(options as HeldBackOptions)).toThrow(says)
  })
  test('refuses a state of another share or seed, or one that is damaged, and stays as it is', () => {
    const probes = heldBack({ share: 0.5 })
    probes.keep(numbered(0, 4), 1)
    const before = structuredClone(probes.toState()) as object
    const wrong: unknown[] = [
      ...[heldBack({ share: 0.4 }), heldBack({ share: 0.5, seed: 2 })].map((other) => other.toState()),
      ...[
        { waited: -1 },
        { allowance: Number.NaN },
        { risen: [['text', -1]] },
        { latest: Float64Array.of(1) },
        { latest: [1, 2] },
        { rows: null },
      ].map((change) => ({
        ...before,
        ...change,
      })),
      null,
    ]
    for (const state of wrong) expect(() => probes.restore(state)).toThrow(StateError)
    expect(probes.toState()).toEqual(before)
    const other = heldBack({ share: 0.5 })
    other.restore(structuredClone(before))
    expect(other.toState()).toEqual(before)
  })
})
