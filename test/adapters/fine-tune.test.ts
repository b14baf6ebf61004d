/** Learning an adapter: the model keeps every byte, and the learner goes on as any other does. Reaches inside for a disk in memory. */
import { valueAndGrad } from '@burgeon/autograd'
import { adamw, sgd } from '@burgeon/autograd/optim'
import { checkGradient } from '@burgeon/autograd/testing'
import {
  type FineTuneOptions,
  fineTune,
  fixedVocabulary,
  freezeConverged,
  growingVocabulary,
  growOnSchedule,
  laMaml,
  Learner,
  type LearnerState,
  onlineEwc,
  everySteps,
  reservoirReplay,
  type Strategy,
} from '@burgeon/continual'
import {
  AdapterError,
  BytePairTokenizer,
  Gpt,
  LoraAdapter,
  mergeLora,
  readCheckpoint,
  writeCheckpoint,
} from '@burgeon/gpt'
import { grow, ungrow } from '@burgeon/gpt/growth'
import {
  crossEntropy,
  mean,
  NonFiniteError,
  OptionError,
  scope,
  tensor,
  type Tensor,
  type TensorsByPath,
} from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { openWasm } from '@burgeon/tensor/wasm'
import { describe, expect, test } from 'vitest'
import { memoryDisk } from '../../packages/gpt/src/testing/index.ts'
import { lossOf, numbersOf, row, rowsOf, tinyModel } from '../continual/tiny-learner.ts'
import { drawFrom, everyByte, tokensFor } from '../growth/tiny-model.ts'
import { times } from '../how-long.ts'
import { drawAdapter, drawModel, logitsWith } from './drawn-adapter.ts'

const device = openWasm()
const batch = (i: number) => rowsOf(row(2 * i), row(2 * i + 1))
const lora = { rank: 2, alpha: 4, dropout: 0.25, targets: ['qkv', 'up', 'down'] } as const

const tune = (model: Gpt, options: Partial<FineTuneOptions> = {}) =>
  fineTune(model, { adapter: lora, optimizer: adamw({ learningRate: 0.02 }), ...options })

describe('fineTune', () => {
  test('teaches the adapter and leaves every byte of the model as it is', async () => {
    const model = tinyModel(device)
    const before = everyByte(model, [])
    const tuning = tune(model, { adapter: { ...lora, dropout: 0 } })
    const start = numbersOf(tuning.adapter.weights)
    const losses: number[] = []
    for (let i = 0; i < 60; i++) losses.push((await tuning.observe(batch(i % 3))).loss)
    expect(everyByte(model, [])).toEqual(before)
    expect(losses[59]).toBeLessThan(losses[0] - 0.05)
    const end = numbersOf(tuning.adapter.weights)
    for (const [path, numbers] of Object.entries(start)) expect(end[path]).not.toEqual(numbers)
    const text = 'abc'.replaceAll(/[a-z]/g, (letter) => String.fromCharCode(letter.charCodeAt(0) - 96))
    const [own, bare] = [
      await tuning.predict(text),
      await new Learner({ model, optimizer: sgd(0) }).predict(text),
    ]
    expect(own.bitsPerByte).not.toBe(bare.bitsPerByte)
  })

  test('takes the step that its optimizer says, on the adapter alone', async () => {
    const model = tinyModel()
    const adapter = await drawAdapter(model, drawFrom(1), { rank: 2, targets: ['qkv', 'down'] })
    const rows = [row(1), row(2)]
    const tokens = model.device.tensor(
      rows.flatMap((own) => own.slice(0, 4)),
      { shape: [2, 4], dtype: 'i32' },
    )
    const targets = model.device.tensor(
      rows.flatMap((own) => own.slice(1)),
      { shape: [8], dtype: 'i32' },
    )
    const { gradient } = valueAndGrad((weights: TensorsByPath) =>
      mean(
        crossEntropy(
          model.forward(tokens, undefined, { adapters: { config: adapter.config, weights } }),
          targets,
        ),
      ),
    )(adapter.weights)
    const expected = Object.entries(numbersOf(adapter.weights)).map(([path, numbers]) => {
      const ofPath = gradient[path].readSync()
      return [path, numbers.map((number, i) => number - 0.1 * ofPath[i])] as const
    })
    await fineTune(model, { adapter, optimizer: sgd(0.1) }).observe(rowsOf(...rows))
    const taught = numbersOf(adapter.weights)
    for (const [path, numbers] of expected) {
      numbers.forEach((number, i) => expect(taught[path][i]).toBeCloseTo(number, 6))
    }
  })

  test('with blocks computed again on the way back the same numbers are dropped', async () => {
    const after = async (checkpointBlocks: boolean) => {
      const tuning = tune(tinyModel(device), { checkpointBlocks })
      for (let i = 0; i < 5; i++) await tuning.observe(batch(i))
      return numbersOf(tuning.adapter.weights)
    }
    expect(await after(true)).toEqual(await after(false))
  })

  test('what cannot be learnt leaves adapter, model and optimizer as they were, and no buffer behind', async () => {
    const model = tinyModel(device)
    let rate = 0.01
    const tuning = tune(model, { optimizer: adamw({ learningRate: () => rate }) })
    await tuning.observe(batch(1))
    const [state, buffers] = [await tuning.toState(), device.memory.buffers]
    rate = 1e38
    await expect(tuning.observe(batch(2))).rejects.toThrow(NonFiniteError)
    expect(await tuning.toState()).toEqual(state)
    rate = 0.01
    for (let i = 0; i < 4; i++) await tuning.observe(batch(i))
    expect(device.memory.buffers).toBe(buffers)
  })
})

