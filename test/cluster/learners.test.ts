/** Workers that learn apart and join what they learnt: every record once, the same bits again, whoever comes or goes. */
import { clipByGlobalNorm, sgd } from '@burgeon/autograd/optim'
import {
  BlobError,
  ClusterError,
  type ClusterSettings,
  ClusterWorker,
  Coordinator,
  digestOf,
  dismissWorker,
  entryFromBytes,
  memoryBlobs,
  memoryLog,
  outerFromBytes,
  replayCluster,
  surveyCluster,
  versionOf,
} from '@burgeon/cluster'
import { Learner } from '@burgeon/continual'
import { Gpt } from '@burgeon/gpt'
import { expect, test } from 'vitest'
import {
  bytesOf,
  clusterOfTest,
  entriesOf,
  entriesOfKind,
  type SmallCluster,
  texts,
  weightsOf,
} from './small-cluster.ts'

test('each record is learnt exactly once, and what is learnt is joined', async () => {
  const cluster = await clusterOfTest(texts(24), ['a', 'b', 'c'])
  await cluster.settle()
  const { course, state } = cluster.coordinator
  expect(course).toMatchObject({ learnt: 24, skipped: 0, left: [], dealt: 24, round: 2, open: null })
  expect(Object.values(cluster.seen).flat().toSorted()).toEqual(texts(24).toSorted())
  expect(Object.values(cluster.seen).map(({ length }) => length)).toEqual([8, 8, 8])
  const [first] = await weightsOfAll(cluster)
  for (const weights of await weightsOfAll(cluster)) expect(weights).toEqual(first)
  expect(first).toEqual(state.weights)
  // The controls: the state is another after each round, and better than that of the beginning.
  const [one, two] = await entriesOfKind(cluster.place, 'closed')
  expect(
    new Set([one.version, two.version, (await entriesOfKind(cluster.place, 'born'))[0].version]).size,
  ).toBe(3)
  const told = (await entriesOfKind(cluster.place, 'update')).map(({ round, bitsPerByte }) => [
    round,
    bitsPerByte,
  ])
  const meanOf = (wanted: number): number =>
    told.filter(([round]) => round === wanted).reduce((sum, [, bits]) => sum + bits / 3, 0)
  expect(meanOf(2)).toBeLessThan(meanOf(1))
})

const weightsOfAll = (cluster: SmallCluster): Promise<unknown[]> =>
  Promise.all([...cluster.workers.keys()].map((name) => weightsOf(cluster, name)))

test.each(['f32', 'int8', 'top-k'] as const)(
  'the same log gives the same bits, and so do the same turns: %s',
  async (form) => {
    const lived = async (): Promise<SmallCluster> => {
      const cluster = await clusterOfTest(texts(24), ['a', 'b'], { form, share: 0.1 })
      await cluster.settle()
      return cluster
    }
    const [one, other] = [await lived(), await lived()]
    expect(await entriesOf(other.place)).toEqual(await entriesOf(one.place))
    const replayed = await replayCluster(one.place)
    expect(await versionOf(replayed.state)).toBe(one.coordinator.course.version)
    expect(replayed.course).toEqual(one.coordinator.course)
    expect(replayed.state).toEqual(one.coordinator.state)
  },
)

test('a log that says another state than it leads to is refused', async () => {
  const cluster = await clusterOfTest(texts(8), ['a', 'b'])
  await cluster.settle()
  const [closed] = await entriesOfKind(cluster.place, 'closed')
  const wrong = { ...closed, accepted: closed.accepted.slice(0, 1) }
  const { place } = cluster
  const forged = await clusterOfTest([], [])
  for await (const { author, payload } of place.log.read(2)) {
    const isMeant = entryFromBytes(payload)?.kind === 'closed'
    const options = { author: author ?? '' }
    await forged.place.log.append(isMeant ? bytesOf(JSON.stringify(wrong)) : payload, options)
  }
  for (const digest of await place.blobs.list()) await forged.place.blobs.put(await place.blobs.get(digest))
  await expect(replayCluster(forged.place)).rejects.toThrow(ClusterError)
  await expect(replayCluster(place)).resolves.toMatchObject({ course: { learnt: 8 } })
})

