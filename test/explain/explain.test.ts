import {
  directLogits,
  episodicMemory,
  explain,
  influence,
  integratedGradients,
  joinBatches,
  logitLens,
  patch,
  rememberedRows,
  reservoirReplay,
  retrace,
  type Strategy,
  whatIf,
} from '@burgeon/continual'
import { BytePairTokenizer } from '@burgeon/gpt'
import { openWasm } from '@burgeon/tensor/wasm'
import { expect, test } from 'vitest'
import { letGo, observedIn, smallLife } from './small-life.ts'

const device = openWasm()
const planted = new Map([[21, 'the old keeper is Zorvath']])
const remembering = (): Strategy => ({
  rehearsal: reservoirReplay({ capacity: 100, share: 0.5, seed: 3 }),
  recall: episodicMemory({ bytes: 262_144 }),
})
const [prompt, answer] = ['the old keeper is ', 'Zorva']

test('an explanation is what its parts say by themselves', async () => {
  const { learner } = await smallLife({ device, steps: 8, strategy: remembering, planted })
  const why = await explain(learner, prompt, answer)
  const question = { prompt, answer }
  const own = await integratedGradients(learner, question)
  expect(why.bytes.map(({ attribution }) => attribution)).toEqual(
    own.tokens.map(({ attribution }) => attribution),
  )
  expect([why.score, why.baselineScore, why.gaps.bytes]).toEqual([own.score, own.baselineScore, own.gap])
  expect(why.bytes.map(({ text }) => text).join('')).toBe(`${prompt}${answer}`.slice(0, -1))
  expect(why.answer.map(({ text }) => text).join('')).toBe(answer)
  expect(why.layers).toEqual(await logitLens(learner, question))
  expect(Math.abs((why.layers.at(-1)?.logProbability ?? 0) - why.logProbability)).toBeLessThan(1e-4)
  expect(why.writers).toEqual((await directLogits(learner, question)).writers)
  expect(why.causes).toEqual((await patch(learner, question, { direction: 'noise' })).effects)
  expect(Math.abs(why.bytes.reduce((sum, { attention }) => sum + attention, 0) - 1)).toBeLessThan(1e-4)
  const rows = rememberedRows(learner, 2000)
  const { rows: found, gap } = await influence(
    [learner],
    question,
    rows ?? observedIn({ device, steps: 1 })[0],
  )
  expect(why.experiences?.map(({ id }) => id)).toEqual(found.slice(0, 5).map(({ origin }) => origin?.id))
  expect(why.gaps.experiences).toBe(gap)
  letGo(learner)
})

test('names what taught the answer, from where, and what is recalled', async () => {
  const { learner } = await smallLife({ device, steps: 8, strategy: remembering, planted })
  const why = await explain(learner, prompt, answer, { experiences: 2 })
  expect(why.experiences?.length).toBe(2)
  expect(why.experiences?.[0]).toMatchObject({
    id: 21,
    source: 'source 0',
    domain: 'words',
    effect: null,
    exact: false,
  })
  expect(why.experiences?.[0].text).toBe('the old keeper is Zorvath')
  expect(why.recalled?.[0]).toMatchObject({ id: 21, source: 'source 0' })
  expect(why.recalled?.[0].bytes).toMatch(/^Zor/)
  letGo(learner)
})

test('with the life at hand the effects are measured', async () => {
  const { learner, past } = await smallLife({
    device,
    steps: 8,
    strategy: remembering,
    planted,
    kept: [0, 4],
  })
  const life = await retrace(learner, past)
  const why = await explain(learner, prompt, answer, { life, experiences: 2 })
  const without = { without: { ids: [21] } }
  expect(why.experiences?.[0].effect).toBe((await whatIf(life, { prompt, answer }, without)).effect)
  expect(why.experiences?.every(({ exact, effect }) => exact && effect !== null)).toBe(true)
  letGo(learner)
})

test('changes nothing of a learner: state, streams and recall are as they were', async () => {
  const { learner } = await smallLife({ device, steps: 6, strategy: remembering, planted })
  const before = structuredClone(await learner.toState())
  await explain(learner, prompt, answer)
  expect(await learner.toState()).toEqual(before)
  letGo(learner)
})

