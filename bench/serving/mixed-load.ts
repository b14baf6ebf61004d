/**
 * `npm run bench -- mixed-load`: half an hour of everything that clients do to a server that learns: streams,
 * broken uploads, bodies that are none, clients that are slow or gone; and kill −9 in the middle of it all, after
 * which it is started again. The server is a process of its own, as `burgeon serve` starts it.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nodeDisk } from '@burgeon/gpt/node'
import { keyFromSeed, RandomStream } from '@burgeon/tensor'
import { buildLearner, emptyRecord, type LifeSettings, loadLife, saveLife } from 'burgeon/session'
import { atLeast, atMost, type Benchmark, type BenchmarkResult } from '../benchmark.ts'
import * as clients from './load.ts'
import { ServerProcess } from './server-process.ts'

/** A byte GPT of 0.1 million parameters, which may not grow: growth would hide memory that is lost. */
const settings: LifeSettings = {
  model: { context: 128, embed: 64, heads: 4, layers: 2, mlpHidden: 256 },
  ...{ seed: 1, rows: 2, learningRate: 1e-3, memoryRows: 200, rehearsalShare: 1, protection: 0 },
  ...{ plateau: 0, maxParameters: 1e6 },
}

/** Lessons that a server has answered, against what it has on disk when it was killed. */
class Lessons {
  /** Bytes that every lesson answered so far has taught. */
  answered = 0
  /** Bytes of the lesson that waits for its answer; after a kill, until it is known whether it was learnt. */
  #open = 0
  /** Bytes that were answered and are not there, and those that are there twice. */
  lost = 0
  twice = 0
  count = 0

  /** A client that teaches one text after another, and knows what was answered. */
  readonly client: clients.Client = async ({ url, isUp, random, load }) => {
    if (this.#open > 0 || !isUp()) return clients.pause(100)
    const text = `${'the keeper of the garden counts the seeds. '.repeat(1 + random.below(30))}${this.count}.`
    // The first byte of a text is read and not predicted.
    this.#open = text.length - 1
    const response = await fetch(`${url()}/v1/learn`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ text }),
    })
    const answer = (await response.json()) as { documents?: readonly { bytes: number; saved: boolean }[] }
    load.statuses.set(response.status, (load.statuses.get(response.status) ?? 0) + 1)
    if (response.status === 200) {
      if (answer.documents?.[0]?.saved !== true) load.wrong.push(`a lesson: ${JSON.stringify(answer)}`)
      this.answered += this.#open
      this.count++
    } else if (![429, 503].includes(response.status)) load.wrong.push(`a lesson: ${JSON.stringify(answer)}`)
    this.#open = 0
  }

  /** What is on disk holds everything that was answered, and of the lesson at hand all or nothing. */
  check(onDisk: number): void {
    this.lost += Math.max(0, this.answered - onDisk)
    const more = onDisk - this.answered
    if (more > 0 && more !== this.#open) this.twice += more
    this.answered = onDisk
    this.#open = 0
  }
}

export const mixedLoad: Benchmark = async ({ quick, note }) => {
  const parent = mkdtempSync(join(tmpdir(), 'burgeon-load-'))
  const folder = join(parent, 'life')
  const learner = buildLearner(settings)
  const record = emptyRecord(learner.model.parameters.size)
  await saveLife(nodeDisk(folder), { settings, learner, record })
  const server = new ServerProcess(folder)
  try {
    return await loaded(server, folder, quick, note)
  } finally {
    await server.end('SIGKILL')
    rmSync(parent, { recursive: true, force: true })
  }
}

