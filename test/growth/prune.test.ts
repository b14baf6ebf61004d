/** Smaller by the same algebra: what is dropped comes back to the byte, in the weights and in all that follows them. */
import {
  adafactor,
  adamw,
  chain,
  clipByGlobalNorm,
  type GradientTransform,
  movingAverage,
  muon,
} from '@burgeon/autograd/optim'
import { LearnedRates, Learner, pruneDormant } from '@burgeon/continual'
import { Gpt, type GptConfig } from '@burgeon/gpt'
import { grow, GrowthRefusedError, planGrowth, ungrow } from '@burgeon/gpt/growth'
import {
  type Device,
  fill,
  type Mirror,
  multiply,
  OptionError,
  ParameterError,
  scope,
  type Tensor,
  TensorMirror,
} from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { openWasm } from '@burgeon/tensor/wasm'
import { describe, expect, test } from 'vitest'
import { drawnLife } from './drawn-life.ts'
import { drawPruning, drawRequest, everyByte, learn, logitsOf } from './tiny-model.ts'
import { times } from '../how-long.ts'

/** Also of mirrors that hold other things than tensors, such as ages. */
async function everything(model: Gpt, mirrors: readonly Mirror[]): Promise<unknown> {
  const states = mirrors.map((mirror) =>
    'toState' in mirror ? (mirror as { toState(): unknown }).toState() : null,
  )
  return [everyByte(model, mirrors), ...(await Promise.all(states))]
}

/** A mirror that holds nothing of its own and shows everything that an optimizer knows. */
const wholeStateOf = (optimizer: GradientTransform): Mirror & { toState(): Promise<unknown> } => ({
  name: `all of ${optimizer.name}`,
  remap: () => () => {},
  keep: () => Promise.resolve({}),
  toState: () => optimizer.toState(),
})

function lifeOf(seed: number, device: Device, config?: GptConfig) {
  const { random, model, tokens } = drawnLife(seed, device, config)
  const optimizer = chain(clipByGlobalNorm(1), adamw({ learningRate: 0.01 }), movingAverage(0.9))
  const others = muon({ momentum: 0.9, learningRate: 0.01 })
  const factored = adafactor({ learningRate: 0.01 })
  const rates = new LearnedRates({ name: 'rates', initial: 0.1 })
  const anchor = new TensorMirror('anchor', 'value')
  const mirrors: Mirror[] = [
    ...[...optimizer.mirrors, ...others.mirrors, ...factored.mirrors],
    ...[rates, anchor, wholeStateOf(factored)],
  ]
  const live = (step: number): void => {
    learn(model, optimizer, tokens, step)
    scope(() => {
      const parameters = model.parameters.tensors()
      factored.transform(parameters, { parameters, step })
    })
    scope(() => void rates.of(model.parameters.tensors()))
  }
  for (let step = 0; step < 2; step++) live(step)
  scope(() => {
    for (const { path, tensor } of model.parameters)
      if (!anchor.get(path)) anchor.set(path, fill(device, tensor.shape, random.normal()))
  })
  return { random, model, tokens, mirrors, live, key: [seed, 9] as const }
}

