/** A cluster of processes over NATS, each of which is killed again and again: every record counts once. */
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { Coordinator, replayCluster } from '@burgeon/cluster'
import { natsSeams } from '@burgeon/cluster/nats'
import { Gpt } from '@burgeon/gpt'
import { expect, onTestFinished, test } from 'vitest'
import { times } from '../how-long.ts'
import type { MemberTask } from './member-process.ts'
import { hasNats, natsServer } from './nats-server.ts'
import { bytesOf, texts } from './small-cluster.ts'

const program = join(import.meta.dirname, 'member-process.ts')
const settings = { localSteps: 2, keepEvery: 3 }

test.skipIf(!hasNats)('each record counts once, whoever is killed, the broker among them', async () => {
  const kills = times(4, 16, 400)
  const count = 8 + 6 * kills
  const server = await natsServer()
  const cluster = 'killed'
  const { place, close } = await natsSeams(cluster, { servers: server.address })
  onTestFinished(() => close())
  for (const text of texts(count)) await place.records.append(bytesOf(text))
  const model = Gpt.create({ vocabulary: 256, context: 16, embed: 8, heads: 2, layers: 1 }, { seed: 5 })
  await Coordinator.found(place, model, settings)

  const members = new Map<string | null, ChildProcess>()
  let said = ''
  const start = (worker: string | null): void => {
    const task: MemberTask = { worker, cluster, servers: server.address }
    const child = spawn(process.execPath, ['--conditions=@burgeon/source', program, JSON.stringify(task)], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    child.stderr.on('data', (more: Buffer) => {
      said += more.toString()
    })
    members.set(worker, child)
  }
  onTestFinished(() => void [...members.values()].map((child) => child.kill('SIGKILL')))
  for (const name of [null, 'a', 'b']) start(name)

  const goesOn = async (from: number): Promise<number> => {
    let now = from
    await expect
      .poll(
        async () => {
          now = await place.log.last().catch(() => from)
          return now > from
        },
        { interval: 50, message: said },
      )
      .toBe(true)
    return now
  }
  let last = await place.log.last()
  const victims = ['a', null, 'b', 'broker'] as const
  for (let kill = 0; kill < kills; kill++) {
    last = await goesOn(last)
    const victim = victims[kill % victims.length]
    if (victim === 'broker') {
      await server.kill()
      await server.start()
    } else {
      members.get(victim)?.kill('SIGKILL')
      start(victim)
    }
  }
  // Who opens it anew reads the whole log; while the broker comes back, it may not be heard.
  const learnt = async (): Promise<number> => (await Coordinator.open(place)).course.learnt
  await expect.poll(() => learnt().catch(() => 0), { interval: 200, message: said }).toBe(count)
  const { course } = await replayCluster(place, { from: 'oldest' })
  expect(course.learnt).toBe(count)
  expect(course.skipped).toBe(0)
  // Nobody has ended by itself.
  expect([...members.values()].map(({ exitCode }) => exitCode)).toEqual([null, null, null])
})
