/** A real process, killed at random moments and woken up again, ends where one that was never killed ends. */
import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'

const program = join(import.meta.dirname, 'tiny-life.ts')
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'burgeon-life-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** Runs the life in `place`; kills it after `milliseconds`. Answers whether it reached its end. */
function live(place: string, milliseconds = Infinity): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--conditions=@burgeon/source', program, place], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let [said, complained] = ['', '']
    child.stdout.on('data', (data) => (said += String(data)))
    child.stderr.on('data', (data) => (complained += String(data)))
    const timer = milliseconds < Infinity ? setTimeout(() => child.kill('SIGKILL'), milliseconds) : undefined
    child.on('exit', (code, signal) => {
      clearTimeout(timer)
      if (signal === 'SIGKILL') resolve(false)
      else if (code === 0 && said === 'lived\n') resolve(true)
      else reject(new Error(`the life failed with ${code}: ${complained}`))
    })
  })
}

/** What must be equal to the bit: digests of all tensors, and all states but the seconds lived. */
async function remains(place: string): Promise<unknown> {
  const { parts } = JSON.parse(await readFile(join(place, 'checkpoint.json'), 'utf8'))
  parts.life.state.record.seconds = 0
  for (const part of Object.values<{ file?: string }>(parts)) delete part.file
  return parts
}

it('a life killed at random moments and resumed equals one that was never killed', async () => {
  const [whole, broken] = [join(folder, 'whole'), join(folder, 'broken')]
  const start = performance.now()
  expect(await live(whole)).toBe(true)
  const lifetime = performance.now() - start
  // Odd shares of a lifetime on this machine, so that the kills fall into start-up, learning and saving alike; then it may live on.
  for (const share of [0.11, 0.23, 0.37, 0.19, 0.41, 0.29, 0.53, 0.31]) {
    if (await live(broken, share * lifetime)) break
  }
  const { parts } = JSON.parse(await readFile(join(broken, 'checkpoint.json'), 'utf8'))
  const afterKills = parts.learner.state.step as number
  expect(await live(broken)).toBe(true)
  expect(afterKills).toBeGreaterThan(0)
  expect(await remains(broken)).toEqual(await remains(whole))
}, 300_000)
