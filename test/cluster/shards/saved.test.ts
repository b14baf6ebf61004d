/** Checkpoints of a model in stages: whole at one step whatever fails, and read on any number of stages. Reaches inside for a disk in memory. */
import { adamw, chain, decayWeights, type GradientTransform, lion, sgd } from '@burgeon/autograd/optim'
import { localLink, SavedStages, ShardedModel, stagesOf, StageWorker } from '@burgeon/cluster'
import { CheckpointError, Gpt, gptConfig, type ParameterSpec } from '@burgeon/gpt'
import { openReference } from '@burgeon/tensor/reference'
import { describe, expect, test } from 'vitest'
import { type MemoryDisk, memoryDisk } from '../../../packages/gpt/src/testing/index.ts'
import { drawFrom, modelOf } from '../../growth/tiny-model.ts'
import { times } from '../../how-long.ts'
import { rowsOf, weightsOf } from './sharded.ts'

const device = openReference()
const config = gptConfig({ vocabulary: 11, context: 5, embed: 8, heads: 2, layers: 4 })
const adam = (): GradientTransform => adamw({ learningRate: 0.01 })
const batch = (seed: number) => rowsOf({ config }, drawFrom(seed), 2)

async function start(disk: MemoryDisk, stages = 2, optimizer = adam) {
  const workers = stagesOf(modelOf(config, drawFrom(1), device), stages).map(
    (stage) => new StageWorker(stage, { optimizer: optimizer(), disk }),
  )
  return { workers, model: await ShardedModel.connect(workers.map(localLink), { microBatches: 1 }) }
}

async function resume(disk: MemoryDisk, stages: number, optimizer = adam) {
  const saved = await SavedStages.open(disk)
  const workers: StageWorker[] = []
  for (const share of saved.split({ stages })) {
    const { stage, learning } = await saved.stage(share, device)
    const worker = new StageWorker(stage, { optimizer: optimizer(), disk })
    worker.restore(learning)
    workers.push(worker)
  }
  return { workers, model: await ShardedModel.connect(workers.map(localLink), { microBatches: 1 }) }
}

describe('a checkpoint of two stages', () => {
  test.each([1, 2, 3, 4])('goes on in %i with the same bits', async (stages) => {
    const makers: (() => GradientTransform)[] = [
      adam,
      () => sgd({ learningRate: 0.1, momentum: 0.9 }),
      () => chain(decayWeights(0.1), lion({ learningRate: 0.01 })),
    ]
    for (const optimizer of makers) {
      const disk = memoryDisk()
      const first = await start(disk, 2, optimizer)
      for (const seed of [1, 2, 3]) await first.model.learn(batch(seed))
      await first.model.save(disk)
      const second = await resume(disk, stages, optimizer)
      expect(second.model.step).toBe(3)
      expect(second.model.stages).toBe(stages)
      expect(await weightsOf(second.workers)).toEqual(await weightsOf(first.workers))
      for (const each of [first, second]) for (const seed of [4, 5]) await each.model.learn(batch(seed))
      expect(await weightsOf(second.workers)).toEqual(await weightsOf(first.workers))
      // The control: without what the optimizer remembered it goes elsewhere.
      const forgetful = await resume(disk, stages, optimizer)
      const fresh = forgetful.workers.map(({ stage }) => new StageWorker(stage, { optimizer: optimizer() }))
      const model = await ShardedModel.connect(fresh.map(localLink), { microBatches: 1 })
      for (const seed of [4, 5]) await model.learn(batch(seed))
      expect(await weightsOf(fresh)).not.toEqual(await weightsOf(first.workers))
    }
  })
  test('is a Gpt, too', async () => {
    const disk = memoryDisk()
    const { model, workers } = await start(disk)
    await model.learn(batch(1))
    await model.save(disk)
    const saved = await SavedStages.open(disk)
    const [share] = saved.split({ stages: 1 })
    const { stage } = await saved.stage(share, device)
    const numbersOf = ({ path }: ParameterSpec) => stage.parameters.get(path).tensor.read()
    const whole = await Gpt.fromReader(saved.config, numbersOf, device)
    const weights = Object.fromEntries(
      [...whole.parameters].map(({ path, tensor }) => [path, [...tensor.readSync()]]),
    )
    expect(weights).toEqual(await weightsOf(workers))
    expect(await whole.generate([1], { tokens: 4, temperature: 0 })).toEqual(
      await model.generate([1], { tokens: 4, temperature: 0 }),
    )
  })
  test('takes the place of the one before, whose files go', async () => {
    const disk = memoryDisk(undefined, new Map([['stages-mine.txt', Uint8Array.of(1)]]))
    const { model } = await start(disk)
    await model.save(disk)
    const names = await disk.list()
    await model.learn(batch(1))
    await model.save(disk)
    const after = await disk.list()
    expect(after).toHaveLength(names.length)
    expect(after.filter((name) => names.includes(name)).toSorted()).toEqual([
      'stages-mine.txt',
      'stages.json',
    ])
    expect((await SavedStages.open(disk)).step).toBe(1)
  })
})

