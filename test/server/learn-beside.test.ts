/** `burgeon serve --learn`: notes are learnt while clients are answered, those that are added too, each once. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nodeDisk } from '@burgeon/gpt/node'
import { loadLife } from 'burgeon/session'
import { expect, onTestFinished, test } from 'vitest'
import { type Running, running } from '../front-door/running.ts'
import { times } from '../how-long.ts'
import { follow } from './follow.ts'

const sentence = 'the quick brown fox jumps over the lazy dog. '

/** A folder with some notes. */
function place(): string {
  const folder = mkdtempSync(join(tmpdir(), 'burgeon-beside-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  mkdirSync(join(folder, 'notes'))
  writeFileSync(join(folder, 'notes/a.txt'), sentence.repeat(60))
  return folder
}

async function serving(folder: string): Promise<{ process: Running; url: string }> {
  const process = running(['serve', '--learn', 'notes', '--port', '0'], folder)
  await process.says('status', /answers at (\S+)\/v1/)
  const [, url] = /answers at (\S+)\/v1/.exec(process.said.status) ?? []
  return { process, url }
}

const post = (url: string, path: string, body: unknown): Promise<Response> =>
  fetch(`${url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })

const stepsAt = async (url: string): Promise<number> => {
  const { data } = (await (await fetch(`${url}/v1/models`)).json()) as { data: readonly { step: number }[] }
  return data[0].step
}

/** Steps once they stay as they are. */
async function settled(url: string, above: number): Promise<number> {
  let last = -1
  await expect
    .poll(
      async () => {
        const now = await stepsAt(url)
        const isSettled = now === last && now > above
        last = now
        return isSettled
      },
      { interval: 400 },
    )
    .toBe(true)
  return last
}

const bytesIn = async (folder: string): Promise<number> =>
  (await loadLife(nodeDisk(join(folder, 'life')))).record.bytes

test('a new life learns notes while it answers, and what is added; a lesson in between; all of it once', async () => {
  const folder = place()
  const { process, url } = await serving(folder)
  const answer = await post(url, '/v1/completions', { model: 'life', prompt: 'The', max_tokens: 4 })
  expect(answer.status).toBe(200)
  const first = await settled(url, 0)
  const lesson = (await (await post(url, '/v1/learn', { text: sentence.repeat(30) })).json()) as {
    step: number
  }
  expect(lesson.step).toBeGreaterThan(first)
  const followed = await follow({ fetch: () => fetch(`${url}/v1/events`) })
  writeFileSync(join(folder, 'notes/b.txt'), 'Another note that came later. '.repeat(60))
  await settled(url, lesson.step)
  const heard = await followed.until(({ name }) => name === 'saved')
  expect(heard.find(({ name }) => name === 'step')?.data['step']).toBe(lesson.step + 1)
  await followed.leave()
  process.child.kill('SIGTERM')
  expect(await process.ended).toBe(143)
  const learnt = await bytesIn(folder)
  const again = running(['learn', 'notes', '--resume'], folder)
  expect(await again.ended).toBe(0)
  expect(again.said.output).toContain('All of it was read before.')
  expect(await bytesIn(folder)).toBe(learnt)
})

test('killed at any moment beside lessons, it goes on where it was: nothing is learnt twice, nothing is left out', async () => {
  // What a life that is left in peace learns of the notes.
  const quiet = place()
  const whole = running(['learn', 'notes'], quiet)
  expect(await whole.ended).toBe(0)
  const wanted = await bytesIn(quiet)
  for (let trial = 0; trial < times(1, 20); trial++) {
    const folder = place()
    const { process, url } = await serving(folder)
    let lessons = 0
    const teach = async (): Promise<void> => {
      for (;;)
        lessons = ((await (await post(url, '/v1/learn', { text: sentence })).json()) as { step: number }).step
    }
    const ended = teach().catch(() => {})
    await expect.poll(() => lessons).toBeGreaterThan(1 + (trial % 5))
    await new Promise((resolve) => setTimeout(resolve, 13 * trial))
    process.child.kill('SIGKILL')
    await ended
    const going = running(['learn', 'notes', '--resume'], folder)
    expect(await going.ended, going.said.status).toBe(0)
    const { record } = await loadLife(nodeDisk(join(folder, 'life')))
    const taught = record.spans
      .filter(({ domain }) => domain === 'taught')
      .reduce((sum, { from, to }) => sum + to - from, 0)
    expect(taught).toBeGreaterThan(0)
    expect(record.bytes - taught).toBe(wanted)
  }
})

test('a life that is stopped learns nothing of its notes, and all of them, each once, when it is released', async () => {
  const quiet = place()
  const whole = running(['learn', 'notes'], quiet)
  expect(await whole.ended).toBe(0)
  const folder = place()
  mkdirSync(join(folder, 'life'))
  const { process, url } = await serving(folder)
  // Between two steps of the notes, or after them; what is added then waits in any case.
  writeFileSync(join(folder, 'life/stop'), '')
  const steps = await settled(url, -1)
  writeFileSync(join(folder, 'notes/b.txt'), sentence.repeat(60))
  expect((await post(url, '/v1/completions', { model: 'life', prompt: 'The', max_tokens: 4 })).status).toBe(
    200,
  )
  expect((await post(url, '/v1/learn', { text: sentence })).status).toBe(409)
  // Somebody else's pause has its turn meanwhile.
  const kept = await post(url, '/v1/checkpoints', {})
  expect(kept.status).toBe(200)
  expect(await stepsAt(url)).toBe(steps)
  rmSync(join(folder, 'life/stop'))
  await settled(url, steps)
  process.child.kill('SIGTERM')
  expect(await process.ended).toBe(143)
  expect(process.said.status).not.toContain('learnt no further')
  const again = running(['learn', 'notes', '--resume'], folder)
  expect(await again.ended).toBe(0)
  expect(again.said.output).toContain('All of it was read before.')
  expect(await bytesIn(folder)).toBeGreaterThan(1.9 * (await bytesIn(quiet)))
})

test('a model of others begins a life with --from, and a folder that holds one is not written into', async () => {
  const folder = place()
  const llama = join(import.meta.dirname, '../gold/small-llama')
  const process = running(['serve', 'mine', '--learn', 'notes', '--from', llama, '--port', '0'], folder)
  await process.says('status', /answers at/)
  process.child.kill('SIGINT')
  expect(await process.ended).toBe(130)
  expect(existsSync(join(folder, 'mine/checkpoint.json'))).toBe(true)
  // The same call takes it up again.
  const again = running(['serve', 'mine', '--learn', 'notes', '--from', llama, '--port', '0'], folder)
  await again.says('status', /answers at/)
  const wrong = running(['serve', llama, '--learn', 'notes', '--port', '0'], folder)
  expect(await wrong.ended).toBe(1)
  expect(wrong.said.status).toMatch(/holds a model and no life/)
})
