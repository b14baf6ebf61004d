/** Real processes that are killed while they append, again and again: every number is there once, up to the last that was acknowledged and beyond. */
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LockedError } from '@burgeon/gpt'
import { nodeDisk } from '@burgeon/gpt/node'
import { openExperience } from '@burgeon/continual'
import { keyFromSeed, RandomStream } from '@burgeon/tensor'
import { expect, onTestFinished, test } from 'vitest'
import { times } from '../how-long.ts'
import { collected } from './collected.ts'

/** A process that appends to a journal. */
function appender(place: string): {
  said(): string
  kill(): Promise<void>
  hasSaid(lines: number): Promise<void>
} {
  const program = join(import.meta.dirname, 'appender.ts')
  const child = spawn(process.execPath, ['--conditions=@burgeon/source', program, place], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let said = ''
  child.stdout.on('data', (data) => (said += String(data)))
  const ended = new Promise<void>((resolve) => child.on('close', () => resolve()))
  return {
    said: () => said,
    async kill() {
      child.kill('SIGKILL')
      await ended
    },
    hasSaid: (lines) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (said.split('\n').length > lines) resolve()
        }
        child.stdout.on('data', look)
        child.on('close', () => reject(new Error(`ended after ${said.length} characters`)))
        look()
      }),
  }
}

test('processes that are killed while they append lose no number and write none twice', async () => {
  const place = await mkdtemp(join(tmpdir(), 'burgeon-experience-'))
  onTestFinished(() => rm(place, { recursive: true, force: true }))
  const random = new RandomStream(keyFromSeed(9))
  for (let round = 0; round < times(3, 30, 200); round++) {
    const child = appender(place)
    await child.hasSaid(2 + random.below(round % 2 === 0 ? 40 : 400))
    if (round === 1) await expect(openExperience(nodeDisk(place))).rejects.toThrow(LockedError)
    await child.kill()
    const acknowledged = child.said().split('\n').slice(1, -1)
    const journal = await openExperience(nodeDisk(place))
    const found = (await collected(journal.read(0))).map(({ text }) => text.trim())
    expect(found).toEqual(Array.from({ length: journal.next }, (_, i) => `${i}`))
    expect(journal.next).toBeGreaterThan(Number(acknowledged.at(-1)))
    await journal.close()
  }
})
