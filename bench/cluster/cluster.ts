/**
 * `npm run bench -- cluster --data DIR [--seeds N]`: workers that learn apart and join once in fifty steps, beside
 * workers that take every step together, at equal tokens; and two workers that read two streams.
 *
 * The model has read a while by itself before: DiLoCo does not begin with random weights (Douillard et al. 2023,
 * section 3.1), and a cluster does with a model that is there. All of it is in one process, by the seams of one
 * process: what is counted are the bytes that would cross a network. Settings were chosen on Genesis in French,
 * which is not reported. DIR holds `tinyshakespeare.txt` and `genesis-german.txt`.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ClusterSettings } from '@burgeon/cluster'
import { keyFromSeed, RandomStream } from '@burgeon/tensor'
import { atLeast, atMost, type Benchmark, type BenchmarkRow, mean, UsageError } from '../benchmark.ts'
import { alone, apart, bornWith, byItself, type Ended, inStep, recordBytes } from './lives.ts'

const heldOutBytes = 16_384
const localSteps = 50
/** Rate and momentum of Douillard et al.; on Genesis in French others did no better. */
const outer: ClusterSettings = { localSteps, rate: 0.7, momentum: 0.9 }

/** A text, its end held out. */
interface Text {
  readonly train: Uint8Array
  readonly heldOut: Uint8Array
}

function textIn(data: string | undefined, name: string): Text {
  const file = join(data ?? '', name)
  try {
    const text = new Uint8Array(readFileSync(file))
    return { train: text.subarray(0, -heldOutBytes), heldOut: text.subarray(-heldOutBytes) }
  } catch (cause) {
    throw new UsageError(`cluster: cannot read ${file}; expected --data DIR with that text.`, { cause })
  }
}

/** So many records of a text, one after another, from its beginning again where it ends. */
const recordsOf = ({ train }: Text, count: number): Uint8Array[] =>
  Array.from({ length: count }, (_, i) => {
    const at = (i * (recordBytes - 1)) % (train.length - recordBytes)
    return train.slice(at, at + recordBytes)
  })

/** The bytes of a record in random order. */
function inOtherOrder(record: Uint8Array, seed: number): Uint8Array {
  const random = new RandomStream(keyFromSeed(seed))
  const shuffled = record.slice()
  for (let i = shuffled.length - 1; i > 0; i--) {
    const j = random.below(i + 1)
    const kept = shuffled[i]
    shuffled[i] = shuffled[j]
    shuffled[j] = kept
  }
  return shuffled
}

