/** Reaches inside for a disk that fails: checkpoints that are kept beside the present one, and restored. */
import {
  CheckpointError,
  describeCheckpoint,
  type Disk,
  keepCheckpoint,
  keptCheckpoints,
  readCheckpoint,
  restoreCheckpoint,
  writeCheckpoint,
} from '@burgeon/gpt'
import { keyFromSeed, OptionError, RandomStream } from '@burgeon/tensor'
import { describe, expect, test } from 'vitest'
import { type Fault, type MemoryDisk, memoryDisk } from '../../packages/gpt/src/testing/index.ts'

/** Different in every place for every `age`. */
const partsOf = (age: number): Record<string, unknown> => ({
  model: {
    config: { layers: age },
    weights: { 'a.weight': { shape: [2], data: Float32Array.of(age, -age) } },
  },
  learner: { step: age, best: -Infinity, list: [null, { nested: Int32Array.of(age) }] },
})

/** A disk on which ages 1 to 3 were saved, 1 and 2 of them kept. */
async function chain(): Promise<MemoryDisk> {
  const disk = memoryDisk()
  for (const age of [1, 2, 3]) {
    await writeCheckpoint(disk, partsOf(age))
    if (age < 3) expect(await keepCheckpoint(disk)).toBe(age)
  }
  return disk
}
const filesOf = (disk: MemoryDisk): string[] => [...disk.files.keys()].toSorted()
const ofSequence = (sequence: number): string[] =>
  ['learner', 'model'].map((name) => `${name}-00000${sequence}.safetensors`)

describe('kept checkpoints', () => {
  test('are read as they were saved, beside the present one', async () => {
    const disk = await chain()
    expect(await keptCheckpoints(disk)).toEqual([1, 2])
    for (const kept of [1, 2]) expect(await readCheckpoint(disk, { kept })).toEqual(partsOf(kept))
    expect(await readCheckpoint(disk)).toEqual(partsOf(3))
    expect(filesOf(disk)).toEqual(
      [
        ...[1, 2, 3].flatMap(ofSequence),
        'checkpoint.json',
        'kept-000001.json',
        'kept-000002.json',
      ].toSorted(),
    )
  })
  test('are kept once, however often one asks, and cost no more than a manifest', async () => {
    const disk = memoryDisk()
    await writeCheckpoint(disk, partsOf(1))
    const before = filesOf(disk)
    for (let i = 0; i < 3; i++) expect(await keepCheckpoint(disk)).toBe(1)
    expect(filesOf(disk)).toEqual([...before, 'kept-000001.json'].toSorted())
  })
  test('give their room back when their manifest is removed', async () => {
    const disk = await chain()
    await disk.remove('kept-000001.json')
    await writeCheckpoint(disk, partsOf(4))
    expect(await keptCheckpoints(disk)).toEqual([2])
    expect(filesOf(disk).filter((name) => name.endsWith('.safetensors'))).toEqual(
      [...ofSequence(2), ...ofSequence(4)].toSorted(),
    )
  })
  test('keep their names from being used again when the present checkpoint is lost', async () => {
    const disk = await chain()
    await disk.remove('checkpoint.json')
    await writeCheckpoint(disk, partsOf(4))
    for (const kept of [1, 2]) expect(await readCheckpoint(disk, { kept })).toEqual(partsOf(kept))
    expect(await readCheckpoint(disk)).toEqual(partsOf(4))
  })
  test('are described without their tensors', async () => {
    const disk = await chain()
    for (const name of ofSequence(2)) disk.damage(name, Uint8Array.of(1))
    expect(await describeCheckpoint(disk, { kept: 2 })).toEqual({
      model: { config: { layers: 2 }, weights: { 'a.weight': 'weights.a.weight' } },
      learner: { step: 2, best: -Infinity, list: [null, { nested: 'list.1.nested' }] },
    })
  })
  test('there are none where nothing was saved', async () => {
    expect(await keptCheckpoints(memoryDisk())).toEqual([])
    await expect(keepCheckpoint(memoryDisk())).rejects.toThrow(CheckpointError)
    await expect(readCheckpoint(await chain(), { kept: 3 })).rejects.toThrow('no kept-000003.json')
  })
})

