/** A model in stages learns what the whole model learns: bit for bit where additions have one order, else to rounding. */
import { adamw, type GradientTransform, sgd } from '@burgeon/autograd/optim'
import {
  ModelStage,
  ShardedModel,
  type ShardedModelOptions,
  ShardError,
  splitStages,
  stagesOf,
  StageWorker,
} from '@burgeon/cluster'
import { Gpt, type GptConfig, gptConfig } from '@burgeon/gpt'
import { NonFiniteError, OptionError } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { openWasm } from '@burgeon/tensor/wasm'
import { describe, expect, test } from 'vitest'
import { drawConfig, drawFrom, modelOf } from '../../growth/tiny-model.ts'
import { times } from '../../how-long.ts'
import { apart, rowsOf, sharded, weightsOf, type WholeOutcome, wholeStep } from './sharded.ts'

const optimizer = (): GradientTransform => adamw({ learningRate: 0.01, weightDecay: 0.1 })
const reference = openReference()

const deepened = (config: GptConfig): GptConfig => {
  const blocks = [0, 1, 2].flatMap((i) =>
    config.blocks.map((block) => ({ ...block, id: `${block.id}x${i}` })),
  )
  return { ...config, blocks: blocks.slice(0, 4) }
}

/** Steps of a model in stages and of the whole one, on the same rows. */
async function bothLearn(
  config: GptConfig,
  stages: number,
  seed: number,
  {
    steps = 3,
    rows = 3,
    device = reference,
    ...options
  }: ShardedModelOptions & { steps?: number; rows?: number; device?: typeof reference } = {},
) {
  const [whole, other] = [modelOf(config, drawFrom(seed), device), modelOf(config, drawFrom(seed), device)]
  const parts = Math.min(rows, options.microBatches ?? stages)
  const own = optimizer()
  const shards = await sharded(other, stages, optimizer, options)
  const random = drawFrom(seed + 1)
  const expected: WholeOutcome[] = []
  const got: WholeOutcome[] = []
  for (let step = 0; step < steps; step++) {
    const batch = rowsOf(whole, random, rows)
    const clip = options.clip === undefined ? {} : { clip: options.clip }
    expected.push(wholeStep(whole, own, step, batch, { parts, ...clip }))
    const { loss, losses, gradientNorm } = await shards.model.learn(batch)
    got.push({ loss, losses: Array.from(losses), norm: gradientNorm })
  }
  const weights = Object.fromEntries(
    [...whole.parameters].map(({ path, tensor }) => [path, [...tensor.readSync()]]),
  )
  const made = await weightsOf(shards.workers)
  shards.dispose()
  whole.dispose()
  other.dispose()
  return { expected, got, weights, made }
}

function expectNear(
  { expected, got, weights, made }: Awaited<ReturnType<typeof bothLearn>>,
  tolerance = 1e-5,
): void {
  for (const [i, { loss, losses, norm }] of expected.entries()) {
    expect(Math.abs(got[i].loss / loss - 1)).toBeLessThan(tolerance)
    expect(apart(losses, got[i].losses)).toBeLessThan(tolerance)
    expect(Math.abs(got[i].norm / norm - 1)).toBeLessThan(tolerance)
  }
  expect(Object.keys(made).toSorted()).toEqual(Object.keys(weights).toSorted())
  for (const [path, numbers] of Object.entries(weights)) {
    expect(apart(numbers, made[path]), path).toBeLessThan(tolerance)
  }
}

