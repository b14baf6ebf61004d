/** A life that sleeps at the front door: by itself, and when it is told to. Reaches inside for disks that fail at any call. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { nodeDisk } from '@burgeon/gpt/node'
import { CheckpointError, OptionError } from 'burgeon'
import {
  buildLearner,
  consume,
  emptyRecord,
  type Life,
  type LifeSettings,
  loadLife,
  saveLife,
  sleepLife,
} from 'burgeon/session'
import { beforeAll, describe, expect, test } from 'vitest'
import { sleepOn } from '../../packages/burgeon/src/session/sleep/sleep-life.ts'
import { type MemoryDisk, memoryDisk } from '../../packages/gpt/src/testing/index.ts'
import { temporaryFolder } from '../docs/programs.ts'
import { someOf } from '../how-long.ts'
import { called, smallLife, smallText } from './small-life.ts'

/** Runs a command that must succeed. */
async function ran(...args: readonly string[]): Promise<{ output: string; status: string }> {
  const { code, ...said } = await called(args)
  expect(code, said.status).toBe(0)
  return said
}
const stepsAsleep = async (folder: string): Promise<number[]> => {
  const { record } = await loadLife(nodeDisk(folder))
  return record.events.flatMap(({ event }) => (event.kind === 'sleep' ? [event.step] : []))
}
const stateOf = async (folder: string) => (await loadLife(nodeDisk(folder))).learner.toState()

const folder = temporaryFolder()
const place = (name: string): string => join(folder, name)
const text = place('text.txt')
/** Puts a small life that has not begun into a folder. */
async function bear(name: string, settings: LifeSettings): Promise<void> {
  const learner = buildLearner(settings)
  await saveLife(nodeDisk(place(name)), {
    settings,
    learner,
    record: emptyRecord(learner.model.parameters.size),
  })
}

beforeAll(async () => {
  writeFileSync(text, smallText(800))
  writeFileSync(place('more.txt'), smallText(300))
  await bear('sleeping', { ...smallLife, sleepEvery: 100 })
  await bear('waking', smallLife)
  await ran('learn', text, '--resume', '--out', place('waking'))
})

describe('learn --sleep-every', () => {
  test('sleeps after so many steps, says so, and the report does', async () => {
    const out = place('sleeping')
    const { status } = await ran('learn', text, '--resume', '--sleep-every', '100', '--out', out)
    const { step } = (await loadLife(nodeDisk(out))).learner
    const wanted = Array.from({ length: Math.floor(step / 100) }, (_, i) => 100 * (i + 1))
    expect(wanted.length).toBeGreaterThan(3)
    expect(await stepsAsleep(out)).toEqual(wanted)
    for (const each of wanted) expect(status).toContain(`step ${each}: slept. health kept: `)
    expect(status).toMatch(/rehearsal (kept|not kept): \d+ steps of up to 8 remembered rows/)
    const page = readFileSync(join(out, 'report.html'), 'utf8')
    expect(page).toContain('<h2>Sleep</h2>')
    expect(page.match(/<td[^>]*>health<\/td>/g)).toHaveLength(wanted.length)
    expect(page).toContain('every 100 steps')
    expect(readFileSync(join(place('waking'), 'report.html'), 'utf8')).not.toContain('Sleep')
  })
  test('is a setting of the life, which goes on with it and takes no other', async () => {
    const before = (await stepsAsleep(place('sleeping'))).length
    await ran('learn', place('more.txt'), '--resume', '--out', place('sleeping'))
    const steps = await stepsAsleep(place('sleeping'))
    expect(steps.length).toBeGreaterThan(before)
    for (const step of steps) expect(step % 100).toBe(0)
    const resumed = (life: string, every: string) =>
      called(['learn', text, '--resume', '--sleep-every', every, '--out', place(life)])
    await expect(resumed('sleeping', '41')).rejects.toThrow('got --sleep-every 41, but the life in')
    await expect(resumed('waking', '40')).rejects.toThrow('was begun with none')
    await expect(called(['serve', place('sleeping'), '--sleep-every', '9'])).rejects.toThrow(
      'got --sleep-every without --learn',
    )
  })
  test('is a matter of the command, of the file of settings, and of weights of another model too', async () => {
    const few = place('few.txt')
    writeFileSync(few, smallText(40))
    await ran('learn', few, '--sleep-every', '5', '--out', place('new'))
    expect((await loadLife(nodeDisk(place('new')))).settings.sleepEvery).toBe(5)
    expect(await stepsAsleep(place('new'))).toEqual([5])
    const llama = join(import.meta.dirname, '../gold/small-llama')
    const own = { source: few, out: place('from'), from: llama, ownText: 1, vocabulary: 1100, sleepEvery: 5 }
    writeFileSync(place('settings.json'), JSON.stringify({ learn: own }))
    await ran('learn', '--config', place('settings.json'))
    const { settings } = await loadLife(nodeDisk(place('from')))
    expect([settings.pretrained, settings.sleepEvery]).toEqual([true, 5])
    expect((await stepsAsleep(place('from'))).length).toBeGreaterThan(0)
  })
})

