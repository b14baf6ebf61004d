/** Reaches inside for a disk in memory: the append-only log of a model's sizes, and the way back to any of them. */
import { adamw } from '@burgeon/autograd/optim'
import { Gpt, type GptState, readCheckpoint, writeCheckpoint } from '@burgeon/gpt'
import {
  grow,
  type GrowthEntry,
  growthConfigs,
  type GrowthLog,
  mergeAdapter,
  replayGrowth,
  ungrow,
  ungrowTo,
  holdModel,
} from '@burgeon/gpt/growth'
import { memoryDisk } from '../../packages/gpt/src/testing/index.ts'
import { type Device, OptionError, type RandomStream } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { openWasm } from '@burgeon/tensor/wasm'
import { describe, expect, test } from 'vitest'
import { drawnLife } from './drawn-life.ts'
import { drawRequest, everyByte, learn } from './tiny-model.ts'

function lifeOf(seed: number, device: Device) {
  const { random, model, tokens } = drawnLife(seed, device)
  const optimizer = adamw({ learningRate: 0.01 })
  learn(model, optimizer, tokens, 0)
  return { random, model, tokens, optimizer, mirrors: optimizer.mirrors }
}
type Life = ReturnType<typeof lifeOf>

const said = (entries: readonly GrowthEntry[]): unknown[] =>
  entries.map((entry) => ({ ...entry, undo: null, undoLetGo: null }))

async function growOnce({ model, tokens, mirrors, random }: Life, step: number, by: RandomStream = random) {
  const request =
    step % 4 === 3 && model.config.blocks.length > 1
      ? ({ kind: 'pruneLayer', block: model.config.blocks[0].id } as const)
      : drawRequest(model.config, by)
  return grow(model, request, { mirrors, probe: tokens, key: [step, 7] })
}

describe.each([openReference(), openWasm()].map((device) => [device.name, device] as const))(
  'the growth log on %s',
  (_, device) => {
    test('leads from birth to the present sizes, through growth, pruning and what was taken back', async () => {
      for (let seed = 1; seed <= 12; seed++) {
        const life = lifeOf(seed, device)
        const { model, mirrors, random } = life
        const birth = model.config
        for (let step = 0; step < 8; step++) {
          const before = model.growthLog.entries
          const record = await growOnce(life, step)
          if (random.below(3) === 0) ungrow(model, record, mirrors)
          // What a pruning dropped can be let go; what the line says stays.
          expect(said(model.growthLog.entries.slice(0, before.length))).toEqual(said(before))
          expect(model.growthLog.birth).toEqual(birth)
          expect(replayGrowth(model.growthLog).config).toEqual(model.config)
        }
        const { entries } = model.growthLog
        expect(entries.filter(({ kind }) => kind === 'grown')).toHaveLength(8)
        expect(entries.at(-1)?.parametersAfter).toBe(model.parameters.size)
        model.dispose()
      }
    })
    test('is in the checkpoint of the model, and from there every size comes back to the byte', async () => {
      for (let seed = 1; seed <= 8; seed++) {
        const life = lifeOf(seed, device)
        const past = [everyByte(life.model, life.mirrors)]
        for (let step = 0; step < 6; step++) {
          await growOnce(life, step)
          past.push(everyByte(life.model, life.mirrors))
        }
        const disk = memoryDisk()
        await writeCheckpoint(disk, {
          model: await life.model.toState(),
          optimizer: await life.optimizer.toState(),
        })
        const saved = (await readCheckpoint(disk)) as { model: GptState; optimizer: unknown }
        for (const entries of [6, 4, 1, 0]) {
          const model = Gpt.fromState(saved.model, device)
          expect(model.growthLog).toEqual(life.model.growthLog)
          const optimizer = adamw({ learningRate: 0.01 })
          optimizer.restore(saved.optimizer, model.parameters)
          ungrowTo(model, entries, optimizer.mirrors)
          expect(everyByte(model, optimizer.mirrors)).toEqual(past[entries])
          expect(replayGrowth(model.growthLog).config).toEqual(model.config)
          for (const mirror of optimizer.mirrors) mirror.dispose?.()
          model.dispose()
        }
        life.model.dispose()
      }
    })
  },
)