describe('a folder holds one whole model', () => {
  test('whichever call of the disk fails, and whatever a power cut leaves', async () => {
    const clean = memoryDisk()
    const first = await start(clean)
    await first.model.learn(batch(1))
    await first.model.save(clean)
    const before = await weightsOf(first.workers)
    await first.model.learn(batch(2))
    const after = await weightsOf(first.workers)
    const probe = memoryDisk(undefined, clean.files)
    const calls = async (disk: MemoryDisk): Promise<number> => {
      const { workers, model } = await resume(disk, 2)
      await model.learn(batch(2))
      const from = disk.calls
      await model.save(disk).catch(() => {})
      expect(await weightsOf(workers)).toEqual(after)
      return from
    }
    const from = await calls(probe)
    const seen = new Set<number>()
    for (let at = from; at < probe.calls; at += times(3, 1)) {
      for (const how of ['before', 'torn', 'after'] as const) {
        const disk = memoryDisk({ at, how, power: at % 2 === 0 ? 'cut' : 'stays' }, clean.files)
        await calls(disk)
        const found = disk.afterPowerCut((change) => drawFrom(at + change).below(2) === 0)
        const { model, workers } = await resume(found, 1 + (at % 3))
        seen.add(model.step)
        expect(await weightsOf(workers)).toEqual(model.step === 1 ? before : after)
        // The next save works, and leaves nothing of the broken one.
        await model.save(found)
        const names = (await found.list()).filter((name) => name.startsWith('stages-'))
        expect(new Set(names.map((name) => name.split('-')[1])).size).toBe(1)
      }
    }
    expect([...seen].toSorted((a, b) => a - b)).toEqual([1, 2])
  })
  test('whichever of its files is damaged, missing, or of another save: says so', async () => {
    const disk = memoryDisk()
    const { model } = await start(disk)
    await model.save(disk)
    const older = new Map([...disk.files].map(([name, bytes]) => [name, bytes.slice()]))
    await model.learn(batch(1))
    await model.save(disk)
    const read = (from: MemoryDisk) => resume(from, 2)
    expect((await read(disk)).model.step).toBe(1)
    for (const name of await disk.list()) {
      const damaged = memoryDisk(undefined, disk.files)
      const bytes = (disk.files.get(name) as Uint8Array).slice()
      bytes[bytes.length >> 1] ^= 1
      damaged.damage(name, bytes)
      await expect(read(damaged), name).rejects.toThrow(CheckpointError)
      const lacking = memoryDisk(undefined, new Map([...disk.files].filter(([other]) => other !== name)))
      await expect(read(lacking), name).rejects.toThrow(CheckpointError)
    }
    // Both are whole checkpoints of a stage, but not of one save.
    const mixed = memoryDisk(undefined, disk.files)
    for (const [name, bytes] of older) {
      const now = name.replace('stages-000001-1-of-2', 'stages-000002-1-of-2')
      if (now !== name && now.endsWith('checkpoint.json')) mixed.damage(now, bytes)
    }
    await expect(read(mixed)).rejects.toThrow('not the one that was saved with the others')
  })
  test('and stages without a disk say so', async () => {
    const disk = memoryDisk()
    const workers = stagesOf(modelOf(config, drawFrom(1), device), 2).map((stage) => new StageWorker(stage))
    const model = await ShardedModel.connect(workers.map(localLink))
    await expect(model.save(disk)).rejects.toThrow('no disk')
    await expect(SavedStages.open(disk)).rejects.toThrow(CheckpointError)
  })
})
