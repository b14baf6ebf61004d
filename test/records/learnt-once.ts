/** A life that learns records from somewhere, killed at random moments, and what must be true of it in the end. */
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type AdmittedExperience, openExperience, type Origin } from '@burgeon/continual'
import { nodeDisk } from '@burgeon/gpt/node'
import { keyFromSeed, RandomStream } from '@burgeon/tensor'
import { type LifeSettings, loadLife } from 'burgeon/session'
import { expect } from 'vitest'
import { type Running, running } from '../front-door/running.ts'
import { lifeFolder, servedLife } from '../server/small-served.ts'
import { collected } from '../experience/collected.ts'

/** A small life that forgets no row of its rehearsal, so that what it learnt can be told from it. */
const settings: LifeSettings = { ...servedLife, memoryRows: 5000, protection: 0 }

/** The text of a record: one row of a life, no two alike. */
export const textOf = (number: number): string => `record ${number}, ${(number * 7919) % 1000}`

/** Somebody who gives numbered records. */
export interface Giver {
  readonly address: string
  /** Gives so many more, and no others until it is asked again. */
  give(count: number): Promise<void>
  /** How many were given in all. */
  given(): number
  /** Says that there are no more, if it can; a process that is told so ends. */
  end?(): void
}

/** A command that learns from an address into a folder. */
interface Learning {
  command(address: string, folder: string): readonly string[]
  /** What it says once it has begun. */
  readonly begun: readonly ['output' | 'status', RegExp]
  /** Whether it ends when there are no more records. */
  readonly ends: boolean
  /** Exit code where a signal ends it. */
  readonly code: number
}

const commands: Readonly<Record<'learn' | 'serve', Learning>> = {
  learn: {
    command: (address, folder) => ['learn', address, '--resume', '--out', folder],
    ...{ begun: ['output', /learns/], ends: true, code: 0 },
  },
  serve: {
    command: (address, folder) => ['serve', folder, '--learn', address, '--port', '0'],
    ...{ begun: ['status', /answers at/], ends: false, code: 143 },
  },
}

/**
 * Kills a process that learns from a giver, again and again; then lets one learn to the end.
 *
 * @param rounds Processes that are killed.
 * @param by The command that learns.
 */
export async function killAndLearn(
  giver: Giver,
  rounds: number,
  seed: number,
  by: 'learn' | 'serve' = 'learn',
): Promise<string> {
  const { command, begun, ends, code } = commands[by]
  const folder = await lifeFolder(settings)
  const random = new RandomStream(keyFromSeed(seed))
  const start = (): Running => running(command(giver.address, folder), dirname(folder))
  const checkpoint = (): string => readFileSync(join(folder, 'checkpoint.json'), 'utf8')
  for (let round = 0; round < rounds; round++) {
    const process = start()
    const before = checkpoint()
    await giver.give(1 + random.below(30))
    if (round % 2 === 0) {
      // Once it has saved, and learns on.
      await until(process, () => checkpoint() !== before)
      await giver.give(random.below(30))
    } else await process.says(...begun)
    await new Promise((resolve) => setTimeout(resolve, random.below(300)))
    process.child.kill('SIGKILL')
    await process.ended
  }
  const last = start()
  await giver.give(5)
  giver.end?.()
  if (giver.end && ends) expect(await last.ended, last.said.status).toBe(0)
  else {
    const wanted = giver.given()
    await last.says(...begun)
    await until(last, async () => (await learntIn(folder)) === wanted)
    last.child.kill('SIGTERM')
    expect(await last.ended, last.said.status).toBe(code)
  }
  return folder
}

/** Waits for something that a process does, for as long as there is the process. */
async function until(process: Running, isSo: () => boolean | Promise<boolean>): Promise<void> {
  let ended: unknown
  process.child.once('close', (how) => {
    ended = `it ended with ${how}: ${process.said.status}`
  })
  while (!(await isSo())) {
    expect(ended).toBe(undefined)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** Number of records that the saved life has learnt. */
const learntIn = async (folder: string): Promise<number> =>
  (await loadLife(nodeDisk(folder))).origin.experience?.next ?? 0

/** The ids of all that was learnt, without gap and double; and so in the journal. */
export async function expectLearntOnce(folder: string, count: number): Promise<void> {
  const ids = Array.from({ length: count }, (_, i) => `${i}`)
  const journal = await openExperience(nodeDisk(join(folder, 'experience')))
  const admitted = await collected(journal.read(0))
  await journal.close()
  const idOf = ({ text }: AdmittedExperience): string => /\d+/.exec(text)?.[0] ?? text
  expect(inOrder(admitted.map(idOf))).toEqual(ids)
  const { learner, record } = await loadLife(nodeDisk(folder))
  const kept = learner.strategy.rehearsal?.sample(settings.memoryRows)
  const learnt = kept?.origins?.map((origin) => idOf(admitted[(origin as Origin).id])) ?? []
  expect(inOrder(learnt)).toEqual(ids)
  expect(record.bytes).toBe(ids.reduce((sum, id) => sum + textOf(Number(id)).length, 0))
}

const inOrder = (ids: readonly string[]): string[] => ids.toSorted((a, b) => Number(a) - Number(b))