test('a worker that joins late has the shared weights, and a share from then on', async () => {
  const cluster = await clusterOfTest(texts(32), ['a', 'b'])
  for (const name of ['a', 'b']) await cluster.workers.get(name)?.turn()
  await cluster.coordinator.turn()
  await cluster.open('c')
  await cluster.settle()
  await cluster.settle()
  const rounds = await entriesOfKind(cluster.place, 'round')
  expect(rounds.map(({ shares }) => Object.keys(shares).toSorted().join(''))).toEqual(['ab', 'abc', 'abc'])
  expect(Object.values(cluster.seen).flat().toSorted()).toEqual(texts(32).toSorted())
  expect(cluster.seen.c.length).toBeGreaterThan(0)
})

test('a worker that dies leaves its share to others, and joins again by what all share', async () => {
  const cluster = await clusterOfTest(texts(32), ['a', 'b'])
  const dead = cluster.workers.get('b')
  await cluster.settleOnce()
  // It learns its share, and nobody hears of it.
  cluster.workers.delete('b')
  await cluster.settle()
  expect(cluster.coordinator.course.open?.awaited).toEqual(['b'])
  await cluster.coordinator.turn({ isLate: true })
  expect(cluster.coordinator.course).toMatchObject({ members: ['a'], learnt: 4 })
  await cluster.settle()
  dead?.dispose()
  const own = cluster.seen.b
  cluster.seen.b = []
  await cluster.open('b')
  await cluster.settle()
  await cluster.coordinator.turn({ isLate: true })
  await cluster.settle()
  expect(own).toEqual([])
  expect(Object.values(cluster.seen).flat().toSorted()).toEqual(texts(32).toSorted())
  expect(cluster.coordinator.course).toMatchObject({ learnt: 32, left: [] })
  expect(await weightsOf(cluster, 'b')).toEqual(await weightsOf(cluster, 'a'))
})

test('what a dead worker had learnt and not sent is learnt by another, and counts once', async () => {
  const cluster = await clusterOfTest(texts(8), ['a', 'b'])
  await cluster.settleOnce()
  // Its disk of blobs fails just as it wants to send.
  const { put } = cluster.place.blobs
  Object.assign(cluster.place.blobs, { put: () => Promise.reject(new BlobError('disk full')) })
  await expect(cluster.workers.get('b')?.turn()).rejects.toThrow('disk full')
  Object.assign(cluster.place.blobs, { put })
  expect(cluster.seen.b).toHaveLength(4)
  cluster.workers.get('b')?.dispose()
  cluster.workers.delete('b')
  await cluster.settle()
  await cluster.coordinator.turn({ isLate: true })
  await cluster.settle()
  const counted = (await entriesOfKind(cluster.place, 'closed')).flatMap(({ accepted }) => accepted)
  expect(counted.map(({ worker, steps }) => [worker, steps])).toEqual([
    ['a', 4],
    ['a', 4],
  ])
  expect(cluster.coordinator.course.learnt).toBe(8)
})

test('a worker that goes says so, and nobody waits for it', async () => {
  const cluster = await clusterOfTest(texts(16), ['a', 'b'])
  await cluster.settleOnce()
  await cluster.workers.get('b')?.leave('tired')
  cluster.workers.get('b')?.dispose()
  cluster.workers.delete('b')
  await cluster.settle()
  expect(await entriesOfKind(cluster.place, 'left')).toEqual([{ kind: 'left', worker: 'b', reason: 'tired' }])
  expect(cluster.coordinator.course).toMatchObject({ members: ['a'], learnt: 16, left: [] })
})

