/** An assessment beside a learner: it changes nothing that is learnt, and follows growth, forks and checkpoints. */
import { sgd } from '@burgeon/autograd/optim'
import {
  type Assessment,
  batchOfTokens,
  classifier,
  compose,
  contextLabels,
  episodicMemory,
  everySteps,
  growingVocabulary,
  growOnSchedule,
  joinBatches,
  Learner,
  type LearnerOptions,
  reservoirReplay,
  selfAssessment,
  type Strategy,
  type TokenBatch,
} from '@burgeon/continual'
import { Gpt } from '@burgeon/gpt'
import { OptionError } from '@burgeon/tensor'
import { openWasm } from '@burgeon/tensor/wasm'
import { describe, expect, test } from 'vitest'

const device = openWasm()
const text = 'the cat sat on the mat with the Hat of 12 rats. '
const modelOf = (): Gpt =>
  Gpt.create(
    { vocabulary: 256, context: 24, embed: 8, heads: 2, layers: 1, mlpHidden: 8 },
    { device, seed: 3 },
  )
const optionsOf = (strategy: Strategy): Omit<LearnerOptions, 'model'> => ({
  optimizer: sgd({ learningRate: 0.1 }),
  strategy,
})
const learnerOf = (strategy: Strategy): Learner => new Learner({ model: modelOf(), ...optionsOf(strategy) })

function batchAt(step: number): TokenBatch {
  const rows = ['cats', 'mats'].map((domain, i) => {
    const bytes = new TextEncoder().encode(
      text
        .slice((5 * step + 3 * i) % 20)
        .padEnd(25)
        .slice(0, 25),
    )
    return batchOfTokens(bytes, 24, domain)
  })
  return joinBatches(rows)
}
async function live(learner: Learner, from: number, to: number): Promise<void> {
  for (let step = from; step < to; step++) await learner.observe(batchAt(step))
}
const weightsOf = ({ model }: Learner): number[][] =>
  Object.values(model.parameters.tensors()).map((tensor) => [...tensor.readSync()])
const assessmentOf = ({ strategy }: Learner): Assessment => strategy.assessment as Assessment

test('changes no bit of what is learnt, and of what is on record', async () => {
  const rehearsal = () => reservoirReplay({ capacity: 10, seed: 1 })
  const [plain, own] = [
    learnerOf({ rehearsal: rehearsal() }),
    learnerOf({ rehearsal: rehearsal(), assessment: selfAssessment() }),
  ]
  for (let step = 0; step < 12; step++)
    expect(await own.observe(batchAt(step))).toEqual(await plain.observe(batchAt(step)))
  expect(weightsOf(own)).toEqual(weightsOf(plain))
})

test('is of predictions before they were learnt: the loss of the record is that of the account', async () => {
  const learner = learnerOf({ assessment: selfAssessment() })
  let nats = 0
  for (let step = 0; step < 12; step++) nats += (await learner.observe(batchAt(step))).loss
  const { cats, mats } = assessmentOf(learner).summary().calibration
  expect(cats.predictions + mats.predictions).toBe(12 * 2 * 24)
  const mean = (cats.raw.negativeLogLikelihood + mats.raw.negativeLogLikelihood) / 2
  expect(mean).toBeCloseTo(nats / 12, 5)
})