describe.each([openReference(), openWasm()].map((device) => [device.name, device] as const))(
  'pruning on %s',
  (_, device) => {
    test('mixed with growth, in sequences of ten: taken back, every byte of weights and mirrors is there again', async () => {
      const kinds = new Set<string>()
      for (let seed = 1; seed <= times(6, 25); seed++) {
        const { random, model, tokens, mirrors, live, key } = lifeOf(seed, device)
        const done: { record: Awaited<ReturnType<typeof grow>>; before: unknown }[] = []
        for (let i = 0; i < 10; i++) {
          const request =
            (random.below(2) === 0 && drawPruning(model.config, random)) || drawRequest(model.config, random)
          if (model.parameters.size > 20_000 && request.kind !== 'pruneLayer') continue
          const before = await everything(model, mirrors)
          const record = await grow(model, request, { mirrors, probe: tokens, key, tolerance: Infinity })
          const isSmaller = record.parametersAfter < record.parametersBefore
          expect(isSmaller).toBe(request.kind.startsWith('prune'))
          done.push({ record, before })
          kinds.add(request.kind)
        }
        for (const { record, before } of done.toReversed()) {
          // As a checkpoint would bring it back.
          ungrow(model, structuredClone(record), mirrors)
          expect(await everything(model, mirrors)).toEqual(before)
        }
        live(2)
        for (const mirror of mirrors) mirror.dispose?.()
        model.dispose()
      }
      for (const kind of ['pruneUnits', 'pruneHeads', 'pruneLayer']) expect(kinds).toContain(kind)
    })
    test('what stayed keeps what it has learnt since', async () => {
      const { model, tokens, mirrors, live, key } = lifeOf(3, device, drawWide())
      const block = model.config.blocks[0].id
      const path = `blocks.${block}.mlp.down.weight`
      const numbers = (): number[] => [...model.parameters.get(path).tensor.readSync()]
      const before = numbers()
      const record = await grow(
        model,
        { kind: 'pruneUnits', block, drop: [1] },
        { mirrors, probe: tokens, key },
      )
      live(2)
      const learnt = numbers()
      ungrow(model, record, mirrors)
      const width = before.length / 4
      const [rowsBefore, rowsLearnt, rowsNow] = [before, learnt, numbers()].map((all) =>
        Array.from({ length: all.length / width }, (__, i) => all.slice(i * width, (i + 1) * width)),
      )
      expect(rowsNow).toEqual([rowsLearnt[0], rowsBefore[1], rowsLearnt[1], rowsLearnt[2]])
      expect(rowsLearnt[0]).not.toEqual(rowsBefore[0])
      live(3)
    })
    test('moves nothing where what is dropped wrote nothing', async () => {
      const { model, tokens, mirrors, key } = lifeOf(4, device, drawWide())
      const block = model.config.blocks[0].id
      const options = { mirrors, probe: tokens, key }
      const before = logitsOf(model, tokens)
      await grow(model, { kind: 'widenMlp', block, to: 6 }, options)
      const units = await grow(
        model,
        { kind: 'pruneUnits', block, drop: [4, 5] },
        { ...options, tolerance: 1e-5 },
      )
      await grow(model, { kind: 'addHeads', block, to: 3 }, options)
      const heads = await grow(
        model,
        { kind: 'pruneHeads', block, drop: [2] },
        { ...options, tolerance: 1e-5 },
      )
      await grow(model, { kind: 'addLayer', at: 1 }, options)
      const layer = { kind: 'pruneLayer', block: model.config.blocks[1].id } as const
      const layers = await grow(model, layer, { ...options, tolerance: 1e-5 })
      const most = device.name === 'reference' ? 1e-12 : 1e-5
      for (const { logitsMoved } of [units, heads, layers]) expect(logitsMoved).toBeLessThanOrEqual(most)
      logitsOf(model, tokens).forEach((logit, i) => expect(logit).toBeCloseTo(before[i], 4))
    })
  },
)

const drawWide = (): GptConfig =>
  Gpt.create(
    { vocabulary: 7, context: 6, embed: 6, heads: 2, layers: 2, mlpHidden: 4 },
    { device: openReference() },
  ).config

const device = openReference()

test('a pruning that moves the logits by more than asked is taken back to the byte', async () => {
  const { model, tokens, mirrors, key } = lifeOf(5, device, drawWide())
  const before = await everything(model, mirrors)
  const block = model.config.blocks[1].id
  for (const request of [
    { kind: 'pruneLayer', block },
    { kind: 'pruneHeads', block, drop: [0] },
    { kind: 'pruneUnits', block, drop: [0, 2] },
  ] as const) {
    const pruning = grow(model, request, { mirrors, probe: tokens, key, tolerance: 1e-6 })
    await expect(pruning).rejects.toThrow(GrowthRefusedError)
    expect(await everything(model, mirrors)).toEqual(before)
  }
})