test('a worker that somebody has leave in its name does not join again, and one that was late does', async () => {
  const cluster = await clusterOfTest(texts(64), ['a', 'b'])
  await cluster.settleOnce()
  await cluster.coordinator.turn({ isLate: true })
  for (const name of ['a', 'b']) await cluster.workers.get(name)?.turn()
  expect(cluster.workers.get('a')?.dismissed).toBeNull()
  await cluster.coordinator.turn()
  expect(cluster.coordinator.course.members).toEqual(['a', 'b'])
  await dismissWorker(cluster.place.log, 'b', 'its machine is wanted')
  await cluster.settle()
  expect(cluster.workers.get('b')?.dismissed).toBe('its machine is wanted')
  expect(cluster.coordinator.course).toMatchObject({ members: ['a'], learnt: 64, left: [] })
  cluster.workers.get('b')?.dispose()
  await cluster.open('b')
  await cluster.settle()
  expect(cluster.coordinator.course.members).toEqual(['a', 'b'])
})

test('a worker whose turn is ended sends nothing of it, and takes another', async () => {
  const cluster = await clusterOfTest(texts(8), ['a'])
  await cluster.settleOnce()
  const stop = new AbortController()
  const worker = cluster.workers.get('a')
  const { observe } = worker?.learner ?? {}
  Object.assign(worker?.learner ?? {}, {
    observe(...args: Parameters<NonNullable<typeof observe>>) {
      stop.abort()
      return observe?.apply(worker?.learner, args)
    },
  })
  expect(await worker?.turn({ signal: stop.signal })).toBe(false)
  expect(cluster.seen.a).toHaveLength(1)
  expect(await entriesOfKind(cluster.place, 'update')).toEqual([])
  await cluster.settle()
  expect(cluster.seen.a).toHaveLength(9)
  expect(cluster.coordinator.course).toMatchObject({ learnt: 8, left: [] })
})

test('a survey tells by the log alone who has learnt what, and who was refused why', async () => {
  const cluster = await clusterOfTest(texts(24), ['a', 'b'])
  expect(await surveyCluster(memoryLog())).toBeNull()
  await cluster.settle()
  await cluster.workers.get('b')?.leave('tired')
  const rounds: [number, string, number][] = []
  const survey = await surveyCluster(cluster.place.log, ({ round, learnt }) => {
    for (const { worker, records } of learnt) rounds.push([round, worker, records.length])
  })
  await cluster.coordinator.turn()
  expect(survey?.course).toEqual(cluster.coordinator.course)
  expect(rounds).toEqual([1, 2, 3].flatMap((round) => ['a', 'b'].map((name) => [round, name, 4])))
  const last = (await entriesOfKind(cluster.place, 'update')).slice(-2)
  expect(survey?.workers).toEqual(
    ['a', 'b'].map((name, i) => ({
      ...{ name, isMember: name === 'a', share: 0, updates: 3, steps: 12, refused: 0 },
      bitsPerByte: last[i].bitsPerByte,
      left: name === 'a' ? null : 'tired',
    })),
  )
  expect(survey?.refused).toEqual([])
})

test('what its founder said of learners reaches whoever makes one', async () => {
  const cluster = await clusterOfTest([], [])
  const place = { log: memoryLog(), records: memoryLog(), blobs: memoryBlobs() }
  const { config, weights } = cluster.coordinator.state
  const model = Gpt.fromState({ config, weights })
  const birth = { seed: 7, nested: { rate: 0.5 } }
  await Coordinator.found(place, model, {}, birth)
  const seen: unknown[] = []
  const open = (of: typeof place): Promise<ClusterWorker> =>
    ClusterWorker.open(of, {
      name: 'a',
      async makeLearner(shared, given) {
        seen.push(given)
        return Promise.resolve(new Learner({ model: shared, optimizer: sgd(0.1) }))
      },
    })
  const workers = [await open(place), await open(cluster.place)]
  expect(seen).toEqual([birth, null])
  for (const worker of workers) worker.dispose()
  model.dispose()
})

