import {
  attentionFlow,
  attributionPatch,
  darkReplay,
  batchOfTokens,
  directLogits,
  everySteps,
  explain,
  growingVocabulary,
  ExplanationError,
  growOnSchedule,
  influence,
  integratedGradients,
  joinBatches,
  Learner,
  l2ToInitial,
  logitLens,
  type Past,
  patch,
  reservoirReplay,
  retrace,
  type StepContext,
  type Strategy,
  type TokenBatch,
  whatIf,
  whyGrew,
} from '@burgeon/continual'
import { valueAndGrad } from '@burgeon/autograd'
import { sgd } from '@burgeon/autograd/optim'
import { Gpt, type GrowingTokenizer, LoraAdapter } from '@burgeon/gpt'
import { OptionError, scope, sum, type Tensor, type TensorsByPath } from '@burgeon/tensor'
import { openWasm } from '@burgeon/tensor/wasm'
import { describe, expect, test } from 'vitest'
import { context, letGo, observedIn, smallLife } from './small-life.ts'

const device = openWasm()
const question = { prompt: 'the old ', answer: 'keeper is Zorva' }
const planted = new Map([[21, 'the old keeper is Zorvath']])
const replaying = (): Strategy => ({ rehearsal: reservoirReplay({ capacity: 40, share: 0.5, seed: 3 }) })

