/** What a life that has slept looks after on disk: checkpoints that are kept, and the files of its journal. Reaches inside for disks that fail at any call. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { type Disk, forgetCheckpoint, keepCheckpoint, keptCheckpoints, readCheckpoint } from '@burgeon/gpt'
import { readAudit } from '@burgeon/continual'
import { nodeDisk } from '@burgeon/gpt/node'
import {
  buildLearner,
  emptyRecord,
  learnRecords,
  type Life,
  type LifeSettings,
  loadLife,
  recordsFrom,
  saveLife,
  sleepLife,
  type SourceRecord,
} from 'burgeon/session'
import { describe, expect, test } from 'vitest'
import { teachLife } from '../../packages/burgeon/src/serving/teach-life.ts'
import { runSession } from '../../packages/burgeon/src/session/run-session.ts'
import { retiredCheckpoints } from '../../packages/burgeon/src/session/house/retired-checkpoints.ts'
import { sleepOn } from '../../packages/burgeon/src/session/sleep/sleep-life.ts'
import { type MemoryDisk, memoryDisk } from '../../packages/gpt/src/testing/index.ts'
import { temporaryFolder } from '../docs/programs.ts'
import { someOf } from '../how-long.ts'
import { smallLife } from './small-life.ts'

const settings: LifeSettings = { ...smallLife, vocabulary: 256, sleepEvery: 1000 }
const day = 86_400_000
/** Noon of some day. */
const noon = 20_000 * day + day / 2

function newLife(own: LifeSettings = settings): Life {
  const learner = buildLearner(own)
  return { settings: own, learner, record: emptyRecord(learner.model.parameters.size) }
}
const folder = temporaryFolder()
async function bear(name: string, own: LifeSettings = settings): Promise<string> {
  await saveLife(nodeDisk(join(folder, name)), newLife(own))
  return join(folder, name)
}

describe('of checkpoints that were kept asleep', () => {
  /** Kept at these times; of a size each. */
  const kept = (times: readonly number[], sizes: readonly number[] = []) =>
    times.map((at, i) => ({ kept: i + 1, at, parameters: sizes[i] ?? 9 }))
  test('the last three stay, and the last of each of seven days', () => {
    const hour = day / 24
    const all = kept([
      ...Array.from({ length: 10 }, (_, i) => noon - (9 - i) * day - hour),
      noon - 2,
      noon - 1,
      noon,
    ])
    // Days 9, 8 and 7 ago; and of today all but the last three.
    expect(retiredCheckpoints(all, noon)).toEqual([1, 2, 3, 10])
    expect(retiredCheckpoints(kept([noon, noon, noon]), noon + 30 * day)).toEqual([])
    expect(retiredCheckpoints(kept([noon, noon, noon, noon]), noon + 30 * day)).toEqual([1])
  })
  test('the last of each size stays', () => {
    const all = kept(new Array<number>(8).fill(noon), [1, 1, 2, 2, 3, 3, 3, 3])
    expect(retiredCheckpoints(all, noon)).toEqual([1, 3, 5])
  })
  test('one of a later time stays, for a clock was put back', () => {
    const all = kept([noon, noon, noon + 2 * day, noon, noon, noon])
    expect(retiredCheckpoints(all, noon)).toEqual([1, 2])
  })
})

test('day after day, what has had its time goes, and what somebody else keeps stays', async () => {
  const disk = memoryDisk()
  await saveLife(disk, newLife())
  const own = await keepCheckpoint(disk)
  const sleepAt = (now: number) => sleepOn({ disk, now }, { steps: 50 })
  for (let i = 0; i < 12; i++) {
    await sleepAt(noon + i * day)
    await sleepAt(noon + i * day + 1)
  }
  const numbers = await keptCheckpoints(disk)
  expect(numbers).toContain(own)
  // The last of seven days; two more of the last three are of these days.
  expect(numbers).toHaveLength(1 + 8)
  for (const kept of numbers) await loadLife(disk, {}, { kept })
  const { record } = await loadLife(disk)
  const said = record.events.flatMap(({ event }) => (event.kind === 'housekeeping' ? [event] : []))
  expect(said).toHaveLength(24)
  const gone = said.flatMap(({ data }) => data.retired)
  expect(new Set([...gone, ...numbers]).size).toBe(24 + 1)
  expect(said.at(-1)?.summary).toContain(
    `this checkpoint is kept; of those before it ${said.at(-1)?.data.retired.join(', ')} had their time and went`,
  )
})

