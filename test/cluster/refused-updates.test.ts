/** An update that is wrong in one way does not count, is told why, and harms nobody. */
import {
  type Blobs,
  bytesOfUpdate,
  ClusterError,
  type ClusterPlace,
  Coordinator,
  type Numbers,
  type UpdateEntry,
  updateFromBytes,
} from '@burgeon/cluster'
import { afterEach, expect, test } from 'vitest'
import { bytesOf, entriesOfKind, type SmallCluster, smallCluster, texts } from './small-cluster.ts'

const clusters: SmallCluster[] = []
afterEach(() => {
  for (const { workers } of clusters.splice(0)) for (const worker of workers.values()) worker.dispose()
})

const mapped = (numbers: Numbers, of: (x: number, i: number) => number): Numbers =>
  Object.fromEntries(
    Object.entries(numbers).map(([path, { shape, data }]) => [path, { shape, data: data.map(of) }]),
  )

/** Four workers, of which `evil` says something else in the place of its first update. */
async function withOneThat(
  does: (entry: UpdateEntry, own: Numbers, blobs: Blobs) => Promise<Partial<UpdateEntry>>,
  count = 32,
): Promise<SmallCluster> {
  const cluster = await smallCluster(texts(count), ['a', 'b', 'c', 'evil'])
  clusters.push(cluster)
  const { log, blobs } = cluster.place
  const own = log.append.bind(log)
  const weights = cluster.coordinator.state.weights
  log.append = async (payload, options) => {
    const entry = JSON.parse(new TextDecoder().decode(payload)) as UpdateEntry
    if (entry.kind !== 'update' || entry.worker !== 'evil' || entry.round > 1) return own(payload, options)
    const numbers = updateFromBytes(await blobs.get(entry.update), weights)
    return own(bytesOf(JSON.stringify({ ...entry, ...(await does(entry, numbers, blobs)) })), options)
  }
  await cluster.settle()
  return cluster
}

const put = async (blobs: Blobs, numbers: Numbers): Promise<Partial<UpdateEntry>> => ({
  update: await blobs.put(bytesOfUpdate(numbers, 'f32', 1)),
})

const first = async (place: ClusterPlace) => (await entriesOfKind(place, 'closed'))[0]

test('the control: an update that is right counts', async () => {
  const { place, coordinator } = await withOneThat(() => Promise.resolve({}))
  const { accepted, refused } = await first(place)
  expect([accepted.length, refused]).toEqual([4, []])
  expect(coordinator.course.learnt).toBe(32)
})

test.each<[string, string, Parameters<typeof withOneThat>[0]]>([
  ['of another version', 'another version', () => Promise.resolve({ version: 'a'.repeat(64) })],
  ['that says more steps than it was given records', '9 steps', () => Promise.resolve({ steps: 9 })],
  ['that left out more than there was', '4 steps and 1 records', () => Promise.resolve({ skipped: 1 })],
  [
    'of numbers that are not finite',
    'not finite',
    (_, own, blobs) =>
      put(
        blobs,
        mapped(own, (x, i) => (i === 3 ? NaN : x)),
      ),
  ],
  [
    'of infinite numbers',
    'not finite',
    (_, own, blobs) =>
      put(
        blobs,
        mapped(own, () => Infinity),
      ),
  ],
  [
    'that stands out',
    'stands out',
    (_, own, blobs) =>
      put(
        blobs,
        mapped(own, (x) => 50 * x),
      ),
  ],
  ['that is not there', 'no bytes', () => Promise.resolve({ update: 'b'.repeat(64) })],
  ['of other bytes', 'no update', async (_, __, blobs) => ({ update: await blobs.put(bytesOf('nonsense')) })],
  [
    'of another model',
    'no update of this model',
    (_, own, blobs) => put(blobs, Object.fromEntries(Object.entries(own).slice(1))),
  ],
  [
    'of parameters of other shapes',
    'another size',
    (_, own, blobs) =>
      put(
        blobs,
        Object.fromEntries(
          Object.entries(own).map(([path, { data }]) => [path, { shape: [data.length, 1], data }]),
        ),
      ),
  ],
])('an update %s is refused', async (_, reason, does) => {
  const { place, coordinator, seen } = await withOneThat(does)
  const { accepted, refused } = await first(place)
  expect(refused).toEqual([{ worker: 'evil', reason: expect.stringContaining(reason) as string }])
  expect(accepted.map(({ worker }) => worker)).toEqual(['a', 'b', 'c'])
  // Its records are learnt after all, and the weights are finite.
  await coordinator.turn({ isLate: true })
  await clusters[0].settle()
  expect(coordinator.course).toMatchObject({ learnt: 32, left: [], refusals: { evil: 1 } })
  expect(Object.values(seen).flat().length).toBe(36)
  expect(Object.values(coordinator.state.weights).every(({ data }) => data.every(Number.isFinite))).toBe(true)
})