test('heads that share keys and values go so that groups stay equal', () => {
  const config = Gpt.create(
    { vocabulary: 7, context: 6, embed: 12, heads: 6, kvHeads: 3, layers: 1 },
    { device },
  ).config
  const sizesAfter = (drop: readonly number[]): readonly number[] => {
    const { heads, kvHeads } = planGrowth(config, { kind: 'pruneHeads', block: 'b0', drop }, [0, 0]).config
      .blocks[0]
    return [heads, kvHeads]
  }
  expect(sizesAfter([2, 3])).toEqual([4, 2])
  expect(sizesAfter([0, 3, 5])).toEqual([3, 3])
  expect(sizesAfter([0, 1, 2, 4])).toEqual([2, 2])
  expect(() => sizesAfter([0])).toThrow(OptionError)
  expect(() => sizesAfter([0, 1, 2])).toThrow('expected whole groups, or as many of each')
})

test('bad requests and mirrors that cannot hand out what is dropped are refused, and nothing changes', async () => {
  const { model, tokens, mirrors, key } = lifeOf(6, device, drawWide())
  const before = await everything(model, mirrors)
  const options = { mirrors, probe: tokens, key }
  for (const request of [
    { kind: 'pruneUnits', block: 'b0', drop: [] },
    { kind: 'pruneUnits', block: 'b0', drop: [0, 1, 2, 3] },
    { kind: 'pruneUnits', block: 'b0', drop: [4] },
    { kind: 'pruneUnits', block: 'b0', drop: [1, 1] },
    { kind: 'pruneUnits', block: 'b0', drop: [0.5] },
    { kind: 'pruneUnits', block: 'b9', drop: [0] },
    { kind: 'pruneHeads', block: 'b0', drop: [0, 1] },
    { kind: 'pruneHeads', block: 'b0', drop: [-1] },
    { kind: 'pruneLayer', block: 'b9' },
  ] as const) {
    await expect(grow(model, request, options)).rejects.toThrow(OptionError)
    expect(await everything(model, mirrors)).toEqual(before)
  }
  const mute = { name: 'mute', remap: () => () => {} } as unknown as Mirror
  const pruning = grow(
    model,
    { kind: 'pruneLayer', block: 'b0' },
    { ...options, mirrors: [...mirrors, mute] },
  )
  await expect(pruning).rejects.toThrow(ParameterError)
  expect(await everything(model, mirrors)).toEqual(before)
  await grow(model, { kind: 'pruneLayer', block: 'b0' }, options)
  await expect(grow(model, { kind: 'pruneLayer', block: 'b1' }, options)).rejects.toThrow('the last one')
})

test('beside Adafactor a learner prunes what is dormant', async () => {
  const model = Gpt.create(
    { vocabulary: 128, context: 6, embed: 6, heads: 2, layers: 1, mlpHidden: 8 },
    { device },
  )
  scope(() => {
    for (const part of ['up.weight', 'up.bias', 'down.weight'])
      model.parameters.replace(
        `blocks.b0.mlp.${part}`,
        multiply(model.parameters.get(`blocks.b0.mlp.${part}`).tensor, idleUnits(part)),
      )
  })
  const strategy = { growth: pruneDormant({ every: 1, looks: 2 }) }
  const learner = new Learner({ model, optimizer: adafactor({ learningRate: 1e-3 }), strategy })
  for (let step = 0; step < 4; step++) await learner.observe('pruning is growth backwards')
  expect(learner.journal.filter(({ kind }) => kind === 'growth refused')).toEqual([])
  expect(model.config.blocks[0].mlpHidden).toBeLessThan(8)
})

/** 0 for the first two of eight hidden units, 1 for the others, in a shape that broadcasts. */
function idleUnits(part: string): Tensor {
  const data = [0, 0, 1, 1, 1, 1, 1, 1]
  return device.tensor(data, { shape: part === 'down.weight' ? [8, 1] : [8], dtype: 'f32' })
}