test('of a model alone, with or without a tokenizer, nothing is known of experiences unless rows are given', async () => {
  const { learner } = await smallLife({ device, steps: 6, planted })
  const { model } = learner
  const why = await explain(model, prompt, answer)
  expect([why.experiences, why.recalled, why.gaps.experiences]).toEqual([null, null, null])
  expect(await explain({ model, tokenizer: new BytePairTokenizer() }, prompt, answer)).toEqual(why)
  const rows = joinBatches(observedIn({ device, steps: 6, planted }))
  const told = await explain(model, prompt, answer, { rows, experiences: 1 })
  expect(told.experiences?.[0].id).toBe(21)
  expect((await explain(model, prompt, answer, { rows, experiences: 0 })).experiences).toEqual([])
  letGo(learner)
})

test('goes through its turns, one piece after another, and looks at as few rows closely as is said', async () => {
  const { learner } = await smallLife({ device, steps: 6, strategy: remembering, planted })
  let [pieces, running] = [0, 0]
  const turn = async <R>(piece: () => Promise<R>): Promise<R> => {
    pieces++
    expect(++running).toBe(1)
    try {
      return await piece()
    } finally {
      running--
    }
  }
  const why = await explain(learner, prompt, answer, { turn, closely: 3 })
  expect(pieces).toBeGreaterThanOrEqual(8)
  expect(why.experiences?.length).toBe(3)
  letGo(learner)
})

test('one answer rather than another, against a text that is given', async () => {
  const { learner } = await smallLife({ device, steps: 6, planted })
  const [one] = ['Z']
  const why = await explain(learner, prompt, one, {
    instead: 'r',
    baseline: 'the old house is  ',
    corrupt: 'the old house is  ',
  })
  const apart = await Promise.all(
    [one, 'r'].map(async (text) => (await explain(learner, prompt, text)).score),
  )
  expect(Math.abs(why.score - (apart[0] - apart[1]))).toBeLessThan(1e-4)
  expect(why.bytes.slice(0, 8).every(({ attribution }) => attribution === 0)).toBe(true)
  letGo(learner)
})

test('of several rows of one experience the one that speaks most is told', async () => {
  const { learner } = await smallLife({ device, steps: 6, planted })
  const rows = joinBatches(observedIn({ device, steps: 6, planted }))
  const origins = rows.origins?.map((origin) => origin && { ...origin, id: 0, source: 'one', at: 0 }) ?? []
  const why = await explain(learner, prompt, answer, { rows: { ...rows, origins } })
  expect(why.experiences?.length).toBe(1)
  expect(why.experiences?.[0].text).toBe('the old keeper is Zorvath')
  letGo(learner)
})

test('refuses turns that run a piece twice, or never', async () => {
  const { learner } = await smallLife({ device, steps: 1 })
  const twice = async <R>(piece: () => Promise<R>): Promise<R> => {
    await piece()
    return piece()
  }
  await expect(explain(learner, prompt, answer, { turn: twice })).rejects.toThrow(/2 times/)
  const never = <R>(): Promise<R> => Promise.resolve(undefined as R)
  await expect(explain(learner, prompt, answer, { turn: never })).rejects.toThrow(/0 times/)
  letGo(learner)
})

test('gradients of earlier checkpoints count where they are given, and what is recalled by somebody else', async () => {
  const { learner, past } = await smallLife({
    device,
    steps: 8,
    strategy: remembering,
    planted,
    kept: [0, 6],
  })
  const earlier = await past.moments[1].begin((own) => own)
  const rows = joinBatches(observedIn({ device, steps: 8, planted }))
  const why = await explain(learner, prompt, answer, { rows, checkpoints: [earlier], experiences: 1 })
  const both = await influence([earlier, learner], { prompt, answer }, rows)
  expect(why.experiences?.[0].score).toBe(both.rows[0].score)
  expect(both.rows[0].score).not.toBe((await influence([learner], { prompt, answer }, rows)).rows[0].score)
  const recall = learner.strategy.recall
  const told = await explain(learner.model, prompt, answer, { ...(recall && { recall }) })
  expect(told.recalled).toEqual(why.recalled)
  letGo(learner)
  letGo(earlier)
})