describe('a checkpoint that is restored', () => {
  test.each([1, 2, undefined])('is the one of then, byte for byte: %s', async (kept) => {
    const [disk, to] = [await chain(), memoryDisk()]
    await restoreCheckpoint(disk, to, kept === undefined ? {} : { kept })
    expect(filesOf(to)).toEqual(['checkpoint.json', ...ofSequence(kept ?? 3)])
    const manifest = kept === undefined ? 'checkpoint.json' : `kept-00000${kept}.json`
    expect(to.files.get('checkpoint.json')).toEqual(disk.files.get(manifest))
    for (const name of ofSequence(kept ?? 3)) expect(to.files.get(name)).toEqual(disk.files.get(name))
    expect(await readCheckpoint(to)).toEqual(partsOf(kept ?? 3))
    // A life goes on from there.
    await writeCheckpoint(to, partsOf(9))
    expect(await readCheckpoint(to)).toEqual(partsOf(9))
  })
  test('is never put in the place of another, present or kept', async () => {
    const [disk, other] = [await chain(), memoryDisk()]
    await writeCheckpoint(other, partsOf(7))
    const before = other.files
    await expect(restoreCheckpoint(disk, other, { kept: 1 })).rejects.toThrow(OptionError)
    expect(other.files).toEqual(before)
    await keepCheckpoint(other)
    await other.remove('checkpoint.json')
    const kept = other.files
    await expect(restoreCheckpoint(disk, other, { kept: 1 })).rejects.toThrow(OptionError)
    expect(other.files).toEqual(kept)
  })
  test('takes no file of the other folder for its own', async () => {
    const disk = await chain()
    for (const name of ['model-000001.safetensors', 'model-000003.safetensors']) {
      const to = memoryDisk()
      await to.write(name, Uint8Array.of(1))
      await expect(restoreCheckpoint(disk, to)).rejects.toThrow(OptionError)
      expect([...to.files]).toEqual([[name, Uint8Array.of(1)]])
    }
  })
  test('leaves nothing behind when it is damaged', async () => {
    for (const name of ['kept-000001.json', ...ofSequence(1)]) {
      const [disk, to] = [await chain(), memoryDisk()]
      const bytes = disk.files.get(name) as Uint8Array
      disk.damage(name, bytes.with(bytes.length - 3, bytes[bytes.length - 3] ^ 4))
      await expect(restoreCheckpoint(disk, to, { kept: 1 })).rejects.toThrow(CheckpointError)
      expect(to.files.size).toBe(0)
    }
  })
  test('is whole or not there when the power goes', async () => {
    const disk = await chain()
    const found = new Set<boolean>()
    const whole = memoryDisk()
    await restoreCheckpoint(disk, whole, { kept: 2 })
    for (let at = 0; at < whole.calls; at++) {
      for (const how of ['before', 'torn', 'after'] as const) {
        const to = memoryDisk({ at, how, power: 'cut' })
        await restoreCheckpoint(disk, to, { kept: 2 }).catch(() => {})
        for (const survives of [true, false]) {
          const restarted = to.afterPowerCut(() => survives)
          const isThere = (await restarted.list()).includes('checkpoint.json')
          found.add(isThere)
          if (isThere) expect(await readCheckpoint(restarted)).toEqual(partsOf(2))
          else await restoreCheckpoint(disk, restarted, { kept: 2 })
          await writeCheckpoint(restarted, partsOf(9))
          expect(await readCheckpoint(restarted)).toEqual(partsOf(9))
          expect(restarted.files.size).toBe(3)
        }
      }
    }
    expect(found).toEqual(new Set([true, false]))
  })
})

describe('when the power goes or the disk is full while a checkpoint is kept and the next is saved', () => {
  /** What a life does at a growth, with 1 kept and 2 the present one at the start. */
  async function atGrowth(disk: Disk): Promise<void> {
    await keepCheckpoint(disk)
    await writeCheckpoint(disk, partsOf(3))
  }
  async function start(fault?: Fault): Promise<MemoryDisk> {
    const disk = memoryDisk()
    await writeCheckpoint(disk, partsOf(1))
    await keepCheckpoint(disk)
    await writeCheckpoint(disk, partsOf(2))
    return memoryDisk(fault, disk.files)
  }
  async function callsOf(): Promise<number> {
    const disk = await start()
    await atGrowth(disk)
    return disk.calls
  }
  /** The present checkpoint is whole, and of the kept ones none that was there is lost. Returns which are there. */
  async function found(disk: Disk): Promise<string> {
    const kept = await keptCheckpoints(disk)
    for (const each of kept) expect(await readCheckpoint(disk, { kept: each })).toEqual(partsOf(each))
    const parts = await readCheckpoint(disk)
    const { step } = parts.learner as { step: number }
    expect(parts).toEqual(partsOf(step))
    expect([...kept]).toContain(1)
    // The checkpoint of before is kept before the new one takes its place.
    if (step === 3) expect(kept).toEqual([1, 2])
    return `${step}, kept ${kept.join(' ')}`
  }

  test.each(['cut', 'stays'] as const)('nothing is lost (power %s)', async (power) => {
    const calls = await callsOf()
    const all = new Set<string>()
    for (let at = 0; at < calls; at++) {
      for (const how of ['before', 'torn', 'after'] as const) {
        const disk = await start({ at, how, power })
        await atGrowth(disk).catch(() => {})
        for (let seed = 0; seed < (power === 'cut' ? 8 : 1); seed++) {
          const random = new RandomStream(keyFromSeed(seed))
          const share = [0, 1][seed] ?? 0.5
          const restarted = power === 'cut' ? disk.afterPowerCut(() => random.uniform() < share) : disk
          const state = await found(restarted)
          all.add(state)
          // Woken up before its growth, it grows again at the same place.
          if (state.startsWith('2')) await atGrowth(restarted)
          else await writeCheckpoint(restarted, partsOf(3))
          expect(await found(restarted)).toBe('3, kept 1 2')
          const leftovers = (await restarted.list()).filter((name) => name.endsWith('.new'))
          expect(leftovers).toEqual([])
        }
      }
    }
    expect([...all].toSorted()).toEqual(['2, kept 1', '2, kept 1 2', '3, kept 1 2'])
  })
})
