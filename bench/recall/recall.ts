/**
 * `npm run bench -- recall --data DIR [--seeds N] [--lives FILE]`: whether a memory beside the weights gives back
 * what was read once, harms nothing, keeps what is needed, and lives through growth.
 *
 * Facts of pseudo-words are read once each among Shakespeare, and asked for after 2,000 steps of other text,
 * together with as many that were never read. The model learns the same with and without the memory, so one life
 * has both losses. Controls: a memory in which the answers are interchanged, and one whose episodes go by lot.
 * Settings were chosen on the first 400 kB and another seed; what is reported is of the text after that.
 *
 * DIR holds `tinyshakespeare.txt`.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { episodicMemory, spellingOf } from '@burgeon/continual'
import { atLeast, atMost, type Benchmark, type BenchmarkRow, mean, UsageError } from '../benchmark.ts'
import { type OnceSeen, onceSeen } from './once-seen.ts'
import { storeLife, type StoreLeft } from './store-life.ts'
import { type Cost, excessOf } from './witness.ts'

interface Outcome {
  readonly plain: OnceSeen
  readonly grown: OnceSeen
  readonly kept: StoreLeft
  readonly byLot: StoreLeft
}

/** Where the text begins that nothing was chosen on. */
const chosenUpTo = 400_000
const heldOutBytes = 8_000

export const recall: Benchmark = async ({ quick, seeds, data, note, once }) => {
  const { train, heldOut } = textsIn(data)
  const life = quick ? { facts: 40, before: 40, between: 100 } : { facts: 150, before: 200, between: 2000 }
  const room = quick ? 2 ** 18 : 500_000
  const outcomes: Outcome[] = []
  for (let seed = 1; seed <= seeds; seed++) {
    const lived = (grows: boolean) =>
      once(`seed ${seed}, ${grows ? 'grows' : 'as it is'}`, () =>
        onceSeen({ ...life, seed, train, heldOut, grows }),
      )
    const stored = (byLot: boolean) =>
      once(`seed ${seed}, ten times its room${byLot ? ', by lot' : ''}`, () =>
        storeLife({ seed, train, room, byLot }),
      )
    const outcome = {
      plain: await lived(false),
      grown: await lived(true),
      kept: await stored(false),
      byLot: await stored(true),
    }
    note(`seed ${seed}: ${JSON.stringify(outcome)}`)
    outcomes.push(outcome)
  }
  const time = timeOf(train.subarray(0, quick ? 50_000 : 400_000))
  const row = (about: string, metric: string, unit: string, of: (one: Outcome) => number): BenchmarkRow => {
    const values = outcomes.map(of)
    return { case: about, metric, value: mean(values), unit, values }
  }
  const of = (rowsOf: (one: Outcome) => number): number => mean(outcomes.map(rowsOf))
  const rows = [
    ...costRows('facts that were read once', ({ plain }) => plain.seen, row),
    ...costRows('facts that were never read', ({ plain }) => plain.unseen, row),
    ...costRows(
      'facts read once, by a memory whose answers are interchanged',
      ({ plain }) => plain.shuffled,
      row,
    ),
    ...costRows('other text', ({ plain }) => plain.text, row),
    row('text that is never learnt', 'the model alone', 'bits/byte', ({ plain }) => plain.heldOut),
    row('text that is never learnt', 'with recall', 'bits/byte', ({ plain }) => plain.mixedHeldOut),
    ...costRows('facts read once, growth in between', ({ grown }) => grown.seen, row),
    row('growth in between', 'parameters', '', ({ grown }) => grown.parameters),
    row('growth in between', 'tokens known', '', ({ grown }) => grown.vocabulary),
    row('ten times its room', 'facts asked for that come to mind', '', ({ kept }) => kept.asked),
    row('ten times its room', 'the same, episodes go by lot', '', ({ byLot }) => byLot.asked),
    row('ten times its room', 'noise, of what is read', '', ({ kept }) => kept.noiseRead),
    row('ten times its room', 'noise, of what is kept', '', ({ kept }) => kept.noise),
    row('ten times its room', 'noise, of what is kept, by lot', '', ({ byLot }) => byLot.noise),
    row('ten times its room', 'saved state, of the room', '', ({ kept }) => kept.saved),
    {
      case: 'a memory of 8 MB',
      metric: 'processor time of reading and remembering',
      value: time,
      unit: 'µs/byte',
    },
  ]
  const shareOf = ({ model, mixed }: Cost): number => mixed / model
  const gainOf = (cost: Cost): number => -excessOf(cost)
  return {
    rows,
    checks: [
      atMost(
        'facts read once, of their loss without recall',
        of(({ plain }) => shareOf(plain.seen)),
        0.25,
      ),
      atMost(
        'facts never read, more bits/byte than without',
        of(({ plain }) => excessOf(plain.unseen)),
        0.05,
      ),
      atMost(
        'other text, more bits/byte than without',
        of(({ plain }) => excessOf(plain.text)),
        0.01,
      ),
      atMost(
        'text never learnt, more bits/byte than without',
        of(({ plain }) => plain.mixedHeldOut - plain.heldOut),
        0.01,
      ),
      atMost(
        'answers interchanged, gain in bits/byte',
        of(({ plain }) => gainOf(plain.shuffled)),
        0.02,
      ),
      atMost(
        'answers interchanged, loss in bits/byte',
        of(({ plain }) => excessOf(plain.shuffled)),
        0.01,
      ),
      atLeast(
        'growth in between, of the gain without',
        of(({ plain, grown }) => gainOf(grown.seen) / gainOf(plain.seen)),
        0.95,
      ),
      atLeast(
        'ten times its room, facts asked for that come to mind',
        of(({ kept }) => kept.asked),
        0.95,
      ),
      atMost(
        'the same, episodes go by lot',
        of(({ byLot }) => byLot.asked),
        0.6,
      ),
      atMost(
        '30 % noise, of what is kept',
        of(({ kept }) => kept.noise),
        0.05,
      ),
      atMost(
        'saved state, of the room',
        of(({ kept }) => kept.saved),
        1.1,
      ),
      atMost('reading and remembering, µs a byte', time, 15),
    ],
  }
}