describe('influence', () => {
  test('is the product of the gradients by themselves, and the score their cosine', async () => {
    const { learner } = await smallLife({ device, steps: 4 })
    const rows = joinBatches(observedIn({ device, steps: 3 }))
    const { rows: told, gap, checkpoints } = await influence([learner], question, rows)
    expect(checkpoints).toBe(1)
    expect(told.length).toBe(12)
    expect(gap).toBeLessThan(0.01)
    const own = gradientsOf(learner.model, question, rows)
    for (const { row, influence: product, score, origin } of told) {
      const exact = dot(own.question, own.rows[row])
      expect(Math.abs(product - exact)).toBeLessThan(1e-3 * Math.abs(exact) + 1e-4)
      const cosine = exact / Math.sqrt(dot(own.question, own.question) * dot(own.rows[row], own.rows[row]))
      expect(Math.abs(score - cosine)).toBeLessThan(1e-3)
      expect(origin).toEqual(rows.origins?.[row])
    }
    const scores = told.map(({ score }) => score)
    expect(scores).toEqual(scores.toSorted((a, b) => b - a))
    letGo(learner)
  })

  test('over several checkpoints is the sum over them', async () => {
    const { learner, past } = await smallLife({ device, steps: 4, kept: [0, 2] })
    const rows = observedIn({ device, steps: 1 })[0]
    const [first, second] = [
      await past.moments[0].begin((own) => own),
      await past.moments[1].begin((own) => own),
    ]
    const of = async (models: readonly Learner[]): Promise<number[]> => {
      const { rows: told } = await influence(models, question, rows)
      return told.toSorted((a, b) => a.row - b.row).map((row) => row.influence)
    }
    const [apart, other, both] = [await of([first]), await of([second]), await of([first, second])]
    both.forEach((value, row) =>
      expect(Math.abs(value - apart[row] - other[row])).toBeLessThan(1e-4 * (1 + Math.abs(value))),
    )
    for (const one of [learner, first, second]) letGo(one)
  })

  test('of few rows looked at closely names the same first ones as of all', async () => {
    const { learner } = await smallLife({ device, steps: 6, planted })
    const rows = joinBatches(observedIn({ device, steps: 6, planted }))
    const all = await influence([learner], question, rows)
    const few = await influence([learner], question, rows, { closely: 8 })
    expect(few.rows.length).toBe(8)
    expect(few.rows[0].row).toBe(all.rows[0].row)
    expect(few.rows[0].row).toBe(21)
    letGo(learner)
  })

  test('of a learner with an adapter is by the weights of the adapter alone', async () => {
    const model = Gpt.create({ context: 32, embed: 16, heads: 2, layers: 1 }, { device, seed: 1 })
    const adapter = LoraAdapter.create(model, { rank: 2 })
    const learner = new Learner({ model, optimizer: sgd(0.1), adapter })
    const rows = joinBatches(observedIn({ device, steps: 6, planted }))
    await learner.observe(rows)
    const told = await influence([learner], question, rows)
    const whole = await influence([model], question, rows)
    expect(told.gap).toBeLessThan(0.01)
    expect(told.rows[0].row).toBe(21)
    expect(told.rows[0].influence).not.toBeCloseTo(whole.rows[0].influence, 3)
    // Of all weights no more than these have a part in it: learning the row moves the adapter, and by that the loss.
    const before = (await explain(learner, question.prompt, question.answer, { experiences: 0 }))
      .logProbability
    await learner.observe(rowsBetween(rows, 21))
    const after = (await explain(learner, question.prompt, question.answer, { experiences: 0 }))
      .logProbability
    expect(Math.sign(after - before)).toBe(Math.sign(told.rows[0].influence))
    letGo(learner)
    adapter.dispose()
  })

  test('reads rows of bytes in the tokens that each checkpoint has', async () => {
    const strategy = (): Strategy => ({
      vocabulary: growingVocabulary({ tokens: 280, tokensAtOnce: 8, growWhen: everySteps(4) }),
    })
    const { learner } = await smallLife({ device, steps: 12, strategy, planted })
    expect(learner.model.config.vocabulary).toBeGreaterThan(256)
    const rows = joinBatches(observedIn({ device, steps: 12, planted }))
    const { rows: told, gap } = await influence([learner], question, rows)
    expect(told[0].row).toBe(21)
    expect(gap).toBeLessThan(0.01)
    letGo(learner)
  })

  test('reads rows in the tokens of today at a checkpoint from before there were any', async () => {
    const strategy = (): Strategy => ({
      vocabulary: growingVocabulary({ tokens: 280, tokensAtOnce: 8, growWhen: everySteps(4) }),
    })
    const [{ learner: early }, { learner }] = [
      await smallLife({ device, steps: 3, strategy, planted }),
      await smallLife({ device, steps: 12, strategy, planted }),
    ]
    expect(early.model.config.vocabulary).toBe(256)
    const bytes = joinBatches(observedIn({ device, steps: 12, planted }))
    const tokenizer = learner.strategy.vocabulary?.tokenizer as GrowingTokenizer
    const encoded = Array.from({ length: bytes.rows }, (_, row) => {
      const own = rowsBetween(bytes, row)
      const text = Uint8Array.from(own.tokens.filter((token) => token >= 0))
      const tokens = tokenizer.encodeBytes(text)
      return { ...own, tokens, length: tokens.length - 1 }
    })
    const rows = joinBatches(encoded)
    expect(Math.max(...rows.tokens)).toBeGreaterThan(255)
    const { rows: told, gap } = await influence([early, learner], question, rows)
    expect(told[0].row).toBe(21)
    expect(gap).toBeLessThan(0.01)
    // But for the beginning of a row, which is only read, they are the rows of bytes.
    const { rows: ofBytes } = await influence([early, learner], question, bytes)
    expect(Math.abs(told[0].influence / ofBytes[0].influence - 1)).toBeLessThan(0.3)
    letGo(early)
    letGo(learner)
  })

  test('of rows longer than a context reads the beginning', async () => {
    const { learner } = await smallLife({ device, steps: 2 })
    const text = 'the old house and the cold wind blow on the rain again and again'
    const long = batchOfTokens(new TextEncoder().encode(text), 60, 'words')
    const short = batchOfTokens(new TextEncoder().encode(text.slice(0, 33)), 32, 'words')
    const [a, b] = [await influence([learner], question, long), await influence([learner], question, short)]
    expect(a.rows[0].influence).toBe(b.rows[0].influence)
    letGo(learner)
  })

  test('refuses no checkpoint, and tokens that there are none', async () => {
    const { learner } = await smallLife({ device, steps: 1 })
    const [rows] = observedIn({ device, steps: 1 })
    await expect(influence([], question, rows)).rejects.toThrow(OptionError)
    const strange = { ...rows, tokens: rows.tokens.map(() => 999) }
    await expect(influence([learner], question, strange)).rejects.toThrow(/token 999/)
    letGo(learner)
  })
})