async function loaded(
  server: ServerProcess,
  folder: string,
  quick: boolean,
  note: (line: string) => void,
): Promise<BenchmarkResult> {
  const [seconds, kills] = quick ? [60, 3] : [1800, 20]
  const load: clients.Load = { statuses: new Map(), broken: new Map(), wrong: [], seconds: [] }
  const lessons = new Lessons()
  const stop = new AbortController()
  let isUp = true
  await server.start()
  const all = [
    ...[lessons.client, clients.asks, clients.asks, clients.asks, clients.streams, clients.streams],
    ...[clients.leaves, clients.nonsense, clients.looks, clients.breaks, clients.dawdles, clients.deaf],
  ]
  const running = clients.runClients(all, 1, {
    ...{ url: () => server.url, stop: stop.signal, isUp: () => isUp, load },
  })
  const start = performance.now()
  const passed = (): number => (performance.now() - start) / 1000
  const random = new RandomStream(keyFromSeed(1)).named('kills')
  // Kills are in the first half: what the last process holds in memory is watched through the other.
  for (let kill = 0; kill < kills; kill++) {
    await clients.pause(1000 * (seconds / 2 / kills) * (0.5 + random.uniform()))
    isUp = false
    await server.end('SIGKILL')
    const { record } = await loadLife(nodeDisk(folder))
    lessons.check(record.bytes)
    await server.start()
    isUp = true
    note(
      `${passed().toFixed(0)} s: killed and started again, ${lessons.count} lessons, ${requestsOf(load)} requests`,
    )
  }
  const memory: number[] = []
  for (const last = passed(); passed() - last < seconds / 2; ) {
    await clients.pause(1000 * (seconds / 200))
    memory.push(await residentBytes(server.url).catch(() => Number.NaN))
  }
  isUp = false
  stop.abort()
  await running
  await server.end('SIGTERM')
  const { record } = await loadLife(nodeDisk(folder))
  lessons.check(record.bytes)
  for (const wrong of load.wrong.slice(0, 20)) note(wrong)
  for (const crash of server.crashes) note(crash)
  return resultOf(load, lessons, server, memory.filter(Number.isFinite), passed(), quick)
}

const requestsOf = ({ statuses }: clients.Load): number =>
  [...statuses.values()].reduce((sum, count) => sum + count, 0)

async function residentBytes(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  return Number(/^process_resident_memory_bytes (\S+)$/m.exec(text)?.[1])
}

function resultOf(
  load: clients.Load,
  lessons: Lessons,
  server: ServerProcess,
  memory: readonly number[],
  seconds: number,
  quick: boolean,
): BenchmarkResult {
  const middle = (values: readonly number[]): number =>
    values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]
  const fifth = Math.floor(memory.length / 5)
  const [early, late] = [middle(memory.slice(fifth, 2 * fifth)), middle(memory.slice(-fifth))]
  const faults = [...load.statuses].filter(([status]) => status >= 500 && status !== 503)
  const times = load.seconds.toSorted((a, b) => a - b)
  const everything = 'everything at once'
  return {
    rows: [
      { case: everything, metric: 'time', value: seconds, unit: 's' },
      { case: everything, metric: 'requests answered', value: requestsOf(load), unit: '' },
      ...[...load.statuses]
        .toSorted(([a], [b]) => a - b)
        .map(([status, value]) => ({ case: everything, metric: `with ${status}`, value, unit: '' })),
      ...[...load.broken].map(([how, value]) => ({
        case: 'broken off by clients',
        metric: how,
        value,
        unit: '',
      })),
      { case: everything, metric: 'lessons answered', value: lessons.count, unit: '' },
      { case: everything, metric: 'short completions, median', value: 1000 * middle(times), unit: 'ms' },
      {
        case: everything,
        metric: 'short completions, 99th of 100',
        value: 1000 * times[Math.floor(0.99 * times.length)],
        unit: 'ms',
      },
      { case: 'after the last kill', metric: 'memory, early', value: early / 2 ** 20, unit: 'MiB' },
      { case: 'after the last kill', metric: 'memory, at the end', value: late / 2 ** 20, unit: 'MiB' },
    ],
    checks: [
      atMost('times that the server ended by itself', server.crashes.length, 0),
      atMost('answers that were wrong', load.wrong.length, 0),
      atMost('answers with 5xx, but 503', faults.length, 0),
      atMost('bytes lost that a lesson was answered for', lessons.lost, 0),
      atMost('bytes learnt twice', lessons.twice, 0),
      atLeast('lessons answered, a minute', lessons.count / (seconds / 60), 1),
      // In half a minute the heap has not come to its size.
      atMost('memory at the end, of that at first', late / early, quick ? 1.5 : 1.15),
      atMost('short completions, 99th of 100, s', times[Math.floor(0.99 * times.length)], 2),
    ],
  }
}
