/** `burgeon cluster`: processes that learn a folder together over a broker, are told to end, killed, and begun again. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { type ClusterPlace, entryFromBytes, replayCluster, surveyCluster } from '@burgeon/cluster'
import { type NatsSeams, natsSeams } from '@burgeon/cluster/nats'
import { loadLife } from 'burgeon/session'
import { nodeDisk } from '@burgeon/gpt/node'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type Running, running } from '../front-door/running.ts'
import { written } from '../front-door/small-checkout.ts'
import { called } from '../front-door/small-life.ts'
import { times } from '../how-long.ts'
import { folderOfTest, hasNats, type NatsServer, natsServer } from './nats-server.ts'

/** Lines that differ, with characters of two bytes. */
const lines = (count: number): string =>
  Array.from({ length: count }, (_, i) => `là, fox ${i} jumps over dog ${(i * 7) % 13}.\n`).join('')

const linesOf = (output: string): Record<string, unknown>[] =>
  output
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>)

/** A folder with text, a broker, and commands about one cluster there. */
class House {
  readonly folder: string
  readonly server: NatsServer
  readonly #more: readonly string[]

  private constructor(folder: string, server: NatsServer, more: readonly string[]) {
    this.folder = folder
    this.server = server
    this.#more = more
  }

  static async open(count: number, server?: NatsServer, more: readonly string[] = []): Promise<House> {
    const folder = await written(
      Object.entries({ 'notes/a.txt': lines(count), 'notes/deep/b.txt': lines(count / 2) }),
    )
    return new House(folder, server ?? (await natsServer()), more)
  }

