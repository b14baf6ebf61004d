/** Connections that are dropped, and a broker without room: no record is lost or counts twice, and all go on afterwards. */
import { writeFileSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { adamw } from '@burgeon/autograd/optim'
import { ClusterWorker, Coordinator, type OuterState, replayCluster, surveyCluster } from '@burgeon/cluster'
import { type NatsSeams, natsSeams } from '@burgeon/cluster/nats'
import { bitsPerByteOf, Learner } from '@burgeon/continual'
import { Gpt } from '@burgeon/gpt'
import { describe, expect, onTestFinished, test } from 'vitest'
import { times } from '../how-long.ts'
import { folderOfTest, hasNats, natsServer } from './nats-server.ts'
import { bytesOf, clusterOfTest, texts } from './small-cluster.ts'

const settings = { localSteps: 4, keepEvery: 3, momentum: 0, rate: 1 }
const makeLearner = (model: Gpt): Learner => new Learner({ model, optimizer: adamw({ learningRate: 3e-3 }) })

async function seamsOfTest(servers: string): Promise<NatsSeams> {
  const seams = await natsSeams('faults', { servers })
  onTestFinished(() => seams.close().catch(() => {}))
  return seams
}

/** Carries bytes to a broker, unless it is cut. */
class Cable {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #isCut = false

  constructor(port: number) {
    this.#server = createServer((socket) => {
      if (this.#isCut) return void socket.destroy()
      const other = connect(port, '127.0.0.1')
      for (const [one, two] of [
        [socket, other],
        [other, socket],
      ]) {
        this.#sockets.add(one)
        one.on('error', () => {})
        one.on('close', () => {
          this.#sockets.delete(one)
          two.destroy()
        })
        one.pipe(two)
      }
    })
    onTestFinished(() => {
      this.cut()
      this.#server.close()
    })
  }

  async address(): Promise<string> {
    await new Promise<void>((resolve) => void this.#server.listen(0, '127.0.0.1', resolve))
    return `nats://127.0.0.1:${(this.#server.address() as { port: number }).port}`
  }

  /** Drops what is there, and takes nothing new until it is mended. */
  cut(): void {
    this.#isCut = true
    for (const socket of this.#sockets) socket.destroy()
  }

  mend(): void {
    this.#isCut = false
  }
}

/** Looks without a word after which a coordinator goes on without who is late, 20 ms and more apart. */
const patience = 40

/** Takes turns until it is told to end; what fails because of the broker is noted, and taken again. */
async function live(
  { place }: NatsSeams,
  member: Coordinator | ClusterWorker,
  isDone: () => boolean,
  failed: string[],
): Promise<void> {
  let [last, looks] = [-1, 0]
  while (!isDone()) {
    try {
      if (await member.turn()) continue
      const now = await place.log.last()
      looks = now === last ? looks + 1 : 0
      last = now
      if (member instanceof Coordinator && looks >= patience) {
        await member.turn({ isLate: true })
        looks = 0
      }
    } catch (error) {
      const { name } = error as Error
      if (!/^(Transport|Log|Blob)Error$/.test(name)) throw error
      failed.push(name)
    }
    await wait(20)
  }
}

/** How well a state predicts texts from beginning to end of those that were learnt, in bits per byte. */
async function lossOf({ config, weights }: OuterState, records: readonly string[]): Promise<number> {
  const model = Gpt.fromState({ config, weights })
  const every = Math.ceil(records.length / 60)
  const some = records.filter((_, i) => i % every === 0)
  let loss = 0
  for (const text of some) loss += (await bitsPerByteOf(model, bytesOf(text))) / some.length
  model.dispose()
  return loss
}

/** What nobody has disturbed comes to, where so many records come at a time. */
async function undisturbedLoss(records: readonly string[], atATime: number): Promise<number> {
  const cluster = await clusterOfTest([], ['a', 'b'], settings)
  for (let from = 0; from < records.length; from += atATime) {
    for (const text of records.slice(from, from + atATime)) await cluster.place.records.append(bytesOf(text))
    await cluster.settle()
    await cluster.coordinator.turn({ isLate: true })
    await cluster.settle()
  }
  expect(cluster.coordinator.course.learnt).toBe(records.length)
  return lossOf(cluster.coordinator.state, records)
}

/** Each record counts once, and the end is as good as without the faults. */
async function expectWhole(
  { place }: NatsSeams,
  records: readonly string[],
  atATime = records.length,
): Promise<void> {
  const learnt: number[] = []
  await surveyCluster(place.log, (round) => learnt.push(...round.learnt.flatMap((each) => each.records)))
  expect(learnt.toSorted((a, b) => a - b)).toEqual(records.map((_, i) => i + 1))
  const { course, state } = await replayCluster(place, { from: 'oldest' })
  expect(course).toMatchObject({ learnt: records.length, skipped: 0, left: [] })
  const [own, undisturbed] = [await lossOf(state, records), await undisturbedLoss(records, atATime)]
  expect(own).toBeLessThan(1.02 * undisturbed)
}

const smallModel = (): Gpt =>
  Gpt.create({ vocabulary: 256, context: 16, embed: 8, heads: 2, layers: 1 }, { seed: 5 })

describe.skipIf(!hasNats)('a cluster goes on', () => {
  test('when connections are dropped, of whom it may be', async () => {
    const cuts = times(3, 12)
    const records = texts(40 * cuts)
    const server = await natsServer()
    const port = Number(server.address.split(':').at(-1))
    const watcher = await seamsOfTest(server.address)
    const { place } = watcher
    await Coordinator.found(place, smallModel(), settings)
    const names = ['a', 'b', 'coordinator'] as const
    const cables = new Map(names.map((name) => [name, new Cable(port)]))
    let isDone = false
    const failed: Record<string, string[]> = { a: [], b: [], coordinator: [] }
    const lives = [...cables].map(async ([name, cable]) => {
      const seams = await seamsOfTest(await cable.address())
      const member =
        name === 'coordinator'
          ? await Coordinator.open(seams.place)
          : await ClusterWorker.open(seams.place, { name, makeLearner })
      return live(seams, member, () => isDone, failed[name])
    })
    const learnt = async (): Promise<number> => (await surveyCluster(place.log))?.course.learnt ?? 0
    for (let cut = 0; cut < cuts; cut++) {
      // More comes each time: others may have learnt all there was while one was away.
      const before = await learnt()
      for (const text of records.slice(40 * cut, 40 * (cut + 1))) await place.records.append(bytesOf(text))
      await expect.poll(learnt, { interval: 20 }).toBeGreaterThan(before)
      const name = names[cut % names.length]
      const known = failed[name].length
      cables.get(name)?.cut()
      await expect.poll(() => failed[name].length, { interval: 20 }).toBeGreaterThan(known)
      cables.get(name)?.mend()
    }
    await expect.poll(learnt, { interval: 50 }).toBe(records.length)
    isDone = true
    await Promise.all(lives)
    await expectWhole(watcher, records, 40)
  })

  test('when the broker has no room, as soon as there is some', async () => {
    const records = texts(times(120, 480))
    const config = join(folderOfTest(), 'nats.conf')
    const room = (bytes: number): void => writeFileSync(config, `jetstream { max_file_store: ${bytes} }\n`)
    room(300_000)
    const server = await natsServer(['-c', config])
    const watcher = await seamsOfTest(server.address)
    const { place } = watcher
    for (const text of records) await place.records.append(bytesOf(text))
    await Coordinator.found(place, smallModel(), settings)
    let isDone = false
    const failed: string[] = []
    const lives = ['a', 'b', 'coordinator'].map(async (name) => {
      const seams = await seamsOfTest(server.address)
      const member =
        name === 'coordinator'
          ? await Coordinator.open(seams.place)
          : await ClusterWorker.open(seams.place, { name, makeLearner })
      return live(seams, member, () => isDone, failed)
    })
    // It fills, and whoever wants to write is told so.
    let wanted = 0
    const wish = (): Promise<string> =>
      place.blobs.put(new Uint8Array(1000).fill(wanted++)).then(
        () => 'kept',
        ({ name, message }: Error) => `${name}: ${message}`,
      )
    await expect.poll(wish).toMatch(/^BlobError: natsBlobs: put: .*(insufficient|resource|exceeded)/)
    const before = await surveyCluster(place.log)
    expect(before?.course.learnt).toBeLessThan(records.length)
    room(1_000_000_000)
    await server.kill()
    await server.start()
    const learnt = async (): Promise<number> =>
      (await surveyCluster(place.log).catch(() => null))?.course.learnt ?? 0
    await expect.poll(learnt, { interval: 50 }).toBe(records.length)
    isDone = true
    await Promise.all(lives)
    expect(failed).toContain('BlobError')
    await expectWhole(watcher, records)
  })
})