describe('predict', () => {
  test('says how sure it is, by the record of what was learnt last', async () => {
    const learner = learnerOf({ assessment: selfAssessment({ coverage: 0.8 }) })
    expect((await learner.predict(text)).certainty).toMatchObject({
      coverage: null,
      domain: null,
      temperature: 1,
    })
    await live(learner, 0, 20)
    const { next, certainty } = await learner.predict(text)
    expect(certainty?.domain).toBe('mats')
    expect(certainty?.coverage).toBeGreaterThan(0.6)
    expect(certainty?.next.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 9)
    // A temperature moves no token past another.
    const order = (numbers: ArrayLike<number>): number[] =>
      Array.from({ length: 256 }, (_, i) => i).toSorted((a, b) => numbers[b] - numbers[a])
    expect(order(certainty?.next ?? [])).toEqual(order(next))
    expect(certainty?.set).toEqual(order(next).slice(0, certainty?.set.length))
    expect((await learnerOf({}).predict(text)).certainty).toBeUndefined()
  })
  test('goes by the label that is given, or inferred, and by the model alone beside a recall', async () => {
    const labelled = learnerOf({ assessment: selfAssessment(), context: contextLabels() })
    for (let step = 0; step < 6; step++) {
      const { domains, ...batch } = batchAt(step)
      await labelled.observe({
        ...batch,
        length: 23,
        tokens: Int32Array.from(Array.from(batch.tokens).filter((_, i) => i % 25 < 24)),
        domains,
      })
    }
    expect((await labelled.predict(text.slice(0, 9), { domain: 'cats' })).certainty?.domain).toBe('cats')
    const { context, certainty } = await labelled.predict(text.slice(0, 9))
    expect(certainty?.domain).toBe(Object.keys(context ?? {})[0])
    expect(certainty?.next.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 6)
    const recalling = learnerOf({ assessment: selfAssessment(), recall: episodicMemory({ bytes: 2 ** 18 }) })
    const alone = learnerOf({ assessment: selfAssessment() })
    await live(recalling, 0, 10)
    await live(alone, 0, 10)
    const [mixed, own] = [await recalling.predict(text.slice(5, 18)), await alone.predict(text.slice(5, 18))]
    expect(mixed.certainty).toEqual(own.certainty)
    expect(mixed.next).not.toEqual(own.next)
  })
})

test('a life that is saved and taken up at any step goes on to the same bits, through growth of layers and tokens', async () => {
  const strategy = (): Strategy => ({
    assessment: selfAssessment(),
    growth: growOnSchedule([{ step: 6, request: { kind: 'addLayer', at: 1 } }]),
    vocabulary: growingVocabulary({ tokens: 262, tokensAtOnce: 3, growWhen: everySteps(4) }),
  })
  const whole = learnerOf(strategy())
  for (let step = 0; step < 14; step++) await whole.observe(text.repeat(1 + (step % 2)))
  expect(whole.model.config).toMatchObject({ blocks: [{}, {}], vocabulary: 261 })
  for (const at of [0, 5, 9]) {
    const first = learnerOf(strategy())
    for (let step = 0; step < at; step++) await first.observe(text.repeat(1 + (step % 2)))
    const second = Learner.fromState(structuredClone(await first.toState()), {
      device,
      ...optionsOf(strategy()),
    })
    for (let step = at; step < 14; step++) await second.observe(text.repeat(1 + (step % 2)))
    expect(await second.toState()).toEqual(await whole.toState())
  }
})

test('what a fork has predicted is forgotten with it', async () => {
  const learner = learnerOf({ assessment: selfAssessment() })
  await live(learner, 0, 5)
  const before = structuredClone(await learner.toState())
  const fork = learner.fork()
  await fork.observe(batchAt(5))
  await fork.drop()
  expect(await learner.toState()).toEqual(before)
})

test('a weakness is an event', async () => {
  const assessment = selfAssessment()
  const found = {
    slice: 'digits',
    domain: null,
    source: null,
    bytes: 'digits',
    tokens: 300,
    excess: 0.5,
    z: 7,
    isWeak: true,
    expects: null,
  }
  const told: Assessment = {
    name: 'told',
    certaintyOf: (logits, domain) => assessment.certaintyOf(logits, domain),
    summary: () => assessment.summary(),
    toState: () => null,
    restore: () => {},
    update: ({ step }) => ({
      held: [],
      risen: step === 2 ? [0, 1].map(() => ({ ...found, rise: 0.4, riseZ: 6, hasRisen: true })) : [],
    }),
  }
  const learner = learnerOf({ assessment: told })
  await live(learner, 0, 3)
  expect(learner.journal).toEqual([
    {
      ...{
        kind: 'weakness',
        step: 2,
        part: 'told',
        data: { slices: [expect.objectContaining(found), expect.anything()] },
      },
      summary:
        'digits costs 0.50 bits a token more than expected, 0.40 more than before (6.0 standard errors); so do 1 other slices',
    },
  ])
})

test('is refused beside another, and of a model that predicts no tokens', () => {
  const strategy = { assessment: selfAssessment() }
  expect(() => compose(strategy, strategy)).toThrow('two strategies claim the role assessment')
  expect(() => learnerOf({ assessment: {} as Assessment })).toThrow(OptionError)
  const model = classifier({ inputs: 2, hidden: [2], classes: 2, seed: 1 })
  expect(
    () => new Learner({ model, optimizer: sgd({ learningRate: 0.1 }), strategy: strategy as never }),
  ).toThrow(OptionError)
})