describe('killed while it looks after them', async () => {
  /** A life with four checkpoints that were kept asleep, so that one goes, and one that a user keeps. */
  const first = memoryDisk()
  await saveLife(first, newLife())
  const own = await keepCheckpoint(first)
  for (let i = 0; i < 4; i++) await sleepOn({ disk: first, now: noon }, { steps: 50 })
  const { files } = first
  const asleep = (disk: Disk) => sleepOn({ disk, now: noon }, { steps: 50 })
  const plain = memoryDisk(undefined, files)
  await asleep(plain)
  const [before, after] = [await keptCheckpoints(first), await keptCheckpoints(plain)]

  test('one goes, and another one comes', () => {
    expect(before).toHaveLength(4)
    expect(after).toHaveLength(4)
    expect(after).not.toEqual(before)
  })
  test.each(['before', 'torn', 'after'] as const)(
    '%s the work of any call of the disk, all that are kept are whole, and nothing stays for good that should go',
    async (how) => {
      for (const at of someOf(
        Array.from({ length: plain.calls }, (_, call) => call),
        20,
      )) {
        const disk = memoryDisk({ at, how, power: 'cut' }, files)
        await asleep(disk).catch(() => {})
        for (const survives of [() => true, () => false]) {
          const found: MemoryDisk = disk.afterPowerCut(survives)
          const kept = await keptCheckpoints(found)
          // Those that stay are there, whatever happened.
          expect(kept).toEqual(expect.arrayContaining(before.filter((number) => after.includes(number))))
          for (const number of [own, ...kept]) await readCheckpoint(found, { kept: number })
          await loadLife(found)
          await asleep(found)
          expect((await keptCheckpoints(found)).length).toBe(4)
        }
      }
    },
  )
})

test('one that a user keeps of a life that has slept is none that was kept asleep', async () => {
  const disk = memoryDisk()
  await saveLife(disk, newLife())
  for (let i = 0; i < 3; i++) await sleepOn({ disk, now: noon }, { steps: 50 })
  await saveLife(disk, await loadLife(disk))
  const own = await keepCheckpoint(disk)
  for (let i = 0; i < 6; i++) await sleepOn({ disk, now: noon }, { steps: 50 })
  expect(await keptCheckpoints(disk)).toContain(own)
  expect(await keptCheckpoints(disk)).toHaveLength(4)
})

test('the last good one stays as long as the life predicts far worse', async () => {
  const disk = memoryDisk()
  await saveLife(disk, newLife())
  const asleep = () => sleepOn({ disk, now: noon }, { steps: 50 })
  await asleep()
  const [good] = await keptCheckpoints(disk)
  const life = await loadLife(disk)
  life.record.good = { step: 0, bitsPerByte: 1, kept: good, stays: true }
  await saveLife(disk, life)
  for (let i = 0; i < 5; i++) await asleep()
  expect(await keptCheckpoints(disk)).toHaveLength(4)
  expect(await keptCheckpoints(disk)).toContain(good)
})

test('a save that fails leaves everything as it was, and no word of what was not done', async () => {
  const disk = memoryDisk()
  await saveLife(disk, newLife())
  const before = disk.files
  const { create } = disk
  disk.create = () => Promise.reject(new Error('no space left'))
  await expect(sleepOn({ disk, now: noon }, { steps: 50 })).rejects.toThrow('no space left')
  const others = (files: MemoryDisk['files']) => [...files].filter(([name]) => !name.startsWith('audit-'))
  expect(others(disk.files)).toEqual(others(before))
  disk.create = create
  await sleepOn({ disk, now: noon }, { steps: 50 })
  expect(await keptCheckpoints(disk)).toHaveLength(1)
  // The audit log never becomes shorter: it says that it went on from where it was saved.
  const kinds = (await readAudit(disk)).entries.map(({ kind }) => kind)
  const once = ['sleep', 'housekeeping', 'checkpoint']
  expect(kinds).toEqual(['settings', 'checkpoint', ...once, 'resumed', ...once])
})