test('gradients by A and B are those of finite differences, with dropout, a shared A and experts', async () => {
  const reference = openReference()
  for (let seed = 1; seed <= times(2, 30); seed++) {
    const model = drawModel(seed, reference)
    const { activation } = model.config
    const adapter = await drawAdapter(model, drawFrom(seed), {
      ...{ rank: 2, alpha: 3, useRslora: true, dropout: 0.3 },
      targets: ['qkv', 'output', 'down', activation === 'swiglu' ? 'gate' : 'up'],
    })
    const tokens = tokensFor(model, drawFrom(seed))
    const targets = tensor(
      Array.from({ length: tokens.size }, (_, i) => i % model.config.vocabulary),
      { shape: [tokens.size], dtype: 'i32', device: reference },
    )
    const paths = Object.keys(adapter.weights)
    const loss = (...numbers: Tensor[]): Tensor => {
      const weights = Object.fromEntries(numbers.map((x, i) => [paths[i], x]))
      const adapters = { config: adapter.config, weights, dropoutKey: [1, seed] as const }
      return mean(model.losses(tokens, targets, undefined, { adapters }))
    }
    const { error } = checkGradient(loss, Object.values(adapter.weights))
    expect(error).toBeLessThan(1e-5)
  }
})

describe('a learner that is saved', () => {
  const options = () => ({
    optimizer: adamw({ learningRate: 0.02 }),
    strategy: { rehearsal: reservoirReplay({ capacity: 6 }) },
    seed: 5,
  })

  async function livedThrough(interrupted: boolean) {
    let tuning: Learner = fineTune(tinyModel(device), { adapter: lora, ...options() })
    for (let i = 0; i < 8; i++) {
      await tuning.observe(batch(i))
      if (!interrupted || i % 3 !== 2) continue
      const disk = memoryDisk()
      await writeCheckpoint(disk, { learner: await tuning.toState() })
      const { learner } = await readCheckpoint(disk)
      tuning = Learner.fromState(learner as LearnerState, { adapter: lora, device, ...options() })
    }
    return tuning.toState()
  }

  test('goes on to the same bits, from a checkpoint too', async () => {
    const state = await livedThrough(true)
    expect(state).toEqual(await livedThrough(false))
    expect(state.parts.map(({ role }) => role)).toContain('adapter')
  })

  test('is not taken for one without an adapter, nor the other way round', async () => {
    const tuned = await fineTune(tinyModel(device), { adapter: lora, ...options() }).toState()
    const plain = await new Learner({ model: tinyModel(device), ...options(), optimizer: sgd(0.1) }).toState()
    const buffers = device.memory.buffers
    const own = { ...options(), device, optimizer: adamw({ learningRate: 0.02 }) }
    expect(() => Learner.fromState(tuned, own)).toThrow('the saved one was made of adapter')
    expect(() => Learner.fromState(plain, { ...own, adapter: lora })).toThrow(OptionError)
    expect(device.memory.buffers).toBe(buffers)
  })
})