test('bytes that are not what their digest says do not count, whatever the store gives', async () => {
  const cluster = await smallCluster(texts(8), ['a', 'b'])
  clusters.push(cluster)
  const { get } = cluster.place.blobs
  await cluster.settleOnce()
  for (const worker of cluster.workers.values()) await worker.turn()
  const [update] = (await entriesOfKind(cluster.place, 'update')).filter(({ worker }) => worker === 'b')
  cluster.place.blobs.get = async (digest) => {
    const bytes = await get(digest)
    if (digest === update.update) bytes[bytes.length - 1] ^= 1
    return bytes
  }
  await cluster.coordinator.turn()
  const { accepted, refused } = await first(cluster.place)
  expect(accepted.map(({ worker }) => worker)).toEqual(['a'])
  expect(refused).toEqual([{ worker: 'b', reason: expect.stringContaining('got bytes of digest') as string }])
})

test('who was refused three times takes part no more', async () => {
  const cluster = await smallCluster(texts(64), ['a', 'b', 'c', 'evil'])
  clusters.push(cluster)
  const { log } = cluster.place
  const own = log.append.bind(log)
  log.append = (payload, options) => {
    const text = new TextDecoder().decode(payload)
    return own(
      text.includes('"worker":"evil","version"')
        ? bytesOf(text.replace(/"steps":\d+/, '"steps":99'))
        : payload,
      options,
    )
  }
  await expect(cluster.settle()).rejects.toThrow(ClusterError)
  await expect(cluster.workers.get('evil')?.turn()).rejects.toThrow('takes part no more')
  expect(cluster.coordinator.course).toMatchObject({ members: ['a', 'b', 'c'], refusals: { evil: 3 } })
  cluster.workers.get('evil')?.dispose()
  cluster.workers.delete('evil')
  await cluster.settle()
  await cluster.coordinator.turn({ isLate: true })
  await cluster.settle()
  expect(cluster.coordinator.course).toMatchObject({ learnt: 64, left: [] })
})

test('entries that have no place in the log change nothing', async () => {
  const cluster = await smallCluster(texts(8), ['a', 'b'])
  clusters.push(cluster)
  await cluster.settleOnce()
  const { version, open } = cluster.coordinator.course
  const before = cluster.coordinator.course
  const strange = [
    'nonsense',
    '{"kind":"other"}',
    JSON.stringify({ kind: 'round', round: 2, version, shares: { a: [[1, 1, 1]] } }),
    JSON.stringify({ kind: 'closed', round: 7, accepted: [], refused: [], version }),
    JSON.stringify({ kind: 'grown', request: { kind: 'addLayer', at: 0 }, key: [0, 1], version }),
    JSON.stringify({ kind: 'left', worker: 'nobody', reason: '' }),
    JSON.stringify({ kind: 'born', settings: before.settings, version }),
    JSON.stringify({
      kind: 'update',
      round: 1,
      worker: 'nobody',
      version,
      update: version,
      steps: 4,
      skipped: 0,
      bitsPerByte: 1,
    }),
  ]
  for (const text of strange) {
    const author = text.includes('"update"') ? 'nobody' : 'coordinator'
    await cluster.place.log.append(bytesOf(text), { author })
  }
  await cluster.coordinator.turn()
  const { position, ...after } = cluster.coordinator.course
  expect({ ...after, position: before.position }).toEqual(before)
  expect(position).toBe(before.position + strange.length)
  expect(open).not.toBeNull()
  await cluster.settle()
  expect((await Coordinator.open(cluster.place)).course.learnt).toBe(8)
})

test('an entry counts only by who may say it', async () => {
  const cluster = await smallCluster(texts(16), ['a', 'b'])
  clusters.push(cluster)
  const { log } = cluster.place
  await cluster.settleOnce()
  const { open, version, position } = cluster.coordinator.course
  const share = open?.shares.b.length ?? 0
  const update = { kind: 'update', round: 1, worker: 'b', version, update: version, steps: share }
  const forged: [string | undefined, object][] = [
    ['a', { ...update, skipped: 0, bitsPerByte: 1 }],
    ['coordinator', { ...update, skipped: 0, bitsPerByte: 1 }],
    [undefined, { ...update, skipped: 0, bitsPerByte: 1 }],
    ['a', { kind: 'left', worker: 'b', reason: 'a says so' }],
    ['a', { kind: 'closed', round: 1, accepted: [], refused: [], version }],
    ['b', { kind: 'closed', round: 1, accepted: [], refused: [], version }],
    ['a', { kind: 'joined', worker: 'c' }],
    ['coordinator', { kind: 'joined', worker: 'coordinator' }],
    [undefined, { kind: 'left', worker: 'b', reason: 'nobody says so' }],
  ]
  for (const [author, entry] of forged) {
    await log.append(bytesOf(JSON.stringify(entry)), author === undefined ? {} : { author })
  }
  await cluster.coordinator.turn()
  const { position: after, ...rest } = cluster.coordinator.course
  expect({ open: rest.open, members: rest.members }).toEqual({ open, members: ['a', 'b'] })
  expect(after).toBe(position + forged.length)
  // The control: by who may say it, the very same counts.
  await log.append(bytesOf(JSON.stringify(forged[3][1])), { author: 'b' })
  await cluster.coordinator.turn()
  expect(cluster.coordinator.course).toMatchObject({ members: ['a'], open: { awaited: ['a'] } })
  await expect(cluster.open('coordinator')).rejects.toThrow('expected another')
})