describe('burgeon sleep', () => {
  test('has a life sleep that sleeps by itself, saves it, and says what it did', async () => {
    const before = await stepsAsleep(place('sleeping'))
    const { output } = await ran('sleep', place('sleeping'), '--steps', '400')
    expect(output).toMatch(/has slept after step \d+, and is saved\.\n/)
    expect(output).toMatch(/^health +kept +\d+ checks hold$/m)
    expect(output).toMatch(/^rehearsal +(kept|not kept) +\d+ steps of up to 8 remembered rows/m)
    const { learner } = await loadLife(nodeDisk(place('sleeping')))
    expect(await stepsAsleep(place('sleeping'))).toEqual([...before, learner.step])
    const { output: again } = await ran('sleep', place('sleeping'))
    expect(again).toContain(' --steps 1000')
  })
  test('has one sleep that never does by itself, judged by the text that it holds out', async () => {
    const before = await stateOf(place('waking'))
    const slept = await sleepLife(place('waking'))
    expect(slept.judges).toBeGreaterThan(4)
    expect(slept.jobs.map(({ job }) => job)).toEqual(['health', 'rehearsal', 'dreams'])
    expect(Object.keys(slept.jobs[1].domains ?? {})).toEqual(['text.txt'])
    const after = await stateOf(place('waking'))
    expect(after.parts.map(({ role, name }) => `${role} ${name}`)).toEqual(
      before.parts.map(({ role, name }) => `${role} ${name}`),
    )
    expect(after.step).toBe(before.step)
    const kept = slept.jobs.some(({ job, kept }) => job !== 'health' && kept)
    if (kept) expect(after.model.weights).not.toEqual(before.model.weights)
    else expect(after.model.weights).toEqual(before.model.weights)
    expect(await stepsAsleep(place('waking'))).toEqual([after.step])
    // It goes on as it was begun.
    await ran('learn', place('more.txt'), '--resume', '--out', place('waking'))
  })
  test('lets nothing change weights where nothing could judge it', async () => {
    const own = place('unjudged')
    await saveLife(nodeDisk(own), await lived({ ...smallLife, vocabulary: 256 }))
    const before = await stateOf(own)
    const { output } = await ran('sleep', own, '--steps', '1000')
    expect(output).toContain('no rows are held back yet, so nothing could judge it')
    expect(output).toContain('Nothing could judge what it learns asleep')
    expect((await stateOf(own)).model).toEqual(before.model)
  })
  test('keeps tokens and weights of a model that was trained elsewhere together', async () => {
    const llama = join(import.meta.dirname, '../gold/small-llama')
    const out = place('llama')
    await ran(
      'learn',
      place('more.txt'),
      '--from',
      llama,
      '--own-text',
      '1',
      '--vocabulary',
      '1100',
      '--out',
      out,
    )
    const before = await stateOf(out)
    const { judges, step } = await sleepLife(out, { steps: 200 })
    expect(judges).toBeGreaterThan(0)
    const after = await stateOf(out)
    expect([step, after.step]).toEqual([before.step, before.step])
    expect(after.model.config).toEqual(before.model.config)
    await ran('generate', '--from', out, '-p', 'the ', '-n', '4')
  })
  test('refuses what is no life, and options that are none', async () => {
    await expect(called(['sleep', place('nowhere')])).rejects.toThrow(CheckpointError)
    await expect(sleepLife(place('sleeping'), { steps: 0 })).rejects.toThrow(OptionError)
    await expect(sleepLife(3 as never)).rejects.toThrow(OptionError)
  })
})

describe('killed in mid-sleep', async () => {
  // Before anything else is made there: it is needed while tests are collected.
  const files = await sleeperOnDisk()
  const plain = memoryDisk(undefined, files)
  const asleep = (disk: MemoryDisk) => sleepOn({ disk, now: 1.8e12 }, { steps: 100 })
  const whole = await asleep(plain)
  const textOf = async (disk: MemoryDisk): Promise<string> => {
    const { learner, record } = await loadLife(disk)
    return JSON.stringify([await learner.toState(), record.events])
  }
  const [before, after] = [await textOf(memoryDisk(undefined, files)), await textOf(plain)]

  test('it has slept, and something was kept', () => {
    expect(whole.jobs.filter(({ kept }) => kept).length).toBeGreaterThan(1)
    expect(after).not.toBe(before)
  })
  test.each(['before', 'torn', 'after'] as const)(
    '%s the work of any call of the disk, it is as it was, or has slept',
    async (how) => {
      const seen = new Set<string>()
      for (const at of someOf(
        Array.from({ length: plain.calls }, (_, call) => call),
        12,
      )) {
        const disk = memoryDisk({ at, how, power: 'cut' }, files)
        await asleep(disk).catch(() => {})
        for (const survives of [() => true, () => false]) {
          const found = disk.afterPowerCut(survives)
          const state = await textOf(found)
          expect([before, after]).toContain(state)
          seen.add(state)
          // Told again, it sleeps.
          if (state === before) await asleep(found)
          expect(await textOf(found)).toBe(after)
        }
      }
      expect(seen.size).toBe(2)
    },
  )
  test('a disk that refuses says so, and the life is as it was', async () => {
    const disk = memoryDisk(undefined, files)
    disk.create = () => Promise.reject(new Error('no space left'))
    await expect(asleep(disk)).rejects.toThrow(CheckpointError)
    expect(await textOf(disk)).toBe(before)
  })
})

/** A small life that holds rows back, as files. */
async function sleeperOnDisk(): Promise<ReadonlyMap<string, Uint8Array>> {
  const disk = memoryDisk()
  await saveLife(disk, await lived({ ...smallLife, vocabulary: 256, sleepEvery: 1000 }))
  return disk.files
}

/** A life that has read a little and holds no text out. */
async function lived(settings: LifeSettings): Promise<Life> {
  const learner = buildLearner(settings)
  const life = { settings, learner, record: emptyRecord(learner.model.parameters.size) }
  const positionAfter = (offset: number) => ({ file: 'text', offset })
  const { signal: stop } = new AbortController()
  const none = { heldOut: [], measureEvery: Infinity, onStep: () => {}, betweenSteps: async () => {}, stop }
  await consume(life, [{ domain: 'text', tokens: smallText(30), positionAfter }], none)
  return life
}
