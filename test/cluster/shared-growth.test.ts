/** All workers grow at one barrier, in one way, and what follows the weights follows. */
import { replayCluster, versionOf } from '@burgeon/cluster'
import type { GrowthRequest } from '@burgeon/gpt/growth'
import { OptionError } from '@burgeon/tensor'
import { expect, test } from 'vitest'
import { clusterOfTest, entriesOfKind, type SmallCluster, texts, weightsOf } from './small-cluster.ts'

const requests: readonly GrowthRequest[] = [
  { kind: 'addLayer', at: 1 },
  { kind: 'widenMlp', block: 'b0', to: 48 },
  { kind: 'widenEmbed', to: 12 },
]

test.each(requests)(
  'between two rounds, by $kind: the same weights for all, and more to learn with',
  async (request) => {
    const cluster = await clusterOfTest(texts(32), ['a', 'b'], { form: 'int8' })
    await cluster.settleOnce()
    await cluster.settleOnce()
    expect(cluster.coordinator.course.open).toBeNull()
    const before = cluster.coordinator.state
    cluster.coordinator.grow(request)
    await cluster.settle()
    await cluster.coordinator.turn({ isLate: true })
    await cluster.settle()
    const { course, state } = cluster.coordinator
    const [grown] = await entriesOfKind(cluster.place, 'grown')
    expect(grown.request).toEqual(request)
    expect(course).toMatchObject({ learnt: 32, left: [], refusals: {} })
    expect(sizeOf(state)).toBeGreaterThan(sizeOf(before))
    for (const name of ['a', 'b']) {
      expect(await weightsOf(cluster, name)).toEqual(state.weights)
      const { journal, stateBytes, model } = cluster.workers.get(name)?.learner ?? {}
      expect(journal?.map(({ kind }) => kind)).toContain('growth')
      // The moments of its optimizer have grown with it.
      expect(stateBytes).toBe(2 * 4 * (model?.parameters.size ?? 0))
    }
    expect(sizeOf({ weights: state.momentum })).toBe(sizeOf(state))
    expect(await versionOf((await replayCluster(cluster.place, { from: 'oldest' })).state)).toBe(
      course.version,
    )
  },
)

const sizeOf = ({ weights }: Pick<SmallCluster['coordinator']['state'], 'weights'>): number =>
  Object.values(weights).reduce((sum, { data }) => sum + data.length, 0)

test('growth waits for the end of a round', async () => {
  const cluster = await clusterOfTest(texts(16), ['a', 'b'])
  await cluster.settleOnce()
  cluster.coordinator.grow({ kind: 'addLayer', at: 1 })
  await cluster.coordinator.turn()
  expect(await entriesOfKind(cluster.place, 'grown')).toEqual([])
  await cluster.settle()
  expect(await entriesOfKind(cluster.place, 'grown')).toHaveLength(1)
  expect((await entriesOfKind(cluster.place, 'closed')).map(({ accepted }) => accepted.length)).toEqual([
    2, 2,
  ])
})

test('a worker that was away during growth catches up, and so does one that comes new', async () => {
  const cluster = await clusterOfTest(texts(48), ['a', 'b', 'c'])
  await cluster.settleOnce()
  const away = cluster.workers.get('c')
  cluster.workers.delete('c')
  await cluster.settle()
  await cluster.coordinator.turn({ isLate: true })
  cluster.coordinator.grow({ kind: 'widenMlp', block: 'b0', to: 40 })
  await cluster.settleOnce()
  await cluster.settleOnce()
  if (away) cluster.workers.set('c', away)
  await cluster.open('d')
  await cluster.settle()
  await cluster.coordinator.turn({ isLate: true })
  await cluster.settle()
  const { weights } = cluster.coordinator.state
  for (const name of ['a', 'b', 'c', 'd']) expect(await weightsOf(cluster, name), name).toEqual(weights)
  expect(Object.keys(cluster.coordinator.course.refusals)).toEqual([])
  expect(cluster.seen.c.length * cluster.seen.d.length).toBeGreaterThan(0)
  expect(cluster.coordinator.course).toMatchObject({ learnt: 48, left: [] })
})

test('a growth that cannot be is refused, and the cluster goes on', async () => {
  const cluster = await clusterOfTest(texts(8), ['a', 'b'])
  cluster.coordinator.grow({ kind: 'addLayer', at: 9 })
  await cluster.workers.get('a')?.turn()
  await cluster.workers.get('b')?.turn()
  await expect(cluster.coordinator.turn()).rejects.toThrow(OptionError)
  await cluster.settle()
  expect(cluster.coordinator.course.learnt).toBe(8)
  expect(await entriesOfKind(cluster.place, 'grown')).toEqual([])
})

test('a worker whose own budget forbids the growth says so', async () => {
  const cluster = await clusterOfTest(texts(8), ['a'])
  await cluster.open('b', { budget: { parameters: 10 } })
  await cluster.settleOnce()
  await cluster.settleOnce()
  cluster.coordinator.grow({ kind: 'addLayer', at: 1 })
  await expect(cluster.settle()).rejects.toThrow('its learner has not')
})
