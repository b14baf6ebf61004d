/** `burgeon serve` as a process: what it says, how it ends, and what a kill leaves. */
import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { nodeDisk } from '@burgeon/gpt/node'
import { loadLife } from 'burgeon/session'
import { expect, test } from 'vitest'
import { type Running, running } from '../front-door/running.ts'
import { someOf, times } from '../how-long.ts'
import { lifeFolder } from './small-served.ts'

async function served(
  folder: string,
  ...more: readonly string[]
): Promise<{ process: Running; url: string }> {
  const process = running(['serve', folder, '--port', '0', ...more], dirname(folder))
  await process.says('status', /answers at (\S+)\/v1/)
  const [, url] = /answers at (\S+)\/v1/.exec(process.said.status) ?? []
  return { process, url }
}

const post = (url: string, path: string, body: unknown, headers: Readonly<Record<string, string>> = {}) =>
  fetch(`${url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
const text = 'the quick brown fox jumps over the lazy dog. '.repeat(20)

test('it says what to do, and the command that it prints is answered', async () => {
  const { process, url } = await served(await lifeFolder())
  const [, body] = /-d '([^']+)'/.exec(process.said.status) ?? []
  const answer = await post(url, '/v1/completions', JSON.parse(body))
  expect(answer.status).toBe(200)
  expect(process.said.status).toContain('It learns what is sent to /v1/learn.')
  expect(process.said.status).toContain(`Dashboard: ${url}/\n`)
})

test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
  '%s lets requests at hand end and saves what was learnt',
  async (signal) => {
    const folder = await lifeFolder()
    const { process, url } = await served(folder)
    const stream = await post(url, '/v1/completions', {
      model: 'life',
      prompt: 'a',
      max_tokens: 60,
      stream: true,
    })
    const lesson = post(url, '/v1/learn', { text })
    // Both are at hand before it is told to end; where the machine is slow, the text may be whole by then.
    const atHand = async (): Promise<string> => (await fetch(`${url}/metrics`)).text()
    await expect.poll(atHand).toMatch(/burgeon_requests_in_flight 2|burgeon_learnt_steps_total 4/)
    process.child.kill(signal)
    await process.says('status', /^Ending/m)
    expect(await stream.text()).toContain('[DONE]')
    expect(((await (await lesson).json()) as { step: number }).step).toBe(4)
    expect(await process.ended).toBe({ SIGTERM: 143, SIGINT: 130, SIGHUP: 129 }[signal])
    expect((await loadLife(nodeDisk(folder))).learner.step).toBe(4)
  },
)

test('a kill in the middle of lessons loses none that was answered, and half of none is there', async () => {
  for (let trial = 0; trial < times(1, 20); trial++) {
    const folder = await lifeFolder()
    const { process, url } = await served(folder)
    let answered = 0
    const teach = async (): Promise<void> => {
      for (;;) answered = ((await (await post(url, '/v1/learn', { text })).json()) as { step: number }).step
    }
    const ended = teach().catch(() => {})
    await expect.poll(() => answered).toBeGreaterThanOrEqual(4 * (1 + (trial % 3)))
    await new Promise((resolve) => setTimeout(resolve, 7 * trial))
    process.child.kill('SIGKILL')
    await ended
    const { learner, record } = await loadLife(nodeDisk(folder))
    // A lesson is four steps; one more may have been saved whose answer never came.
    expect([answered, answered + 4]).toContain(learner.step)
    expect(record.bytes).toBe((learner.step / 4) * (text.length - 1))
  }
})

test('keys come from a file and from the environment; an address for others wants them', async () => {
  const folder = await lifeFolder()
  const keys = join(dirname(folder), 'keys.json')
  writeFileSync(keys, JSON.stringify([{ key: 'read-key-of-sixteen-and-more', scopes: ['read'] }]))
  const { process, url } = await served(folder, '--keys', keys)
  expect(process.said.status).toContain('$BURGEON_API_KEY')
  const headers = { authorization: 'Bearer read-key-of-sixteen-and-more' }
  expect((await fetch(`${url}/v1/models`)).status).toBe(401)
  expect((await fetch(`${url}/v1/models`, { headers })).status).toBe(200)
  expect((await post(url, '/v1/learn', { text }, headers)).status).toBe(403)
  const open = running(['serve', await lifeFolder(), '--host', '0.0.0.0', '--port', '0'], dirname(folder))
  expect(await open.ended).toBe(1)
  expect(open.said.status).toMatch(/no keys/)
})

test('a life that is served is held: neither another server nor a learner takes it up', async () => {
  const folder = await lifeFolder()
  await served(folder)
  for (const args of [
    ['serve', folder, '--port', '0'],
    ['learn', 'a.txt', '--resume', '--out', folder],
  ]) {
    const second = running(args, dirname(folder))
    expect(await second.ended).toBe(1)
    expect(second.said.status).toMatch(/saves checkpoints into this folder/)
  }
  // One that only reads may.
  await served(folder, '--read-only')
})

test('mistakes are one line: no model, keys that are none, an address that is taken', async () => {
  const folder = await lifeFolder()
  const { url } = await served(folder, '--read-only')
  const [, port] = /:(\d+)$/.exec(url) ?? []
  const keys = join(dirname(folder), 'keys.json')
  writeFileSync(keys, '{"key": "a secret that is shown to nobody"}')
  const mistakes = [
    [['nowhere'], /there is nothing at nowhere/],
    [[folder, '--keys', keys], /holds no keys/],
    [[folder, '--keys', 'missing.json'], /holds no keys/],
    [[folder, '--read-only', '--port', port], /EADDRINUSE/],
    [[folder, '--from', 'x'], /--from without --learn/],
    [[folder, '--learn', 'x', '--read-only'], /--learn and --read-only/],
    [['new', '--learn', 'missing'], /missing/],
    [[folder, '--port', '70000'], /port/],
  ] as const
  for (const [args, message] of someOf(mistakes, 4)) {
    const process = running(['serve', ...args], dirname(folder))
    expect(await process.ended, process.said.status).toBe(1)
    expect(process.said.status).toMatch(message)
    expect(process.said.status).not.toMatch(/secret|\n.*\n.* at /)
  }
})
