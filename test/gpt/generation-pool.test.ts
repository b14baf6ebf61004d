/** Texts that are written together: each as it would be alone, by the weights of its beginning. */
import { sgd } from '@burgeon/autograd/optim'
import { batchOfTokens, Learner } from '@burgeon/continual'
import { byteTokenizer, generate, GenerationPool, Gpt, type PooledGeneration } from '@burgeon/gpt'
import { grow } from '@burgeon/gpt/growth'
import { type Engine, NonFiniteError, OptionError, withEngineAsync } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { openWasm } from '@burgeon/tensor/wasm'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { times } from '../how-long.ts'

const sizes = { context: 24, embed: 8, heads: 2, layers: 2, mlpHidden: 16 }
const modelOn = (device = openReference()) => Gpt.create(sizes, { device, seed: 4 })
const tokenizer = byteTokenizer

async function finish(pool: GenerationPool, some: readonly PooledGeneration[]): Promise<void> {
  for (let left = some; left.length > 0; left = left.filter(({ isDone }) => !isDone)) await pool.step(left)
}

test('each is what it would be alone, whenever it joins and however it is told to write', async () => {
  const model = modelOn()
  const pool = new GenerationPool(model)
  const aRequest = fc.record({
    prompts: fc.array(fc.string({ unit: 'binary-ascii', minLength: 1, maxLength: 12 }), {
      minLength: 1,
      maxLength: 3,
    }),
    joins: fc.nat(6),
    tokens: fc.nat(9),
    seed: fc.nat(100),
    temperature: fc.constantFrom(0, 0.7, 1.3),
    topK: fc.constantFrom(3, 100),
    logProbabilities: fc.constantFrom(0, 2),
    onContextFull: fc.constantFrom('stop' as const, 'slide' as const),
    presencePenalty: fc.constantFrom(0, 0.5),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(aRequest, { minLength: 1, maxLength: 4 }), async (requests) => {
      const before = model.device.memory.buffers
      const running: PooledGeneration[] = []
      const pieces = requests.map(() => '')
      for (let step = 0; step === 0 || running.some(({ isDone }) => !isDone) || step < 7; step++) {
        for (const [i, { prompts, joins, ...options }] of requests.entries())
          if (joins === step) running[i] = pool.begin(prompts, { ...options, tokenizer })
        const present = requests.map((_, i) => i).filter((i) => running[i] && !running[i].isDone)
        const steps = await pool.step(present.map((i) => running[i]))
        for (const [at, one] of steps.entries())
          if ('tokens' in one) for (const { text = '' } of one.tokens) pieces[present[at]] += text
      }
      for (const [i, { prompts, joins: _, ...options }] of requests.entries()) {
        const alone = await generate(model, prompts, { ...options, tokenizer })
        expect(running[i].results()).toEqual(alone)
        if (prompts.length === 1) expect(pieces[i]).toBe(alone[0].text)
        running[i].end()
      }
      expect(pool.snapshots).toBe(0)
      expect(model.device.memory.buffers).toBe(before)
    }),
    { numRuns: times(12, 150) },
  )
})

test('one that begins beside another has its weights and its passes, whatever was learnt since', async () => {
  const model = modelOn()
  const buffers = model.device.memory.buffers
  const learner = new Learner({ model, optimizer: sgd({ learningRate: 1 }) })
  const options = { tokens: 6, temperature: 0, tokenizer } as const
  const [early] = await generate(model, ['ab'], options)
  const pool = new GenerationPool(model)
  const first = pool.begin(['of a'], options)
  await learner.observe(batchOfTokens(tokenizer.encode('ab is what it says now'), 12, 'text'))
  const [second, third] = [pool.begin(['ab'], options, first), pool.begin(['ab'], options)]
  expect(pool.snapshots).toBe(2)
  await finish(pool, [first, second, third])
  expect(second.results()[0]).toEqual(early)
  expect(third.results()[0].text).not.toBe(early.text)
  for (const one of [first, second, third]) one.end()
  expect(pool.snapshots).toBe(0)
  // Nobody holds the weights of one that has ended.
  expect(() => pool.begin(['ab'], options, first)).toThrow(OptionError)
  expect(() => pool.begin(['ab'], options, { ...third })).toThrow(OptionError)
  expect(model.device.memory.buffers).toBe(buffers)
})

