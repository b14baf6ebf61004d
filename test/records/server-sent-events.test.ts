/** A life that learns server-sent events learns each once, whenever it is killed and however the server fails. */
import { existsSync, readdirSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { running } from '../front-door/running.ts'
import { someOf, times } from '../how-long.ts'
import { lifeFolder } from '../server/small-served.ts'
import { expectLearntOnce, type Giver, killAndLearn, textOf } from './learnt-once.ts'

interface Events extends Giver {
  /** Ids from which on it was asked. */
  readonly asked: (string | undefined)[]
  end(): void
  /** Breaks all connections. */
  breakOff(): void
}

/** A server of numbered events, which goes on from the last id that it is told. */
async function events(): Promise<Events> {
  let [allowed, isEnd] = [0, false]
  const asked: (string | undefined)[] = []
  const open = new Map<ServerResponse, number>()
  const write = (): void => {
    for (const [response, from] of open) {
      for (let i = from; i < allowed; i++) response.write(`id: ${i}\ndata: ${textOf(i)}\n\n`)
      open.set(response, Math.max(from, allowed))
      if (isEnd) response.end()
    }
  }
  const server = createServer((request, response) => {
    const { 'last-event-id': last } = request.headers
    asked.push(last as string | undefined)
    const next = last === undefined ? 0 : Number(last) + 1
    if (isEnd && next >= allowed) {
      response.writeHead(204).end()
      return
    }
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' })
    response.on('close', () => open.delete(response))
    response.flushHeaders()
    open.set(response, next)
    write()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return {
    address: `sse:http://127.0.0.1:${(server.address() as AddressInfo).port}/events`,
    asked,
    given: () => allowed,
    give(count) {
      allowed += count
      write()
      return Promise.resolve()
    },
    end() {
      isEnd = true
      write()
    },
    breakOff: () => server.closeAllConnections(),
  }
}

test('each event is learnt once, whenever the process is killed', async () => {
  const giver = await events()
  const folder = await killAndLearn(giver, times(1, 10, 200), 3)
  await expectLearntOnce(folder, giver.given())
  // It did not ask for all of them every time.
  expect(giver.asked.filter((last) => last !== undefined).length).toBeGreaterThan(1)
})

test('so it is by a server that answers meanwhile', async () => {
  const giver = await events()
  const folder = await killAndLearn(giver, times(1, 10, 200), 4, 'serve')
  await expectLearntOnce(folder, giver.given())
})

test.each(someOf(['serve', 'learn'], 1))(
  '--keep-experience says how much of the journal %s keeps',
  async (by) => {
    const giver = await events()
    const folder = await lifeFolder()
    const where =
      by === 'learn'
        ? ['learn', giver.address, '--resume', '--out', folder]
        : ['serve', folder, '--learn', giver.address, '--port', '0']
    const process = running([...where, '--keep-experience', '0'], dirname(folder))
    const files = (): string[] =>
      readdirSync(join(folder, 'experience')).filter((name) => name.endsWith('.journal'))
    await giver.give(60)
    await expect.poll(() => existsSync(join(folder, 'experience')) && files().length).toBe(1)
    const [first] = files()
    await giver.give(60)
    await expect.poll(() => files().includes(first)).toBe(false)
    process.child.kill('SIGTERM')
    expect(await process.ended).toBe(by === 'learn' ? 0 : 143)
  },
)

test('a server that breaks off is asked again from the last event, which is said; one that answers otherwise, too', async () => {
  const giver = await events()
  const folder = await lifeFolder()
  const process = running(['learn', giver.address, '--resume', '--out', folder], dirname(folder))
  await giver.give(3)
  await expect.poll(() => giver.asked.length).toBe(1)
  await process.says('output', /learns sse:http:\S+, until it ends or Ctrl-C/)
  giver.breakOff()
  await process.says('status', /sse:http:\S+ broke off .*It is asked again/)
  await expect.poll(() => giver.asked).toEqual([undefined, '2'])
  giver.end()
  expect(await process.ended).toBe(0)
})

test.each([
  ['sse:ftp://a', /expected sse: and a URL/],
  ['sse:', /expected sse: and a URL/],
])('%s is refused before anything is opened', async (address, words) => {
  const folder = await lifeFolder()
  const process = running(['learn', address, '--resume', '--out', folder], dirname(folder))
  expect(await process.ended).not.toBe(0)
  expect(process.said.status).toMatch(words)
})