export const cluster: Benchmark = async ({ data, quick, seeds, note, once }) => {
  const [plays, german] = [textIn(data, 'tinyshakespeare.txt'), textIn(data, 'genesis-german.txt')]
  const before = quick ? 100 : 800
  const all = recordsOf(plays, before + (quick ? 400 : 1600))
  const [first, records] = [all.slice(0, before), all.slice(before)]
  const lives: Record<string, Ended[]> = {}
  const equal: number[] = []
  const add = (name: string, seed: number, ended: Ended): void => {
    note(`seed ${seed}, ${name}: ${ended.losses.map((loss) => loss.toFixed(4)).join(', ')} bits/byte`)
    ;(lives[name] ??= []).push(ended)
  }
  for (let seed = 1; seed <= (quick ? 1 : seeds); seed++) {
    const born = await bornWith(seed, first)
    for (const count of [1, 2, 4]) {
      const name = `${count} in step`
      const held = [plays.heldOut]
      const taken = await once(`seed ${seed}, ${name}`, () => inStep(born, count, records, held))
      add(name, seed, taken)
      const print = await once(`seed ${seed}, ${name}, alone`, () => alone(born, count, records))
      equal.push(Number(print === taken.print))
      for (const form of ['f32', 'int8'] as const) {
        const own = `${count} apart, ${form}`
        add(
          own,
          seed,
          await once(`seed ${seed}, ${own}`, () => apart(born, count, records, held, { ...outer, form })),
        )
      }
    }
    await streams(seed)
  }

  /** Each of two workers reads one of two texts. */
  async function streams(seed: number): Promise<void> {
    const each = quick ? 200 : 800
    const born = await bornWith(seed, [...recordsOf(plays, 50), ...recordsOf(german, 50)])
    const [a, b] = [recordsOf(plays, each), recordsOf(german, each)]
    const heldOut = [plays.heldOut, german.heldOut]
    const mixed = a.flatMap((record, i) => [record, b[i]])
    const joined = await once(`seed ${seed}, streams`, () => apart(born, 2, mixed, heldOut, outer))
    add('two streams, joined', seed, joined)
    // The control: the same bytes in another order teach how often each comes, and no more.
    const shuffled = mixed.map((record, i) => inOtherOrder(record, seed * 100_000 + i))
    const noise = await once(`seed ${seed}, streams shuffled`, () => apart(born, 2, shuffled, heldOut, outer))
    add('two streams, bytes shuffled', seed, noise)
    for (const [name, own] of [
      ['plays alone', a],
      ['German alone', b],
    ] as const) {
      const losses = await once(`seed ${seed}, ${name}`, () => byItself(born, own, heldOut))
      add(name, seed, { losses, bytesPerWorker: 0 })
    }
  }

  const meanOf = (name: string, of: (ended: Ended) => number): number => mean(lives[name].map(of))
  const loss = (name: string, text = 0): number => meanOf(name, ({ losses }) => losses[text])
  const bytes = (name: string): number => meanOf(name, ({ bytesPerWorker }) => bytesPerWorker)
  const rows = Object.entries(lives).flatMap(([name, ended]): BenchmarkRow[] => {
    const held = ended[0].losses.map((_, text): BenchmarkRow => {
      const values = ended.map(({ losses }) => losses[text])
      const what = ended[0].losses.length === 1 ? 'held out' : `held out, ${['plays', 'German'][text]}`
      return { case: name, metric: what, value: mean(values), unit: 'bits/byte', values }
    })
    const sent: BenchmarkRow = {
      case: name,
      metric: 'bytes that a worker sends and receives',
      value: bytes(name),
      unit: 'B',
    }
    return bytes(name) > 0 ? [...held, sent] : held
  })
  const more = (name: string, than: string): number => 100 * (loss(name) / loss(than) - 1)
  return {
    rows,
    checks: [
      atLeast('lives in step that equal one machine to the bit, of all', mean(equal), 1),
      ...[2, 4].flatMap((count) => [
        atMost(
          `${count} apart: loss more than in step, %`,
          more(`${count} apart, f32`, `${count} in step`),
          1,
        ),
        atMost(
          `${count} apart: bytes by those in step, times ${localSteps}`,
          (localSteps * bytes(`${count} apart, f32`)) / bytes(`${count} in step`),
          1,
        ),
        atMost(
          `${count} apart, int8: loss more than f32, %`,
          more(`${count} apart, int8`, `${count} apart, f32`),
          0.5,
        ),
        atMost(
          `${count} apart, int8: bytes by those in step, times ${localSteps}`,
          (localSteps * bytes(`${count} apart, int8`)) / bytes(`${count} in step`),
          1,
        ),
      ]),
      ...['plays', 'German'].map((text, i) =>
        atLeast(
          `control: bytes shuffled less joined, ${text}, bits/byte`,
          loss('two streams, bytes shuffled', i) - loss('two streams, joined', i),
          0.5,
        ),
      ),
      atLeast(
        'two streams: what joining gains on the plays, over who read German alone, bits/byte',
        loss('German alone') - loss('two streams, joined'),
        1,
      ),
      atLeast(
        'two streams: what joining gains on German, over who read the plays alone, bits/byte',
        loss('plays alone', 1) - loss('two streams, joined', 1),
        1,
      ),
    ],
  }
}