test('a coordinator that was killed goes on where it was, and two of them agree', async () => {
  const cluster = await clusterOfTest(texts(24), ['a', 'b'])
  const undisturbed = await clusterOfTest(texts(24), ['a', 'b'])
  await undisturbed.settle()
  for (let isBusy = true; isBusy; ) {
    isBusy = false
    // One that does not know of the other, and a new one for each turn.
    const late = await Coordinator.open(cluster.place)
    for (const worker of cluster.workers.values()) isBusy = (await worker.turn()) || isBusy
    const [one, two] = await Promise.all([
      Coordinator.open(cluster.place).then((own) => own.turn()),
      late.turn(),
    ])
    isBusy ||= one || two
  }
  const closedOf = async ({ place }: SmallCluster) => entriesOfKind(place, 'closed')
  expect(await closedOf(cluster)).toEqual(await closedOf(undisturbed))
  expect((await Coordinator.open(cluster.place)).course.learnt).toBe(24)
})

test('a record that cannot be learnt is left out, and said', async () => {
  const records = texts(8).with(2, 'x').with(5, '')
  const cluster = await clusterOfTest(records, ['a', 'b'])
  await cluster.settle()
  expect(cluster.coordinator.course).toMatchObject({ learnt: 6, skipped: 2, left: [] })
})

test('eight bits stay near what is exact, and what an update leaves out is made up for by the next', async () => {
  const plain = { optimizer: sgd(0.05) }
  const lived = async (settings: ClusterSettings, forgets: boolean = false): Promise<SmallCluster> => {
    const cluster = await clusterOfTest(texts(96), [], { ...settings, momentum: 0, rate: 1 })
    for (let isBusy = true; isBusy; ) {
      // One without momentum has nothing to forget but what was left out.
      if (forgets) for (const worker of cluster.workers.values()) worker.dispose()
      if (forgets || cluster.workers.size === 0)
        for (const name of ['a', 'b']) await cluster.open(name, plain)
      isBusy = await cluster.settleOnce()
    }
    return cluster
  }
  const exact = await lived({})
  const far = distance(exact, await clusterOfTest([], []))
  const distanceOf = async (...args: Parameters<typeof lived>): Promise<number> =>
    distance(exact, await lived(...args)) / far
  expect(await distanceOf({}, true)).toBe(0)
  expect(await distanceOf({ form: 'int8' })).toBeGreaterThan(0)
  expect(await distanceOf({ form: 'int8' })).toBeLessThan(0.01)
  const fed = await distanceOf({ form: 'top-k', share: 0.1 })
  expect(fed).toBeLessThan(0.5 * (await distanceOf({ form: 'top-k', share: 0.1 }, true)))
})

/** Distance of two shared states. */
function distance({ coordinator: a }: SmallCluster, { coordinator: b }: SmallCluster): number {
  const squares = Object.entries(a.state.weights).flatMap(([path, { data }]) =>
    Array.from(data, (x, i) => (x - b.state.weights[path].data[i]) ** 2),
  )
  return Math.sqrt(squares.reduce((sum, x) => sum + x, 0))
}

test('parts of a learner stay with the worker: its optimizer goes on, and clipping has its say', async () => {
  const cluster = await clusterOfTest(texts(16), [], { keepStates: 9 })
  const worker = await cluster.open('a', { strategy: { transforms: [clipByGlobalNorm(1e-9)] } })
  await cluster.settle()
  const before = (await entriesOfKind(cluster.place, 'born'))[0].version
  const born = outerFromBytes(await cluster.place.blobs.get(before))
  expect(await digestOf(await cluster.place.blobs.get(before))).toBe(before)
  expect(worker.learner.step).toBe(16)
  expect(worker.course.version).not.toBe(await versionOf(born))
})