describe('growth beneath an adapter that learns', () => {
  const probe = (model: Gpt) => tokensFor(model, drawFrom(1))
  const ground = (model: Gpt) => ({ mirrors: [], probe: probe(model), key: [1, 2] }) as const

  test('is refused where it changes what the adapter stands beside; taken back, all goes on as if nothing had been', async () => {
    const [tuning, other] = [tune(tinyModel(device)), tune(tinyModel(device))]
    for (const each of [tuning, other]) await each.observe(batch(1))
    const record = await grow(tuning.model, { kind: 'widenMlp', block: 'b0', to: 12 }, ground(tuning.model))
    const before = numbersOf(tuning.adapter.weights)
    await expect(tuning.observe(batch(2))).rejects.toThrow(AdapterError)
    await expect(tuning.predict('\u0001')).rejects.toThrow('merge the adapter before growth (mergeLora)')
    expect(numbersOf(tuning.adapter.weights)).toEqual(before)
    ungrow(tuning.model, record, [])
    for (const each of [tuning, other]) await each.observe(batch(2))
    const [own, theirs] = [await tuning.toState(), await other.toState()]
    expect(own.parts).toEqual(theirs.parts)
    expect(own.losses).toEqual(theirs.losses)
  })

  test('follows exactly where it leaves that as it is: the adapter learns on beneath a new layer', async () => {
    const tuning = tune(tinyModel(device))
    const { model } = tuning
    for (let i = 0; i < 3; i++) await tuning.observe(batch(i))
    const tokens = probe(model)
    const before = logitsWith(model, tokens, tuning.adapter)
    await grow(model, { kind: 'addLayer', at: 1 }, ground(model))
    expect(logitsWith(model, tokens, tuning.adapter)).toEqual(before)
    const bytes = everyByte(model, [])
    await tuning.observe(batch(3))
    expect(everyByte(model, [])).toEqual(bytes)
    expect(scope(() => logitsWith(model, tokens, tuning.adapter))).not.toEqual(before)
  })
})

test('what is for the weights of the model is refused beside an adapter, by its name', () => {
  const model = Gpt.create({ context: 8, embed: 8, heads: 2, layers: 1 }, { device })
  const refused: readonly (readonly [Strategy, string])[] = [
    [{ penalties: [onlineEwc({ strength: 1 })], consolidateWhen: everySteps(2) }, 'the penalty'],
    [{ lookAhead: laMaml({ rate: 0.1, rateOfRates: 0.1 }) }, 'the look-ahead'],
    [{ growth: growOnSchedule([]) }, 'the growth policy'],
    [{ freezing: freezeConverged() }, 'the freezing'],
    [{ vocabulary: growingVocabulary({ tokens: 300 }) }, 'the vocabulary of at most 300'],
  ]
  for (const [strategy, name] of refused) {
    expect(() => tune(model, { strategy })).toThrow(OptionError)
    expect(() => tune(model, { strategy })).toThrow(name)
    expect(() => tune(model, { strategy })).toThrow('merge the adapter first')
  }
  expect(tune(model, { strategy: { vocabulary: fixedVocabulary(new BytePairTokenizer()) } }).step).toBe(0)
  const foreign = LoraAdapter.create(tinyModel(device), { rank: 1 })
  expect(() => tune(model, { adapter: foreign })).toThrow(AdapterError)
  expect(() => fineTune(model, {} as FineTuneOptions)).toThrow('got no adapter')
})

test('the loss that is reported is that of the model with its adapter', async () => {
  const model = tinyModel()
  const adapter = await drawAdapter(model, drawFrom(3), { rank: 1, targets: ['up'] })
  const tuning = fineTune(model, { adapter, optimizer: sgd(0) })
  const bare = scope(() => lossOf(model, [row(1)])(model.parameters.tensors()).readSync()[0])
  const { loss } = await tuning.observe(rowsOf(row(1)))
  mergeLora(model, adapter)
  const adapted = scope(() => lossOf(model, [row(1)])(model.parameters.tensors()).readSync()[0])
  expect(loss).toBeCloseTo(adapted, 9)
  expect(Math.abs(loss - bare)).toBeGreaterThan(1e-4)
})
