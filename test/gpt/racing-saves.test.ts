/** Real processes that save into one folder at once, are killed while they hold its lock, and read while others write. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { LockedError, readCheckpoint, writeCheckpoint } from '@burgeon/gpt'
import { nodeDisk } from '@burgeon/gpt/node'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { bundledPackages } from '../bundled-sources.ts'
import { times } from '../how-long.ts'
import { partsOf } from './saver.ts'

let place: string
const children: ChildProcess[] = []
beforeEach(async () => {
  place = join(await mkdtemp(join(tmpdir(), 'burgeon-race-')), 'life')
})
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  await rm(join(place, '..'), { recursive: true, force: true })
})

/** A process that saves ages from `from` on. */
function saver(from: number, count: number, ...more: string[]): Saver {
  const program = join(import.meta.dirname, 'saver.ts')
  const options = ['--import', bundledPackages, program, place, `${from}`, `${count}`, ...more]
  const child = spawn(process.execPath, options, { stdio: ['ignore', 'pipe', 'pipe'] })
  children.push(child)
  let [said, complained] = ['', '']
  const ended = new Promise<string>((resolve) => child.on('close', () => resolve(complained)))
  const line = (wanted: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (said.includes(wanted)) resolve()
      }
      child.stdout.on('data', look)
      child.on('close', () => reject(new Error(`ended without ${wanted}: ${complained}`)))
      look()
    })
  child.stdout.on('data', (data) => (said += String(data)))
  child.stderr.on('data', (data) => (complained += String(data)))
  return { kill: () => child.kill('SIGKILL'), ended, line, said: () => said }
}
interface Saver {
  kill(): void
  /** What it complained of. */
  readonly ended: Promise<string>
  /** Resolves when it has written this. */
  line(wanted: string): Promise<void>
  said(): string
}

/** The age of the checkpoint in the folder; all of it is of that age. */
async function age(): Promise<number> {
  const parts = await readCheckpoint(nodeDisk(place))
  const { step } = parts.learner as { step: number }
  expect(parts).toEqual(partsOf(step))
  return step
}
const names = async (): Promise<string[]> => (await readdir(place)).toSorted()

test('processes that save into one folder at once leave one whole checkpoint, and readers never see damage', async () => {
  const saves = times(25, 60)
  const savers = [saver(100, saves), saver(200, saves), saver(300, saves)]
  await Promise.all(savers.map(({ line }) => line('0\n')))
  const all = Promise.all(savers.map(({ ended }) => ended))
  const seen = new Set<number>()
  while ((await Promise.race([all, Promise.resolve()])) === undefined) seen.add(await age())
  expect(await all).toEqual(['', '', ''])
  expect(seen.size).toBeGreaterThan(3)
  expect([100, 200, 300].map((from) => from + saves - 1)).toContain(await age())
  expect(await names()).toHaveLength(3)
})

test('learners of one process that save into one folder at once leave one whole checkpoint', async () => {
  const disks = [1, 2, 3, 4].map(() => nodeDisk(place))
  for (let round = 0; round < 10; round++) {
    // Some on one disk, some on disks of their own.
    const saves = [...disks, disks[0]].map((disk, i) => writeCheckpoint(disk, partsOf(10 * round + i)))
    await Promise.all(saves)
    expect(Math.floor((await age()) / 10)).toBe(round)
  }
  expect(await names()).toHaveLength(3)
})

test('processes that are killed in the middle lose nothing, and others go on at once', async () => {
  await writeCheckpoint(nodeDisk(place), partsOf(1))
  for (let round = 2; round < times(4, 8); round++) {
    const [killed, other] = [saver(1000 * round, 500), saver(1000 * round + 500, 4)]
    await killed.line(`${1000 * round + round}\n`)
    killed.kill()
    expect(await other.ended).toBe('')
    expect(await age()).toBeGreaterThanOrEqual(1000 * round)
    expect((await names()).filter((name) => name.endsWith('.safetensors')).length).toBeLessThanOrEqual(4)
  }
  await writeCheckpoint(nodeDisk(place), partsOf(5))
  expect(await names()).toHaveLength(3)
})

test('a folder that a session holds is refused until the session ends, however it ends', async () => {
  const session = saver(1, 400, 'hold')
  await session.line('3\n')
  await expect(writeCheckpoint(nodeDisk(place), partsOf(7))).rejects.toThrow(LockedError)
  await expect(nodeDisk(place).lock('session')).rejects.toThrow(/process \d+ on .* saves checkpoints/)
  // It is not in the way of readers, and goes on saving.
  const seen = await age()
  await session.line(`${seen + 2}\n`)
  session.kill()
  await session.ended
  const disk = nodeDisk(place)
  const lock = await disk.lock('session')
  await writeCheckpoint(disk, partsOf(7))
  await expect(writeCheckpoint(nodeDisk(place), partsOf(8))).rejects.toThrow(LockedError)
  await expect(disk.lock('session')).rejects.toThrow(LockedError)
  await lock.release()
  await writeCheckpoint(nodeDisk(place), partsOf(8))
  expect(await age()).toBe(8)
  expect(await names()).toHaveLength(3)
})

test('a lock whose owner is dead, or of a process that only has its number by now, is taken over', async () => {
  const disk = nodeDisk(place)
  await writeCheckpoint(disk, partsOf(1))
  const lock = await disk.lock('session')
  const text = await readFile(join(place, 'checkpoint.lock'), 'utf8')
  await lock.release()
  const file = JSON.parse(text) as { token: string; owner: object }
  for (const owner of [
    { ...file.owner, pid: 2 ** 22 - 3 },
    { ...file.owner, started: 'another boot 1' },
    { ...file.owner, pid: 1, started: 'another boot 1' },
    // Its own process, which no longer holds it: it could not be removed.
    file.owner,
  ]) {
    await writeFile(join(place, 'checkpoint.lock'), JSON.stringify({ ...file, owner }))
    await writeCheckpoint(nodeDisk(place), partsOf(2))
    expect(await names()).toHaveLength(3)
  }
})

test('a lock that names nobody, or somebody on another machine, is taken over once it shows no sign of life', async () => {
  const disk = nodeDisk(place)
  await writeCheckpoint(disk, partsOf(1))
  await writeFile(join(place, 'checkpoint.lock'), '{"tok')
  await writeCheckpoint(disk, partsOf(2))
  expect(await age()).toBe(2)
  const elsewhere = { pid: process.pid, thread: 0, host: `not ${hostname()}`, space: '', started: '' }
  const text = JSON.stringify({ token: 'x', purpose: 'session', owner: elsewhere })
  await writeFile(join(place, 'checkpoint.lock'), text)
  const touching = setInterval(() => void writeFile(join(place, 'checkpoint.lock'), text), 300)
  await expect(writeCheckpoint(disk, partsOf(3))).rejects.toThrow(/on not .* saves checkpoints/)
  clearInterval(touching)
})