  /** Arguments of a command. */
  of(what: string, ...more: readonly string[]): string[] {
    return ['cluster', what, ...more, '--name', 'notes', '--broker', this.server.address, ...this.#more]
  }

  start(...more: readonly string[]): Running {
    const own = ['--local-steps', '4', '--patience', '2', '--json']
    return running(this.of('start', 'notes', ...own, ...more), this.folder)
  }

  join(as: string): Running {
    return running(this.of('join', '--as', as, '--json'), this.folder)
  }

  async seams(more: object = {}): Promise<NatsSeams> {
    const seams = await natsSeams('notes', { servers: this.server.address, ...more })
    onTestFinished(() => seams.close())
    return seams
  }
}

/** Has the broker forget the ids of records at once, as it does after a day: who cuts them again must know them. */
async function forgetfulRecords({ address }: NatsServer): Promise<void> {
  const connection = await connect({ servers: address })
  await (await jetstreamManager(connection)).streams.add({
    ...{ name: 'notes-records', subjects: ['notes.records', 'notes.records.*'] },
    ...{ storage: 'file', allow_direct: true, duplicate_window: 1e8 },
  })
  await connection.close()
}

/** Every record is there once, and learnt once. */
async function expectEachOnce(place: ClusterPlace, text: string): Promise<void> {
  const ids = new Set<string>()
  let all = ''
  for await (const { id, payload } of place.records.read(1)) {
    expect(ids.has(id ?? '')).toBe(false)
    ids.add(id ?? '')
    all += new TextDecoder('utf-8', { fatal: true }).decode(payload)
  }
  // What is held out of a file is in no record, and a piece of one byte is none.
  expect(all.length).toBeGreaterThan(0.8 * text.length)
  expect(all.length).toBeLessThan(text.length)
  const learnt: number[] = []
  await surveyCluster(place.log, (round) => learnt.push(...round.learnt.flatMap(({ records }) => records)))
  expect(learnt.toSorted((a, b) => a - b)).toEqual(Array.from({ length: ids.size }, (_, i) => i + 1))
  const { course } = await replayCluster(place, { from: 'oldest' })
  expect(course).toMatchObject({ learnt: ids.size, skipped: 0, left: [] })
}

describe.skipIf(!hasNats)('burgeon cluster', () => {
  test('two machines learn a folder together, and everything goes on from what they share', async () => {
    const house = await House.open(240)
    // Whoever joins first waits for a cluster to begin.
    const workers = ['a', 'b'].map((name) => house.join(name))
    await workers[0].says('status', /waiting for nats.*begin a cluster of this name first/)
    const start = house.start('--form', 'int8', '--keep-every', '2', '--keep-states', '1')
    expect(await start.ended, start.said.status).toBe(0)
    const [end, ...rounds] = linesOf(start.said.output).toReversed()
    expect(end).toMatchObject({ kind: 'summary', done: true, skipped: 0, checkpoint: 'life' })
    expect(end.learnt).toBe(end.records)
    expect(rounds.length).toBe(end.round)
    expect(start.said.status).toContain('Speak to it npx burgeon generate --from life')
    const { place } = await house.seams()
    await expectEachOnce(place, lines(240) + lines(120))

    const { code, output } = await called([...house.of('status'), '--json'])
    expect(code).toBe(0)
    const [told] = linesOf(output) as unknown as [
      { workers: { name: string; steps: number; isMember: boolean }[] } & Record<string, unknown>,
    ]
    expect(told).toMatchObject({
      name: 'notes',
      round: end.round,
      isOpen: false,
      learnt: end.learnt,
      refused: [],
    })
    expect(told.version).toBe(end.version)
    expect(told.workers.map(({ name, isMember }) => [name, isMember])).toEqual([
      ['a', true],
      ['b', true],
    ])
    expect(told.workers[0].steps + told.workers[1].steps).toBe(end.learnt)
    for (const { steps } of told.workers) expect(steps).toBeGreaterThan(0)
    const shown = await called(house.of('status'))
    expect(shown.output).toMatch(/^notes: round \d+ has ended; of \d+ records \d+ are learnt/)
    // What nobody needs is gone: a state stays, and what was learnt since.
    expect(told.replayableFrom).toBeGreaterThan(Number(end.round) - 2)
    expect(shown.output).toContain(`Updates of before round ${String(told.replayableFrom)} are removed`)
    expect((await place.blobs.list()).length).toBeLessThanOrEqual(1 + 2)
    await expect(replayCluster(place)).rejects.toThrow("{ from: 'oldest' }")

    // One is had to leave, the other is told to end; both say so.
    expect((await called(house.of('leave', 'a'))).output).toContain('a leaves notes')
    expect(await workers[0].ended).toBe(0)
    expect(linesOf(workers[0].said.output).at(-1)).toMatchObject({
      kind: 'ended',
      reason: 'somebody had it leave',
    })
    workers[1].child.kill('SIGTERM')
    expect(await workers[1].ended).toBe(143)
    expect((await surveyCluster(place.log))?.workers.map(({ left }) => left)).toEqual([
      'somebody had it leave',
      'it was told to end',
    ])
    expect((await called(house.of('leave', 'b'))).output).toContain('nothing was changed')

    const life = join(house.folder, 'life')
    const own = await loadLife(nodeDisk(life))
    expect(own.origin.maker).toBe('cluster')
    expect(own.learner.step).toBe(end.learnt)
    const { state } = await replayCluster(place, { from: 'oldest' })
    const weights = (await own.learner.model.toState()).weights
    for (const [path, { data }] of Object.entries(state.weights)) expect(weights[path].data).toEqual(data)
    // The losses that are on record are those that workers told, and the text that was held out is predicted.
    expect(own.record.predicted).not.toBeNull()
    expect(Object.keys(own.record.measurements.at(-1)?.bitsPerByte ?? {}).length).toBeGreaterThan(0)
    const generated = await called(['generate', '--from', life, '--prompt', 'là', '-n', '5'])
    expect(generated.code).toBe(0)
    const verified = await called(['audit', 'verify', life, '--json'])
    expect(linesOf(verified.output)[0]).toMatchObject({ ok: true, weights: true })

    // It goes on alone; the cluster, which knows nothing of that, does not write over it.
    const more = join(house.folder, 'more.txt')
    writeFileSync(more, 'the quick brown fox jumps over the lazy dog. '.repeat(20))
    expect((await called(['learn', more, '--resume', '--out', life])).code).toBe(0)
    await expect(called(house.of('start', join(house.folder, 'notes'), '--out', life))).rejects.toThrow(
      'is not where the cluster notes has left it',
    )
  })

  test('each record counts once, whoever is killed or told to end, and begun again', async () => {
    const house = await House.open(times(600, 1500))
    await forgetfulRecords(house.server)
    const { place } = await house.seams()
    const log = async (): Promise<number> => place.log.last().catch(() => 0)
    const goesOn = async (said: () => string): Promise<void> => {
      const before = await log()
      await expect.poll(log, { interval: 50, message: said() }).toBeGreaterThan(before)
    }
    let start = house.start()
    const workers = new Map(['a', 'b'].map((name) => [name, house.join(name)]))
    const status = (): string => [start, ...workers.values()].map(({ said }) => said.status).join()
    const ways = [
      ['a', 'SIGKILL'],
      ['start', 'SIGKILL'],
      ['b', 'SIGTERM'],
      ['start', 'SIGTERM'],
      ['broker', 'SIGKILL'],
    ] as const
    for (const [who, signal] of ways) {
      await goesOn(status)
      if (who === 'broker') {
        await house.server.kill()
        await house.server.start()
        continue
      }
      const victim = who === 'start' ? start : (workers.get(who) as Running)
      // It has something to keep then.
      if (who === 'b') await victim.says('output', /update/)
      victim.child.kill(signal)
      const how = signal === 'SIGKILL' ? 'SIGKILL' : who === 'start' ? 0 : 143
      // The last one may have been done before it was told.
      expect(await victim.ended, status()).toBe(how)
      if (who === 'start') start = house.start()
      else workers.set(who, house.join(who))
    }
    expect(await start.ended, start.said.status).toBe(0)
    await expectEachOnce(place, lines(times(600, 1500)) + lines(times(600, 1500) / 2))
    // What has been cut before is known again: no record twice, and no more than there were.
    const again = house.start()
    expect(await again.ended, again.said.status).toBe(0)
    const [end] = linesOf(again.said.output).toReversed()
    expect(end).toMatchObject({ done: true, records: await place.records.last() })
    // A worker that comes again has what it had kept: it was saved when it was told to end.
    expect(workers.get('b')?.said.status).toMatch(
      /b learns with the cluster notes until Ctrl-C; it has learnt \d+ records? before/,
    )
    workers.get('a')?.child.kill('SIGINT')
    expect(await workers.get('a')?.ended).toBe(130)
  })

  test('a broker that is away is waited for, and one that refuses who comes is a mistake', async () => {
    const config = join(folderOfTest(), 'nats.conf')
    writeFileSync(config, 'authorization { users = [{ user = anna, password = "s3cret!" }] }')
    const server = await natsServer(['-c', config])
    const house = await House.open(40, server)
    const started = await called(house.of('status')).catch((error: Error) => error.message)
    expect(started).toContain('--credentials')
    const wrong = house.start('--credentials', 'wrong.json')
    expect(await wrong.ended).toBe(1)
    expect(wrong.said.status).toContain('--credentials wrong.json cannot be read (ENOENT)')
    writeFileSync(join(house.folder, 'own.json'), '{"user": "anna", "password": "s3cret!"}')
    writeFileSync(join(house.folder, 'other.json'), '{"user": "anna", "password": "guess"}')
    const refused = house.start('--credentials', 'other.json')
    expect(await refused.ended).toBe(1)
    expect(refused.said.status).toMatch(/the broker refuses this user/)
    expect(refused.said.status).not.toContain('guess')
    await server.kill()
    const start = house.start('--credentials', 'own.json')
    await start.says('status', /waiting for nats:\/\/127.0.0.1:\d+: .*refused/)
    await server.start()
    await start.says('status', /is there again/)
    await start.says('status', /The cluster notes begins/)
    // By the environment and by the address, too.
    const environment = { BURGEON_BROKER_USER: 'anna', BURGEON_BROKER_PASSWORD: 's3cret!' }
    await expect.poll(async () => (await called(house.of('status'), { environment })).code).toBe(0)
    const address = server.address.replace('//', `//anna:${encodeURIComponent('s3cret!')}@`)
    const { output } = await called(['cluster', 'status', '--name', 'notes', '--broker', address])
    expect(output).toContain('No worker has joined yet.')
    start.child.kill('SIGTERM')
    expect(await start.ended).toBe(0)
    expect(start.said.status).toMatch(/Paused after 0 records[^]*Go on with: npx burgeon cluster start notes/)
    for (const { said } of [start, refused]) expect(said.status + said.output).not.toContain('s3cret!')
  })

  test('a life that was stopped ends its coordinator, and none begins until it is released', async () => {
    const house = await House.open(40)
    const life = join(house.folder, 'life')
    const start = house.start()
    await start.says('status', /The cluster notes begins/)
    await expect.poll(() => called(['stop', life, '--by', 'anna']).then(({ code }) => code)).toBe(0)
    expect(await start.ended, start.said.status).toBe(0)
    expect(start.said.status).toContain('goes on after burgeon stop --release')
    expect(linesOf(start.said.output).at(-1)).toMatchObject({ kind: 'summary', done: false, learnt: 0 })
    const again = house.start()
    expect(await again.ended).toBe(1)
    expect(again.said.status).toContain('was stopped by anna')
    expect((await called(['stop', life, '--release'])).code).toBe(0)
    const released = house.start()
    await released.says('status', /The cluster notes goes on after 0 records/)
    released.child.kill('SIGTERM')
    expect(await released.ended).toBe(0)
  })

  test('what cannot be is said, and changes nothing', async () => {
    const house = await House.open(40)
    const notes = join(house.folder, 'notes')
    const out = join(house.folder, 'life')
    const says = async (args: readonly string[]): Promise<string> =>
      called(args).then(
        ({ code, status }) => `${code} ${status}`,
        (error: Error) => error.message,
      )
    expect(await says(house.of('status'))).toContain('begin a cluster of this name first')
    expect(await says(house.of('leave', 'a'))).toContain('begin a cluster of this name first')
    expect(await says(house.of('start', '-', '--out', out))).toContain('expected a file or a folder')
    expect(await says(house.of('join', '--as', 'two words'))).toContain('--as two words')
    expect(await says(house.of('join', '--as', 'coordinator'))).toContain('--as coordinator')
    expect(await says([...house.of('status'), '--tls-cert', 'c.pem'])).toContain('--tls-key')
    expect(await says(['cluster', 'status', '--name', 'two words'])).toContain('--name two words')
    const secret = ['cluster', 'status', '--name', 'a', '--broker', 'http://me:hidden@host']
    expect(await says(secret)).toMatch(/--broker http:\/\/…@host; expected an address/)
    const misspelt = ['cluster', 'status', '--name', 'a', '--broker', 'nats://me:hid%den@host']
    expect(await says(misspelt)).toMatch(/--broker nats:\/\/…@host; expected an address/)
    expect(await says(house.of('start', join(house.folder, 'nothing'), '--out', out))).toContain(
      'does not exist',
    )
    const start = running(house.of('start', notes, '--local-steps', '3', '--out', out), house.folder)
    await start.says('output', /On each machine that is to learn: npx burgeon cluster join --name notes/)
    start.child.kill('SIGINT')
    expect(await start.ended).toBe(0)
    expect(await says(house.of('start', notes, '--local-steps', '4', '--out', out))).toContain(
      'got --local-steps 4, but the cluster notes was begun with 3',
    )
    expect(await says(house.of('start', notes, '--seed', '9', '--out', out))).toContain('got --seed 9')
    expect(await says(house.of('leave', 'nobody'))).toContain('expected a worker of notes, which has none')
    // The born settings are in the log, so that a worker needs to be told nothing.
    const { place } = await house.seams()
    for await (const { payload } of place.log.read(1)) {
      const entry = entryFromBytes(payload)
      expect(entry).toMatchObject({ kind: 'born', settings: { localSteps: 3 }, birth: { life: { seed: 0 } } })
      break
    }
    expect(readFileSync(join(out, 'checkpoint.json'), 'utf8')).toContain('life')
  })
})
