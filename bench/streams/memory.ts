/**
 * Whether memory stays flat over a life as the command line lives it: replay, EWC, growth, a growing
 * vocabulary, the record, and checkpoints. Live buffers, used memory and resident size after a life and after
 * one ten times as long.
 */
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Chunk } from '@burgeon/continual'
import { nodeDisk } from '@burgeon/gpt/node'
import { keyFromSeed, RandomStream } from '@burgeon/tensor'
import {
  buildLearner,
  emptyRecord,
  type Life,
  type LifePosition,
  type LifeSettings,
  consume,
  saveLife,
} from 'burgeon/session'
import { atLeast, atMost, type Benchmark } from '../benchmark.ts'

// Garbage that waits to be collected is no leak: it must not count.
setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** Every part that keeps something; all limits are reached in the shorter life. */
const settings: LifeSettings = {
  model: { context: 32, embed: 32, heads: 2, layers: 1, mlpHidden: 32 },
  seed: 1,
  rows: 2,
  learningRate: 1e-3,
  memoryRows: 200,
  rehearsalShare: 1,
  protection: 1,
  plateau: 25,
  maxParameters: 26_000,
  vocabulary: 280,
  watchesBytes: true,
}

/** Most that the process may take with all of it, in MiB; Node alone takes about 60. */
const maxResident = 320

interface Measured {
  readonly buffers: number
  readonly bytes: number
  readonly used: number
  readonly resident: number
  readonly saved: number
}

export const memory: Benchmark = async ({ quick, note }) => {
  const short = quick ? 800 : 2000
  const folder = mkdtempSync(join(tmpdir(), 'burgeon-memory-'))
  const learner = buildLearner(settings)
  const life: Life = { settings, learner, record: emptyRecord(learner.model.parameters.size) }
  const at: Record<number, Measured> = {}
  const stop = new AbortController()
  try {
    await consume(life, endlessText(), {
      heldOut: [{ name: 'text', bytes: textOf(0, 500) }],
      measureEvery: 500,
      onStep: () => {},
      stop: stop.signal,
      async betweenSteps() {
        const { step } = learner
        if (step % 200 === 0) await saveLife(nodeDisk(folder), life)
        if (step !== short && step !== 10 * short) return
        at[step] = measured(life, folder)
        note(`step ${step}: ${JSON.stringify(at[step])}`)
        if (step === 10 * short) stop.abort()
      },
    })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  const [first, last] = [at[short], at[10 * short]]
  const rowOf = (metric: string, key: keyof Measured, unit: string, scale = 1) =>
    ({
      case: `after ${10 * short} steps, peer: after ${short}`,
      metric,
      value: last[key] / scale,
      unit,
      peer: 'shorter life',
      peerValue: first[key] / scale,
      ratio: first[key] / last[key],
    }) as const
  const happened = (kind: string): number => learner.journal.filter((event) => event.kind === kind).length
  return {
    rows: [
      rowOf('live buffers', 'buffers', ''),
      rowOf('bytes in live buffers', 'bytes', 'bytes'),
      rowOf('used by JavaScript and WASM', 'used', 'MiB', 2 ** 20),
      rowOf('resident size', 'resident', 'MiB', 2 ** 20),
      rowOf('checkpoint on disk', 'saved', 'MiB', 2 ** 20),
    ],
    checks: [
      // It has lived what it is to be judged by.
      atLeast('growths', happened('growth'), 2),
      atLeast('consolidations', happened('consolidation'), 2),
      atMost('live buffers, of those of the shorter life', last.buffers / first.buffers, 1.1),
      atMost('used memory, of that of the shorter life', last.used / first.used, 1.1),
      atMost('checkpoint on disk, of that of the shorter life', last.saved / first.saved, 1.5),
      // V8 widens its nursery as a process gets older, so resident size alone says less than what is in use.
      atMost('resident size, of that of the shorter life', last.resident / first.resident, 1.5),
      atMost('resident size, MiB', last.resident / 2 ** 20, maxResident),
    ],
  }
}

function measured({ learner }: Life, folder: string): Measured {
  collectGarbage()
  const { heapUsed, external, rss } = process.memoryUsage()
  const { buffers, bytes } = learner.model.device.memory
  const files = readdirSync(folder).map((name) => statSync(join(folder, name)).size)
  return {
    buffers,
    bytes,
    used: heapUsed + external,
    resident: rss,
    saved: files.reduce((a, b) => a + b, 0),
  }
}

/**
 * Text that never ends and changes its words every 20 kB, so that alarms, consolidations and growth go on.
 */
function* endlessText(): Generator<Chunk<LifePosition>> {
  for (let part = 0; ; part++) {
    const tokens = textOf(part, 4000)
    const file = `part ${part % 10 < 5 ? 'a' : 'b'}`
    yield { domain: 'text', tokens, positionAfter: (used) => ({ file, offset: used }) }
  }
}

/** Words of one of two made-up languages, drawn by their place in the stream. */
function textOf(part: number, bytes: number): Uint8Array {
  const random = new RandomStream(keyFromSeed(part)).named('text')
  const first = part % 10 < 5 ? 97 : 110
  const text = new Uint8Array(bytes)
  for (let i = 0, word = 0, left = 0; i < bytes; i++) {
    if (left === 0) {
      word = random.below(40)
      left = 2 + (word % 5)
      text[i] = 32
      continue
    }
    text[i] = first + ((word * 5 + left * 3) % 13)
    left--
  }
  return text
}