function costRows(
  about: string,
  costOf: (one: Outcome) => Cost,
  row: (about: string, metric: string, unit: string, of: (one: Outcome) => number) => BenchmarkRow,
): BenchmarkRow[] {
  return [
    row(about, 'the model alone', 'bits/byte', (one) => costOf(one).model / costOf(one).bytes),
    row(about, 'with recall', 'bits/byte', (one) => costOf(one).mixed / costOf(one).bytes),
  ]
}

/** Processor time for each byte of a text longer than there is room for, in rows, by a model that expects nothing. */
function timeOf(text: Uint8Array): number {
  const memory = episodicMemory({ bytes: 8_000_000 })
  const spelling = spellingOf(256)
  const losses = new Float64Array(64).fill(Math.log(256))
  const { user, system } = process.cpuUsage()
  for (let from = 0; from + 65 <= text.length; from += 64) {
    const tokens = Int32Array.from(text.subarray(from, from + 65))
    memory.remember([{ tokens, losses, domain: 'text', origin: null }], spelling)
  }
  const used = process.cpuUsage({ user, system })
  return (used.user + used.system) / text.length
}

function textsIn(data: string | undefined): { train: Uint8Array; heldOut: Uint8Array } {
  if (data === undefined) throw new UsageError('recall: got no --data DIR; expected a folder with a text.')
  const path = join(data, 'tinyshakespeare.txt')
  if (!existsSync(path)) throw new UsageError(`recall: got no ${path}; expected the text there.`)
  const all = new Uint8Array(readFileSync(path))
  return { train: all.subarray(chosenUpTo, -heldOutBytes), heldOut: all.subarray(-heldOutBytes) }
}