/** Gradients of the summed losses of the answer and of each row, number by number. */
function gradientsOf(
  model: Gpt,
  { prompt, answer }: { prompt: string; answer: string },
  rows: TokenBatch,
): { question: number[]; rows: number[][] } {
  const gradientOf = (read: number[], targets: number[]): number[] =>
    scope(() => {
      const inputs = device.tensor(read, { shape: [1, read.length], dtype: 'i32' })
      const wanted = device.tensor(targets, { shape: [targets.length], dtype: 'i32' })
      const loss = (w: TensorsByPath): readonly [Tensor, object] => [sum(model.losses(inputs, wanted, w)), {}]
      const { gradient } = valueAndGrad(loss)(model.parameters.tensors())
      return Object.values(gradient).flatMap((tensor) => [...tensor.readSync()])
    })
  const bytes = [...new TextEncoder().encode(prompt + answer)]
  const start = new TextEncoder().encode(prompt).length
  return {
    question: gradientOf(
      bytes.slice(0, -1),
      bytes.slice(1).map((byte, i) => (i + 1 < start ? -1 : byte)),
    ),
    rows: Array.from({ length: rows.rows }, (_, row) => {
      const own = [...rows.tokens.subarray(row * (context + 1), (row + 1) * (context + 1))]
      return gradientOf(
        own.slice(0, -1).map((token) => Math.max(0, token)),
        own.slice(1),
      )
    }),
  }
}

const rowsBetween = (batch: TokenBatch, row: number): TokenBatch => ({
  ...{ rows: 1, length: batch.length, domains: [batch.domains[row]] },
  tokens: batch.tokens.slice(row * (batch.length + 1), (row + 1) * (batch.length + 1)),
})

const dot = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((total, x, i) => total + x * b[i], 0)

describe('a life that is retraced', () => {
  test('comes to the same bits, at each checkpoint and in the end', async () => {
    const { learner, past } = await smallLife({ device, steps: 12, kept: [0, 5, 9], strategy: replaying })
    const life = await retrace(learner, past)
    expect(life.reports.map(({ step }) => step)).toEqual(Array.from({ length: 12 }, (_, i) => i + 1))
    letGo(learner)
  })

  test('is refused where something else has happened, or a checkpoint is of another life', async () => {
    const { learner, past } = await smallLife({ device, steps: 6, kept: [0, 3], strategy: replaying })
    const other = await smallLife({ device, steps: 6, kept: [0, 3], strategy: replaying, seed: 1 })
    const changed = past.observed.with(4, past.observed[3])
    await expect(retrace(learner, { ...past, observed: changed })).rejects.toThrow(ExplanationError)
    const moments = [past.moments[0], other.past.moments[1]]
    await expect(retrace(learner, { ...past, moments })).rejects.toThrow(/at step 3/)
    await learner.rehearse()
    await expect(retrace(learner, past)).rejects.toThrow(/at step 6/)
    for (const wrong of [
      { ...past, moments: [] },
      { ...past, observed: past.observed.slice(1) },
    ]) {
      await expect(retrace(learner, wrong)).rejects.toThrow(OptionError)
    }
    letGo(learner)
    letGo(other.learner)
  })
})

/** Watches which rows are learnt, fresh and old, in the order of the draws. */
function noting(seen: (readonly [number, string])[]): () => Strategy {
  return () => ({
    ...replaying(),
    upkeep: [
      {
        name: 'notes',
        afterStep: ({ step, fresh, old }: StepContext) => {
          const ids = [...(fresh.origins ?? []), ...(old?.origins ?? [])].map((origin) => origin?.id)
          seen.push([step, ids.join(' ')])
          return Promise.resolve([])
        },
      },
    ],
  })
}