describe('stages learn what the whole model learns', () => {
  test('to the bit, in models of every form, where a batch goes through as a whole', async () => {
    for (let seed = 1; seed <= times(12, 60); seed++) {
      const config = deepened(drawConfig(drawFrom(seed)))
      const { expected, got, weights, made } = await bothLearn(
        config,
        1 + (seed % config.blocks.length),
        seed,
        { microBatches: 1 },
      )
      expect(got.map(({ loss, losses }) => ({ loss, losses }))).toEqual(
        expected.map(({ loss, losses }) => ({ loss, losses })),
      )
      expect(made).toEqual(weights)
    }
  })
  test('to the bit in micro-batches, where the head has a matrix of its own', async () => {
    for (let seed = 1; seed <= times(6, 30); seed++) {
      const config = { ...deepened(drawConfig(drawFrom(seed))), untiedHead: true }
      const { expected, got, weights, made } = await bothLearn(
        config,
        Math.min(3, config.blocks.length),
        seed,
        { microBatches: 3 },
      )
      expect(got.map(({ losses }) => losses)).toEqual(expected.map(({ losses }) => losses))
      expect(made).toEqual(weights)
    }
  })
  test('to rounding in micro-batches, where the table of tokens is the head', async () => {
    for (let seed = 1; seed <= times(6, 30); seed++) {
      expectNear(await bothLearn(deepened(drawConfig(drawFrom(seed))), 2, seed, { microBatches: 3 }))
    }
  })
  test('clipped by the norm of all stages, and not of each', async () => {
    const config = deepened(drawConfig(drawFrom(5)))
    const { expected } = await bothLearn(config, 2, 5, { steps: 1 })
    // Above what either stage has, so that one that clips by its own would not.
    const clip = expected[0].norm * 0.95
    const both = await bothLearn(config, 2, 5, { steps: 3, clip })
    expectNear(both)
    const unclipped = await bothLearn(config, 2, 5, { steps: 3 })
    expect(unclipped.made).not.toEqual(both.made)
  })
  test('on the WASM device', async () => {
    const config = gptConfig({
      vocabulary: 61,
      context: 12,
      embed: 32,
      heads: 4,
      layers: 4,
      positions: 'rotary',
    })
    const both = await bothLearn(config, 3, 2, { device: openWasm(), microBatches: 1 })
    expect(both.made).toEqual(both.weights)
  })
  test('with blocks that are computed twice', async () => {
    const config = gptConfig({ vocabulary: 11, context: 6, embed: 8, heads: 2, layers: 2 })
    const made = await Promise.all(
      [false, true].map(async (checkpointBlocks) => {
        const shards = await sharded(modelOf(config, drawFrom(1), reference), 2, optimizer, {
          worker: { checkpointBlocks },
        })
        await shards.model.learn(rowsOf(shards.model, drawFrom(2), 2))
        return weightsOf(shards.workers)
      }),
    )
    expect(made[1]).toEqual(made[0])
  })
})

describe('a new stage', () => {
  test('has the weights of the whole new model, and no others', async () => {
    const sizes = { vocabulary: 11, context: 6, embed: 8, heads: 2, layers: 3 }
    const whole = Gpt.create(sizes, { seed: 3, device: reference })
    const shares = splitStages(whole.config, { stages: 3 })
    const stages = shares.map((share) =>
      ModelStage.create(whole.config, share, { seed: 3, device: reference }),
    )
    const made = await weightsOf(stages.map((stage) => new StageWorker(stage)))
    expect(made).toEqual(
      Object.fromEntries([...whole.parameters].map(({ path, tensor }) => [path, [...tensor.readSync()]])),
    )
    expect(stages.map(({ parameters }) => parameters.size)).toEqual(
      shares.map(({ parameters }) => parameters),
    )
    expect(stages[0].parameters.size).toBeLessThan(whole.parameters.size / 2)
  })
})

describe('a step that cannot be', () => {
  const config = gptConfig({ vocabulary: 11, context: 6, embed: 8, heads: 2, layers: 4 })
  const start = (make: () => GradientTransform = optimizer) =>
    sharded(modelOf(config, drawFrom(1), reference), 2, make)

  test('leaves all stages as they were, and the next one is learnt', async () => {
    const [shards, other] = [await start(), await start()]
    const [first, second] = [rowsOf({ config }, drawFrom(2), 2), rowsOf({ config }, drawFrom(3), 2)]
    await expect(shards.model.learn({ ...first, tokens: first.tokens.map(() => -1) })).rejects.toThrow(
      'nothing is to be predicted',
    )
    await expect(shards.model.learn({ ...first, tokens: first.tokens.map(() => 99) })).rejects.toThrow(
      'got token 99',
    )
    await expect(shards.model.learn({ ...first, rows: 3 })).rejects.toThrow('expected 3 rows of 7')
    await expect(shards.model.learn({ ...first, length: 9 })).rejects.toThrow(OptionError)
    await expect(
      shards.model.learn({ ...first, weights: new Float32Array(12) } as typeof first),
    ).rejects.toThrow('rows with weights')
    for (const each of [shards, other]) {
      await each.model.learn(first)
      await each.model.learn(second)
    }
    expect(await weightsOf(shards.workers)).toEqual(await weightsOf(other.workers))
  })
  test('because of one stage: none of them learns', async () => {
    const rates = [0.01, Number.NaN]
    const shards = await start(() =>
      sgd({ learningRate: (rates.shift() as number) === 0.01 ? 0.01 : () => Number.NaN }),
    )
    const before = await weightsOf(shards.workers)
    await expect(shards.model.learn(rowsOf({ config }, drawFrom(2), 2))).rejects.toThrow('stage 1')
    expect(await weightsOf(shards.workers)).toEqual(before)
    expect(shards.workers.map(({ step }) => step)).toEqual([0, 0])
  })
  test('because weights are ruined: says so, and nothing is learnt', async () => {
    const model = modelOf(config, drawFrom(1), reference)
    const shards = await sharded(model, 2, optimizer)
    const { tensor } = shards.workers[1].stage.parameters.get('head.norm.gain')
    shards.workers[1].stage.parameters.replace(
      'head.norm.gain',
      reference.tensor(
        tensor.readSync().map(() => 3e38),
        { shape: tensor.shape, dtype: 'f32' },
      ),
    )
    const before = await weightsOf(shards.workers)
    await expect(shards.model.learn(rowsOf(model, drawFrom(2), 2))).rejects.toThrow(NonFiniteError)
    expect(await weightsOf(shards.workers)).toEqual(before)
  })
  test('waits for no other: two at once are refused', async () => {
    const shards = await start()
    const batch = rowsOf({ config }, drawFrom(2), 2)
    const first = shards.model.learn(batch)
    await expect(shards.model.learn(batch)).rejects.toThrow('busy')
    expect((await first).step).toBe(1)
  })
})