const device = openReference()

test('sizes that were taken back or merged away, and numbers out of range, are refused and nothing changes', async () => {
  const life = lifeOf(2, device)
  const { model, mirrors, tokens } = life
  const block = model.config.blocks[0].id
  const options = { mirrors, probe: tokens, key: [1, 1] } as const
  const first = await grow(model, { kind: 'widenEmbed', to: model.config.embed + 2 }, options)
  ungrow(model, first, mirrors)
  await grow(model, { kind: 'addLayer', at: 0 }, options)
  const refuse = (entries: number): void => {
    const before = [everyByte(model, mirrors), model.growthLog]
    expect(() => ungrowTo(model, entries, mirrors)).toThrow(OptionError)
    expect([everyByte(model, mirrors), model.growthLog]).toEqual(before)
  }
  for (const bad of [1, -1, 0.5, 4, Number.NaN]) refuse(bad)
  if (!model.config.blocks.some(({ adapter }) => adapter))
    await grow(model, { kind: 'addAdapter', block, to: 2 }, options)
  const { id } = model.config.blocks.find(({ adapter }) => adapter) ?? { id: block }
  mergeAdapter(model, id, mirrors)
  expect(replayGrowth(model.growthLog).config).toEqual(model.config)
  refuse(0)
  using _ = holdModel(model)
  refuse(model.growthLog.entries.length)
})

test('the sizes after every entry are told in one walk along the log', async () => {
  const life = lifeOf(3, openReference())
  for (let step = 0; step < 5; step++) await growOnce(life, step)
  ungrow(life.model, await growOnce(life, 5), life.mirrors)
  const { growthLog: log } = life.model
  let read = 0
  const entries = log.entries.map(
    (entry) => new Proxy(entry, { get: (...of) => (read++, Reflect.get(...of) as unknown) }),
  )
  const one = { birth: log.birth, entries }
  const configs = growthConfigs(one)
  const [inAll] = [read, (read = 0)]
  expect(configs).toEqual(Array.from({ length: 8 }, (_, i) => replayGrowth(log, i).config))
  replayGrowth(one)
  expect(inAll).toBeLessThanOrEqual(read)
  life.model.dispose()
})

test('a refused growth leaves no line', async () => {
  const { model, mirrors, tokens } = lifeOf(3, device)
  const stacking = grow(
    model,
    { kind: 'copyLayers' },
    { mirrors, probe: tokens, key: [1, 1], tolerance: 1e-9 },
  )
  await expect(stacking).rejects.toThrow('has been undone')
  expect(model.growthLog.entries).toEqual([])
})

test('earlier checkpoints begin an empty log; a damaged one is refused', async () => {
  const life = lifeOf(4, device)
  for (let step = 0; step < 3; step++) await growOnce(life, step)
  const state = await life.model.toState()
  const { growth: log, ...earlier } = state
  const { birth, entries } = log as GrowthLog
  const old = Gpt.fromState(earlier, device)
  expect(old.growthLog).toEqual({ birth: old.config, entries: [] })
  const logs: readonly object[] = [
    { birth, entries: entries.slice(1) },
    { birth, entries: entries.toReversed() },
    { birth, entries: [...entries, { ...entries[0], kind: 'shrunk' }] },
    { birth, entries: [{ ...entries[0], kind: 'taken back' }] },
    { birth, entries: null },
    { birth: { ...birth, embed: 0 }, entries },
    { birth, entries: [{ ...entries[0], parametersAfter: 1 }, ...entries.slice(1)] },
  ]
  for (const damaged of logs) {
    const load = (): Gpt => Gpt.fromState({ ...earlier, growth: damaged as GrowthLog }, device)
    expect(load).toThrow(OptionError)
  }
})