test('one that begins beside another is of the size that the model had then', async () => {
  const model = modelOn()
  const pool = new GenerationPool(model)
  const options = { tokens: 2, temperature: 0, onContextFull: 'stop' } as const
  const first = pool.begin([[1, 2]], options)
  await grow(model, { kind: 'growContext', to: 48 }, { mirrors: [], key: [1, 2] })
  const long = Array.from({ length: 30 }, (_, i) => i)
  expect(() => pool.begin([long], options, first)).toThrow(OptionError)
  const second = pool.begin([long], options)
  await finish(pool, [first, second])
  expect(second.results()[0].tokens).toHaveLength(2)
  for (const one of [first, second]) one.end()
})

test('a step is one pass for all, whatever their number', async () => {
  const model = modelOn()
  const passes = async (count: number): Promise<number> => {
    const pool = new GenerationPool(model)
    const some = Array.from({ length: count }, (_, i) =>
      pool.begin(['ab'], { tokens: 3, tokenizer, seed: i }),
    )
    await pool.step(some)
    let products = 0
    const listen = (below: Engine): Engine => ({
      run: (op, inputs, attrs) => {
        if (op === 'linear' || op === 'matmul') products++
        return below.run(op, inputs, attrs)
      },
    })
    await withEngineAsync(listen, () => pool.step(some))
    for (const one of some) one.end()
    return products
  }
  expect(await passes(6)).toBe(await passes(1))
})

test('is written by the weights of its beginning, though the model learns; who begins then by the new ones', async () => {
  const model = modelOn(openWasm({ threads: 1 }))
  const how = { tokens: 10, tokenizer, seed: 3 }
  const wanted = await generate(model, 'The', how)
  const pool = new GenerationPool(model)
  const early = pool.begin(['The'], how)
  const beside = pool.begin(['The'], how)
  expect(pool.snapshots).toBe(1)
  await pool.step([early, beside])
  const learner = new Learner({ model, optimizer: sgd(0.5) })
  await learner.observe('What the model reads now is something else. ')
  const late = pool.begin(['The'], how)
  expect(pool.snapshots).toBe(2)
  await finish(pool, [early, beside, late])
  expect(early.results()[0].text).toBe(wanted.text)
  expect(beside.results()[0].text).toBe(wanted.text)
  expect(late.results()[0].text).toBe((await generate(model, 'The', how)).text)
  expect(late.results()[0].text).not.toBe(wanted.text)
  expect(pool.snapshots).toBe(0)
})

test('one that fails, or is given up, leaves the others as they are', async () => {
  const model = modelOn()
  const pool = new GenerationPool(model)
  const how = { tokens: 6, tokenizer, seed: 1 }
  const stop = new AbortController()
  const good = pool.begin(['abc'], how)
  const strange = pool.begin(['abc'], { ...how, allowedTokens: () => [999] })
  const left = pool.begin(['abc'], { ...how, signal: stop.signal })
  const full = pool.begin(['x'.repeat(23)], { ...how, onContextFull: 'error' })
  const [first, second] = await pool.step([good, strange, left, full])
  expect(first).toHaveProperty('tokens')
  expect((second as { error: unknown }).error).toBeInstanceOf(OptionError)
  expect(strange.isDone).toBe(true)
  stop.abort()
  for (let i = 0; i < 3; i++) await pool.step([good, left, full])
  expect(left.results()[0]).toMatchObject({ finish: 'aborted' })
  expect(full.isDone).toBe(true)
  await finish(pool, [good])
  expect(good.results()[0].text).toBe((await generate(model, 'abc', how)).text)
  expect(pool.snapshots).toBe(0)
})

test('ruined weights are the error of everyone who is written by them', async () => {
  const model = modelOn()
  const pool = new GenerationPool(model)
  const path = 'blocks.b0.mlp.up.weight'
  const { shape } = model.parameters.get(path).tensor
  const ruined = model.device.tensor(new Float32Array(8 * 16).fill(NaN), { shape, dtype: 'f32' })
  model.parameters.replace(path, ruined)
  const steps = await pool.step([
    pool.begin(['a'], { tokens: 2, tokenizer }),
    pool.begin(['b'], { tokens: 2, tokenizer }),
  ])
  for (const step of steps) expect((step as { error: unknown }).error).toBeInstanceOf(NonFiniteError)
  expect(pool.snapshots).toBe(0)
})

test('what only a single text can have is refused', () => {
  const pool = new GenerationPool(modelOn())
  expect(() => pool.begin(['a'], { tokens: 1, tokenizer, weights: 'live' } as never)).toThrow(OptionError)
  expect(() => pool.begin([''], { tokens: 1, tokenizer })).toThrow(OptionError)
  expect(() => pool.begin([], { tokens: 1, tokenizer })).toThrow(OptionError)
  expect(pool.snapshots).toBe(0)
})