describe('stages that do not belong together', () => {
  const config = gptConfig({ vocabulary: 11, context: 6, embed: 8, heads: 2, layers: 4 })
  const workersOf = (stages: number, of = config): StageWorker[] =>
    stagesOf(modelOf(of, drawFrom(1), reference), stages).map(
      (stage) => new StageWorker(stage, { optimizer: optimizer() }),
    )
  const connect = (workers: readonly StageWorker[]): Promise<ShardedModel> =>
    ShardedModel.connect(workers.map((worker) => ({ ask: (payload) => worker.answer(payload) })))

  test('are refused: missing, out of order, of two models, at two steps, without an optimizer', async () => {
    const [a, b] = workersOf(2)
    await expect(connect([a])).rejects.toThrow('stage 0 of 2')
    await expect(connect([b, a])).rejects.toThrow('in order')
    const [, other] = workersOf(2, { ...config, activation: 'geluErf' })
    await expect(connect([a, other])).rejects.toThrow('different models')
    const ahead = workersOf(2)
    await (await connect(ahead)).learn(rowsOf({ config }, drawFrom(2), 2))
    await expect(connect([a, ahead[1]])).rejects.toThrow('stage 0 is at step 0 and stage 1 at 1')
    await expect(connect([])).rejects.toThrow(OptionError)
    const readers = stagesOf(modelOf(config, drawFrom(1), reference), 2).map(
      (stage) => new StageWorker(stage),
    )
    await expect((await connect(readers)).learn(rowsOf({ config }, drawFrom(2), 2))).rejects.toThrow(
      'no optimizer',
    )
  })
  test('another leader takes over, and the one before is told', async () => {
    const workers = workersOf(2)
    const [first, second] = [await connect(workers), await connect(workers)]
    const batch = rowsOf({ config }, drawFrom(2), 2)
    await expect(first.learn(batch)).rejects.toThrow('another has taken the place of')
    expect((await second.learn(batch)).step).toBe(1)
  })
  test('a stage that is gone: the step is refused; gone in an update: all that follows', async () => {
    const workers = workersOf(2)
    let gone: string | null = null
    const links = workers.map((worker, i) => ({
      ask: (payload: Uint8Array) => {
        const isMeant =
          i === 1 && gone !== null && new TextDecoder().decode(payload.slice(0, 400)).includes(gone)
        return isMeant ? Promise.reject(new Error('gone')) : worker.answer(payload)
      },
    }))
    const model = await ShardedModel.connect(links)
    const batch = rowsOf({ config }, drawFrom(2), 2)
    gone = '"forward"'
    await expect(model.learn(batch)).rejects.toThrow('stage 1 cannot be reached: gone')
    gone = null
    expect((await model.learn(batch)).step).toBe(1)
    gone = '"update"'
    await expect(model.learn(batch)).rejects.toThrow('torn apart')
    gone = null
    await expect(model.learn(batch)).rejects.toThrow(ShardError)
    await expect(model.losses(batch)).rejects.toThrow('torn apart')
    // The one that made the update does not fit the one that did not.
    await expect(ShardedModel.connect(links)).rejects.toThrow('expected one step')
  })
})
