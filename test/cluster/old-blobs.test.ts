/** Updates and states that nobody needs any more are removed, and whoever was away meanwhile goes on from what stays. */
import { BlobError, ClusterError, Coordinator, replayCluster, versionOf } from '@burgeon/cluster'
import { expect, test } from 'vitest'
import {
  bytesOf,
  clusterOfTest,
  entriesOfKind,
  type SmallCluster,
  texts,
  weightsOf,
} from './small-cluster.ts'

const names = ['a', 'b']
const settings = { localSteps: 2, keepEvery: 2, keepStates: 2 }
/** States that stay and one that is new; updates of the rounds since the first of them, and of those until the next. */
const most = 2 + 1 + 2 * (2 + 2)

const more = async (cluster: SmallCluster, count: number): Promise<void> => {
  for (const text of texts(count)) await cluster.place.records.append(bytesOf(text))
}

test('however long it learns, no more lies there than the rule says', async () => {
  const lived = async (own: object): Promise<readonly number[]> => {
    const cluster = await clusterOfTest(texts(96), names, { ...settings, ...own })
    const held: number[] = []
    while (await cluster.settleOnce()) held.push((await cluster.place.blobs.list()).length)
    expect(cluster.coordinator.course).toMatchObject({ learnt: 96, round: 24 })
    return held
  }
  const held = await lived({})
  expect(Math.max(...held)).toBeLessThanOrEqual(most)
  // The control: who keeps more states keeps all of it.
  expect((await lived({ keepStates: 1000 })).at(-1)).toBe(1 + 48 + 12)
})

test('what stays is what the log names since the oldest state, and what it has never named', async () => {
  const cluster = await clusterOfTest(texts(48), names, settings)
  const foreign = await cluster.place.blobs.put(bytesOf('of somebody else'))
  await cluster.settle()
  const { states } = cluster.coordinator.course
  expect(states.map(({ round }) => round)).toEqual([10, 12])
  const updates = await entriesOfKind(cluster.place, 'update')
  const expected = [
    ...states.map(({ version }) => version),
    ...updates.filter(({ round }) => round > 10).map(({ update }) => update),
  ]
  expect(await cluster.place.blobs.list()).toEqual([...expected, foreign].toSorted())
})

test('a replay from the birth is refused and says from where it can be; from there it gives the same bits', async () => {
  const cluster = await clusterOfTest(texts(48), names, settings)
  await cluster.settle()
  const { course, state } = cluster.coordinator
  const [oldest] = course.states
  const refused = replayCluster(cluster.place)
  await expect(refused).rejects.toThrow(ClusterError)
  await expect(refused).rejects.toThrow(
    `before round 11 is removed; it can be replayed from the state kept in entry ${oldest.position}`,
  )
  const replayed = await replayCluster(cluster.place, { from: 'oldest' })
  expect(replayed.from).toEqual({ ...oldest, round: 10 })
  expect(replayed.course).toEqual(course)
  expect(replayed.state).toEqual(state)
  // The control: it does work something out; without an update of round 11 it cannot.
  const [update] = (await entriesOfKind(cluster.place, 'update')).filter(({ round }) => round === 11)
  await cluster.place.blobs.remove(update.update)
  await expect(replayCluster(cluster.place, { from: 'oldest' })).rejects.toThrow(BlobError)
})

test.each([false, true])(
  'a worker that was away for longer than what stays goes on from the newest weights; grown meanwhile: %s',
  async (grows) => {
    const cluster = await clusterOfTest(texts(16), ['a', 'b', 'c'], { ...settings, form: 'int8' })
    await cluster.settle()
    const away = cluster.workers.get('c')
    if (away === undefined) throw new Error('there is no c')
    cluster.workers.delete('c')
    await more(cluster, 48)
    await cluster.settle()
    await cluster.coordinator.turn({ isLate: true })
    if (grows) cluster.coordinator.grow({ kind: 'widenEmbed', to: 12 })
    await cluster.settle()
    await cluster.coordinator.turn({ isLate: true })
    await cluster.settle()
    expect(cluster.coordinator.course.states[0].position).toBeGreaterThan(away.course.position)
    const step = away.learner.step
    cluster.workers.set('c', away)
    await more(cluster, 24)
    await cluster.settle()
    await cluster.coordinator.turn({ isLate: true })
    await cluster.settle()
    expect(away.learner.step).toBeGreaterThan(step)
    expect(cluster.coordinator.course).toMatchObject({ learnt: 88, left: [], refusals: {} })
    for (const name of ['a', 'b', 'c'])
      expect(await weightsOf(cluster, name), name).toEqual(cluster.coordinator.state.weights)
    expect(away.learner.journal.some(({ kind }) => kind === 'growth')).toBe(grows)
  },
)

test('what is removed while a member fetches it is passed over', async () => {
  const cluster = await clusterOfTest(texts(16), names, settings)
  await cluster.settle()
  const away = await cluster.open('c')
  const until = await cluster.place.log.last()
  await more(cluster, 48)
  cluster.workers.delete('c')
  await cluster.settle()
  // It sees the log as it was before anything was removed, and blobs as they are.
  const { read } = cluster.place.log
  Object.assign(cluster.place.log, {
    async *read(from: number, options = {}) {
      Object.assign(cluster.place.log, { read })
      for await (const entry of read.call(cluster.place.log, from, options))
        if (entry.position <= until + 8) yield entry
    },
  })
  await away.turn()
  expect(away.course.version).toBe(cluster.coordinator.course.version)
  away.dispose()
})

test('a coordinator that was killed between saying and removing removes it when it comes again', async () => {
  const cluster = await clusterOfTest(texts(48), names, settings)
  const { remove } = cluster.place.blobs
  Object.assign(cluster.place.blobs, { remove: () => Promise.reject(new BlobError('killed')) })
  let kills = 0
  while (cluster.coordinator.course.learnt < 48) {
    await cluster.settleOnce().catch(async (error: unknown) => {
      expect(error).toBeInstanceOf(BlobError)
      cluster.coordinator = await Coordinator.open(cluster.place)
      kills++
    })
  }
  const left = (await cluster.place.blobs.list()).length
  Object.assign(cluster.place.blobs, { remove })
  await cluster.settle()
  expect(kills).toBeGreaterThan(1)
  expect(left).toBeGreaterThan(most)
  expect((await cluster.place.blobs.list()).length).toBeLessThanOrEqual(most)
  expect(cluster.coordinator.course).toMatchObject({ learnt: 48, left: [] })
  expect(await versionOf((await replayCluster(cluster.place, { from: 'oldest' })).state)).toBe(
    cluster.coordinator.course.version,
  )
})

test('a removal counts of a coordinator alone, and of a state that stays', async () => {
  const cluster = await clusterOfTest(texts(16), names, { ...settings, keepStates: 9 })
  await cluster.settle()
  const { states, born } = cluster.coordinator.course
  expect(states).toHaveLength(3)
  const said = async (author: string, before: number): Promise<void> => {
    await cluster.place.log.append(bytesOf(JSON.stringify({ kind: 'removed', before })), { author })
    await cluster.coordinator.turn()
  }
  await said('a', states[1].position)
  await said('coordinator', states[1].position + 1)
  await said('coordinator', states[0].position)
  expect(cluster.coordinator.course.states).toEqual(states)
  expect(await cluster.place.blobs.has(born)).toBe(true)
  // The control: the very first of them, by who may say it.
  await said('coordinator', states[1].position)
  expect(cluster.coordinator.course.states).toEqual(states.slice(1))
  expect(await cluster.place.blobs.has(born)).toBe(false)
})