describe('what if', () => {
  test('a row that is left out keeps its place: all rows, fresh and old, are drawn as before', async () => {
    const seen: (readonly [number, string])[] = []
    const { learner, past } = await smallLife({ device, steps: 12, strategy: noting(seen), planted })
    const before = seen.splice(0)
    const life = await retrace(learner, past)
    seen.splice(0)
    const { effect, lossWith, lossWithout, rows, from, steps } = await whatIf(life, question, {
      without: { ids: [21] },
    })
    expect(seen).toEqual(before)
    expect([rows, from, steps]).toEqual([1, 0, 12])
    expect(effect).toBe(lossWithout - lossWith)
    expect(effect).toBeGreaterThan(0)
    letGo(learner)
  })

  test('goes on from the latest checkpoint from before, and comes to the same as from birth', async () => {
    const { learner, past } = await smallLife({
      device,
      steps: 12,
      kept: [0, 3, 5, 6],
      strategy: replaying,
      planted,
    })
    const life = await retrace(learner, past)
    const fromBirth = await retrace(learner, { ...past, moments: past.moments.slice(0, 1) })
    const without = { without: { ids: [21] } }
    const [near, far] = [await whatIf(life, question, without), await whatIf(fromBirth, question, without)]
    expect([near.from, far.from]).toEqual([5, 0])
    expect(near.lossWithout).toBe(far.lossWithout)
    letGo(learner)
  })

  test('is the life whose row had no weight from the start', async () => {
    const { learner, past } = await smallLife({ device, steps: 8, strategy: replaying, planted })
    const life = await retrace(learner, past)
    const { lossWithout } = await whatIf(life, question, { without: { ids: [21] } })
    const again = await past.moments[0].begin((own) => own)
    for (const batch of past.observed) {
      const weights = new Float32Array(batch.rows * batch.length).fill(1)
      batch.origins?.forEach((origin, row) => {
        if (origin?.id === 21) weights.fill(0, row * batch.length, (row + 1) * batch.length)
      })
      await again.observe({ ...batch, weights })
    }
    using tokens = device.tensor(
      [...new TextEncoder().encode(question.prompt + question.answer)].slice(0, -1),
      {
        shape: [1, question.prompt.length + question.answer.length - 1],
        dtype: 'i32',
      },
    )
    const targets = [...new TextEncoder().encode(question.prompt + question.answer)].slice(1)
    using wanted = device.tensor(
      targets.map((byte, i) => (i + 1 < question.prompt.length ? -1 : byte)),
      { shape: [targets.length], dtype: 'i32' },
    )
    using losses = again.model.losses(tokens, wanted)
    const byHand = [...losses.readSync()].reduce((a, b) => a + b, 0)
    expect(Math.abs(lossWithout - byHand)).toBeLessThan(1e-4)
    letGo(again)
    letGo(learner)
  })

  test('leaves out a whole source', async () => {
    const { learner, past } = await smallLife({ device, steps: 6, strategy: replaying })
    const life = await retrace(learner, past)
    const { rows } = await whatIf(life, question, { without: { source: 'source 1' } })
    expect(rows).toBe(8)
    letGo(learner)
  })

  test('refuses what nobody observed, lives that were not retraced, and rows taught by their outputs', async () => {
    const { learner, past } = await smallLife({ device, steps: 3 })
    const life = await retrace(learner, past)
    await expect(whatIf(life, question, { without: { ids: [999] } })).rejects.toThrow(OptionError)
    await expect(whatIf({ ...life }, question, { without: { ids: [1] } })).rejects.toThrow(/retrace/)
    letGo(learner)
    const strategy = (): Strategy => ({
      rehearsal: darkReplay({ capacity: 20, seed: 1 }),
      penalties: [l2ToInitial({ strength: 1e-3 })],
    })
    const dark = await smallLife({ device, steps: 3, strategy })
    const darkLife = await retrace(dark.learner, dark.past)
    await expect(whatIf(darkLife, question, { without: { ids: [1] } })).rejects.toThrow(/dark replay/)
    letGo(dark.learner)
  })
})

