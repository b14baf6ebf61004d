// Reaches inside: a sitting is part of the front door, which has no other entry than the process itself.
/** Every way out of a sitting saves or says why it could not, and weights that learning has ruined never replace a good checkpoint. */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CheckpointError, type Disk, keptCheckpoints, readCheckpoint } from '@burgeon/gpt'
import { nodeDisk } from '@burgeon/gpt/node'
import { buildLearner, emptyRecord, type Life, loadLife } from 'burgeon/session'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { memoryDisk } from '../../packages/gpt/src/testing/index.ts'
import { keeper } from '../../packages/burgeon/src/session/keeper.ts'
import { runSession } from '../../packages/burgeon/src/session/run-session.ts'
import { someOf } from '../how-long.ts'
import { running } from './running.ts'
import { smallLife, smallText } from './small-life.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'burgeon-out-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const newLife = (): Life => {
  const learner = buildLearner(smallLife)
  return { settings: smallLife, learner, record: emptyRecord(learner.model.parameters.size) }
}

/** The text in chunks of one batch; what happens before each is up to `before`. */
async function* chunks(before: (chunk: number) => void) {
  const text = smallText(20)
  for (let offset = 0, i = 0; offset < text.length; offset += 64, i++) {
    before(i)
    yield {
      domain: 'text',
      tokens: text.subarray(offset, offset + 64),
      positionAfter: (used: number) => ({ file: 'text', offset: offset + used }),
    }
  }
}

/** Sits with a disk; returns what was said. A step takes a minute by this clock, so that each is saved. */
async function sitting(life: Life, disk: Disk, before: (chunk: number) => void): Promise<string> {
  let [said, time] = ['', 0]
  const status = { write: (text: string) => (said += text) }
  const { signal } = new AbortController()
  const context = { output: status, status, environment: {}, stop: signal, closed: signal }
  const options = { totalBytes: null, heldOut: [], measureEvery: Infinity, saveEverySeconds: 30 }
  await runSession(
    life,
    { ...options, chunks: chunks(before), disk },
    { ...context, now: () => (time += 20_000) },
  ).catch((error: unknown) => {
    said += `THROWN ${String(error)}`
  })
  return said
}

const stepIn = async (disk: Disk): Promise<number> =>
  ((await readCheckpoint(disk)).learner as { step: number }).step

it('saves when its source fails in the middle', async () => {
  const [life, disk] = [newLife(), memoryDisk()]
  const said = await sitting(life, disk, (chunk) => {
    if (chunk === 5) throw new Error('the file has vanished')
  })
  expect(said).toContain('THROWN Error: the file has vanished')
  expect(life.learner.step).toBeGreaterThan(2)
  expect(await stepIn(disk)).toBe(life.learner.step)
  expect((await loadLife(disk)).record.bytes).toBe(life.record.bytes)
})

/** A disk without room from some call of `create` on, as long as `full` says so. */
function fullDisk(full: () => boolean): Disk {
  const disk = memoryDisk()
  return {
    ...disk,
    create: (name, bytes) =>
      full() && name.endsWith('.safetensors')
        ? Promise.reject(Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' }))
        : disk.create(name, bytes),
  }
}

it('goes on with a full disk, and saves once there is room', async () => {
  let now = 0
  const disk = fullDisk(() => now > 3 && now < 8)
  const life = newLife()
  const said = await sitting(life, disk, (chunk) => (now = chunk))
  expect(said).toMatch(
    /could not save step \d: ENOSPC: no space left on device\. The checkpoint of step \d stays\./,
  )
  expect(said).not.toContain('THROWN')
  expect(await stepIn(disk)).toBe(life.learner.step)
})

it('says why it could not save at the end, and what remains', async () => {
  let now = 0
  const disk = fullDisk(() => now > 3)
  const said = await sitting(newLife(), disk, (chunk) => (now = chunk))
  const step = await stepIn(disk)
  expect(step).toBeGreaterThan(0)
  expect(said).toMatch(
    new RegExp(
      `THROWN CheckpointError: memory: could not save step \\d+: ENOSPC.* The checkpoint of step ${step} stays\\.`,
    ),
  )
})

it('notices before anything is learnt that it cannot save', async () => {
  const life = newLife()
  const said = await sitting(
    life,
    fullDisk(() => true),
    () => {},
  )
  expect(said).toMatch(/THROWN CheckpointError: .* There is no checkpoint yet\./)
  expect(life.learner.step).toBe(0)
})

it('keeps a good checkpoint beside one that predicts far worse, until the life predicts well again', async () => {
  const [life, disk] = [newLife(), memoryDisk()]
  const notes: string[] = []
  const { save } = keeper(life, { disk }, (text) => notes.push(text))
  const predicts = async (bits: number): Promise<void> => {
    life.record.curve.recent.fill(bits)
    await save()
  }
  life.record.curve.recent.push(3)
  await predicts(3)
  await predicts(4.9)
  expect(await keptCheckpoints(disk)).toEqual([])
  await predicts(7)
  await predicts(7.5)
  expect(await keptCheckpoints(disk)).toEqual([2])
  expect(notes).toHaveLength(1)
  expect(notes[0]).toContain('risen from 4.90 to 7.00 bits/byte')
  await predicts(5)
  await predicts(5)
  expect(await keptCheckpoints(disk)).toEqual([])
  expect([...disk.files.keys()].filter((name) => name.endsWith('.safetensors'))).toHaveLength(3)
  await predicts(Number.NaN)
  expect(await keptCheckpoints(disk)).toHaveLength(1)
  await expect(keeper(life, { disk: fullDisk(() => true) }, () => {}).save()).rejects.toThrow(CheckpointError)
})

it.each(someOf(['10', '1000000'], 1))(
  'a learning rate of %s ruins no checkpoint: the run says what to do, and that works',
  async (rate) => {
    await writeFile(join(folder, 'text.txt'), smallText(150))
    const bad = running(['learn', 'text.txt', '--out', 'life', '--learning-rate', rate], folder)
    expect(await bad.ended).toBe(1)
    expect(bad.said.status).toContain('burgeon: learning has ruined the weights')
    expect(bad.said.status).toContain('they were not saved')
    const [, restored] = /npx burgeon (restore .*?) gets it/.exec(bad.said.status) ?? []
    const [, resumed] = /Go on with a lower rate: npx burgeon (.*)/.exec(bad.said.status) ?? []
    expect(await stepIn(nodeDisk(join(folder, 'life')))).toBe(0)
    expect(await running(restored.split(' '), folder).ended).toBe(0)
    expect(await stepIn(nodeDisk(join(folder, 'FOLDER')))).toBe(0)
    expect(await running(resumed.split(' '), folder).ended).toBe(0)
    expect(await stepIn(nodeDisk(join(folder, 'life')))).toBeGreaterThan(20)
  },
)

it('two that learn into one folder: the second is refused, and reads nothing', async () => {
  await writeFile(join(folder, 'text.txt'), smallText(3000))
  const first = running(['learn', 'text.txt', '--out', 'life'], folder)
  await first.says('status', /bits\/byte/)
  for (const resume of [[], ['--resume']]) {
    const second = running(['learn', 'text.txt', '--out', 'life', ...resume], folder)
    expect(await second.ended).toBe(1)
    expect(second.said.status).toMatch(/^burgeon: life: process \d+ on .* saves checkpoints into this folder/)
  }
  first.child.kill('SIGHUP')
  await first.ended
  expect(await stepIn(nodeDisk(join(folder, 'life')))).toBeGreaterThan(0)
  expect(await readdir(join(folder, 'life'))).not.toContain('checkpoint.lock')
})