test('a disk that refuses is not asked at every step: the next save looks after what sleep left', async () => {
  const own = { ...settings, sleepEvery: 10 }
  const life = newLife(own)
  const disk = memoryDisk()
  const { create } = disk
  let [isFull, asked] = [false, 0]
  disk.create = (...args) => {
    asked++
    return isFull ? Promise.reject(new Error('no space left')) : create(...args)
  }
  const said: string[] = []
  const quiet = { write: () => {} }
  const { signal } = new AbortController()
  const context = {
    ...{ output: quiet, status: { write: (text: string) => void said.push(text) }, environment: {} },
    ...{ now: () => 0, stop: signal, closed: signal },
  }
  const chunk = {
    domain: 'text',
    tokens: new TextEncoder().encode('the quick brown fox jumps over the lazy dog. '.repeat(60)),
    positionAfter: (offset: number) => ({ file: 'text', offset }),
  }
  const session = {
    chunks: [chunk],
    totalBytes: null,
    heldOut: [],
    measureEvery: Infinity,
    disk,
    saveEverySeconds: 30,
  }
  let before = 0
  const watcher = {
    step: ({ step }: { readonly step: number }) => {
      if (step === 1) before = asked
      // Full while it sleeps for the first time and the second.
      isFull = step < 25
    },
    saved: () => {},
  }
  await runSession(life, { ...session, watcher }, context)
  expect(life.learner.step).toBeGreaterThan(35)
  expect(said.join('').match(/no space left/g)).toHaveLength(2)
  expect(before).toBeGreaterThan(0)
  // What slept at steps 10 and 20 is looked after with the save of step 30.
  expect(
    life.record.events.flatMap(({ event }) => (event.kind === 'housekeeping' ? [event.step] : [])),
  ).toEqual([30, 40].filter((step) => step <= life.learner.step))
})

async function* notes(from: number, to: number): AsyncGenerator<SourceRecord> {
  for (let i = from; i < to; i++) {
    yield { id: `${i}`, text: `note ${i}: it rained, and rained again all day, ${'on and on, '.repeat(20)}.` }
  }
}

test('records that were learnt asleep and awake lie in few files, and none is lost', async () => {
  const own = await bear('records', { ...settings, sleepEvery: 60 })
  const lines: string[] = []
  const learn = (from: number, to: number) =>
    learnRecords(own, recordsFrom('diary', notes(from, to)), {
      keepBytes: 1e6,
      log: (line) => lines.push(line),
    })
  // Each session of small files begins one of its own.
  for (let i = 0; i < 6; i++) {
    await learnRecords(own, recordsFrom('diary', notes(20 * i, 20 * i + 20)), {
      keepBytes: 20_000,
      log: (line) => lines.push(line),
    })
  }
  await learn(120, 160)
  expect(lines.join('\n')).toMatch(/slept\. health kept/)
  expect(lines.join('\n')).toContain('this checkpoint is kept')
  const { record } = await loadLife(nodeDisk(own))
  const joined = record.events.flatMap(({ event }) =>
    event.kind === 'housekeeping' ? [event.data.joined] : [],
  )
  expect(joined.length).toBeGreaterThan(3)
  expect((await keptCheckpoints(nodeDisk(own))).length).toBeGreaterThan(2)
  const files = (): number =>
    readdirSync(join(own, 'experience')).filter((name) => name.endsWith('.journal')).length
  const many = files()
  const { house } = await sleepLife(own, { steps: 20 })
  expect(files()).toBeLessThanOrEqual(many)
  expect(house).toContain('this checkpoint is kept')
  expect(Math.max(...joined, many - files())).toBeGreaterThan(0)
  await learn(160, 161)
})

test('what a server teaches is looked after likewise', async () => {
  const own = await bear('served', { ...settings, sleepEvery: 3 })
  const disk = nodeDisk(own)
  const life = await loadLife(disk)
  const teacher = teachLife(life, { disk, note: () => {}, watcher: { step: () => {}, saved: () => {} } })
  const lesson = { text: 'the quick brown fox jumps over the lazy dog. '.repeat(8), domain: 'foxes' }
  for (let i = 0; i < 3; i++) await teacher.learn(lesson, (body) => body())
  const kept = await keptCheckpoints(disk)
  expect(kept.length).toBeGreaterThan(1)
  const { record } = await loadLife(disk)
  expect(record.events.filter(({ event }) => event.kind === 'housekeeping')).toHaveLength(kept.length)
  // A save for another reason is none of a sleep.
  await teacher.saveNow()
  await forgetCheckpoint(disk, kept[0])
  expect(await keptCheckpoints(disk)).toEqual(kept.slice(1))
})