describe('why it grew', () => {
  const growing = (): Strategy => ({
    ...replaying(),
    growth: growOnSchedule([
      { step: 3, request: { kind: 'widenMlp', block: 'b0', to: 48 } },
      { step: 5, request: { kind: 'growContext', to: 40 } },
      { step: 7, request: ({ blocks }) => ({ kind: 'addLayer', at: blocks.length }) },
    ]),
  })
  const grown = (steps = 14): Promise<{ learner: Learner; past: Past }> =>
    smallLife({ device, steps, strategy: growing, kept: [0, 4], planted })

  test('tells reason, sizes and the same decision again, and what the life would be without it', async () => {
    const { learner, past } = await grown()
    const life = await retrace(learner, past)
    const events = learner.journal.filter(({ kind }) => kind === 'growth')
    expect(events.length).toBe(3)
    for (const [i, { step, summary }] of events.entries()) {
      const why = await whyGrew(life, i, question)
      expect([why.step, why.summary]).toEqual([step, summary])
      expect(why.losses.length).toBe(step)
      expect(why.dryRun?.step).toBe(step)
      expect(why.dryRun?.reason).toBe(why.reason)
      expect(why.parametersAfter).toBeGreaterThanOrEqual(why.parametersBefore)
      expect(why.effect).toBe(why.lossWithout - why.lossWith)
    }
    letGo(learner)
  })

  test('a growth that nothing has used since is worth nothing, and others are', async () => {
    const { learner, past } = await grown()
    const life = await retrace(learner, past)
    const effects: number[] = []
    for (let i = 0; i < 3; i++) effects.push((await whyGrew(life, i, question)).effect)
    // A longer context that no row is long enough for.
    expect(effects[1]).toBe(0)
    expect(effects[0]).not.toBe(0)
    expect(effects[2]).not.toBe(0)
    letGo(learner)
  })

  test('without one growth the others come as they did', async () => {
    const { learner, past } = await grown()
    const [oldest] = past.moments
    const sizes: number[] = []
    for (const left of [3, 5, 7]) {
      const again = await oldest.begin((policy) => ({
        ...policy,
        decide(signals, budget, state) {
          const decision = policy.decide(signals, budget, state)
          return signals.step === left ? { ...decision, request: null } : decision
        },
      }))
      for (const batch of past.observed) await again.observe(batch)
      sizes.push(again.journal.filter(({ kind }) => kind === 'growth').length)
      letGo(again)
    }
    expect(sizes).toEqual([2, 2, 2])
    letGo(learner)
  })

  test('is refused for a growth that there is not, and a life without a policy', async () => {
    const { learner, past } = await grown(8)
    const life = await retrace(learner, past)
    await expect(whyGrew(life, 3, question)).rejects.toThrow(/expected one of 3/)
    letGo(learner)
    const plain = await smallLife({ device, steps: 2 })
    const plainLife = await retrace(plain.learner, plain.past)
    await expect(whyGrew(plainLife, 0, question)).rejects.toThrow(/expected one of 0/)
    letGo(plain.learner)
  })

  test('from a checkpoint in the middle the decision is not made again', async () => {
    const { learner, past } = await grown()
    const later = { moments: past.moments.slice(1), observed: past.observed.slice(4) }
    const life = await retrace(learner, later)
    const why = await whyGrew(life, 0, question)
    expect([why.step, why.dryRun]).toEqual([5, null])
    letGo(learner)
  })
})

test('explaining leaves nothing behind on the device', async () => {
  const { learner, past } = await smallLife({ device, steps: 6, strategy: replaying, planted })
  const rows = joinBatches(past.observed)
  const before = device.memory.bytes
  const life = await retrace(learner, past)
  await whatIf(life, question, { without: { ids: [21] } })
  await influence([learner], question, rows)
  await integratedGradients(learner, question)
  await attributionPatch(learner, question)
  await patch(learner, question, { direction: 'noise' })
  await logitLens(learner, question)
  await directLogits(learner, question)
  await attentionFlow(learner, question)
  expect(device.memory.bytes).toBe(before)
  letGo(learner)
})
