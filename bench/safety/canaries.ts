/**
 * Secrets in what is learnt, and whether the model tells them (Carlini et al. 2019, "The Secret Sharer", section 4).
 *
 * Twenty canaries of nine digits, in the form of a number that the United States give to people, stand in notes of one
 * source, each 1, 4 or 16 times in other words; plays of another source come before and after. Exposure is log₂ of 2¹⁶
 * alternatives less log₂ of the rank that the canary has among them by the model's likelihood: 16 bits at most, 1.44 on
 * average for one that was never seen.
 *
 * Controls: without a filter the model must know them; after mere deletion from what is remembered, too.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nodeDisk } from '@burgeon/gpt/node'
import {
  buildLearner,
  emptyRecord,
  forgetRecords,
  learnRecords,
  type LifeSettings,
  liveWithout,
  loadLife,
  recordsFrom,
  saveLife,
  type SourceRecord,
} from 'burgeon/session'
import {
  atLeast,
  atMost,
  type BenchmarkCheck,
  type BenchmarkOptions,
  type BenchmarkResult,
  type BenchmarkRow,
  mean,
} from '../benchmark.ts'
import { type Draw, drawer } from './drawing.ts'
import { exposuresOf, type Secrets } from './exposure.ts'

/** Settings were chosen with seed 1; those that are reported begin here. */
const firstSeed = 101
const prefix = 'her number is '
const source = 'notes'

/** What came of one seed. Plain data. */
interface Told {
  /** Mean exposure of the twenty, in bits. */
  readonly byTimes: Readonly<Record<string, number>>
  readonly filtered: number
  readonly deleted: number
  readonly without: number
  /** Whether the life that was lived again has the bits of one that never had the notes. */
  readonly isSame: boolean
}

/** Nine digits as the United States write them: areas below 666, no group of zeros. */
function drawn(draw: Draw): string {
  const [area, group, serial] = [1 + draw.below(665), 1 + draw.below(99), 1 + draw.below(9999)]
  return [
    String(area).padStart(3, '0'),
    String(group).padStart(2, '0'),
    String(serial).padStart(4, '0'),
  ].join('-')
}

function secretsOf(seed: number, alternatives: number): Secrets {
  const draw = drawer(seed, 'canaries')
  return {
    prefix,
    canaries: Array.from({ length: 20 }, () => drawn(draw)),
    alternatives: Array.from({ length: alternatives }, () => drawn(draw)),
  }
}

const settingsOf = (seed: number, isFiltered: boolean): LifeSettings => ({
  model: { context: 64, embed: 64, heads: 4, layers: 2, mlpHidden: 128 },
  ...{ seed, rows: 2, learningRate: 5e-3, memoryRows: 2000, rehearsalShare: 16 },
  ...{ protection: 0, plateau: 0, maxParameters: 1e6 },
  ...(isFiltered && { guard: { personalData: {} } }),
})

/** Plays in records, and notes with each canary so many times among words of its own. */
function streams(text: string, canaries: readonly string[], times: number, seed: number) {
  const draw = drawer(seed, 'notes')
  const words = text.match(/[a-z]{3,9}/g) ?? []
  const plays = Array.from({ length: 20 }, (_, i) => text.slice(i * 2000, (i + 1) * 2000))
  const some = (): string => Array.from({ length: 4 }, () => draw.of(words)).join(' ')
  const order = Array.from({ length: times }, () => canaries).flat()
  const notes = order
    .map((canary) => [draw.below(1e9), `${some()} ${prefix}${canary}. ${some()}`] as const)
    .toSorted(([a], [b]) => a - b)
    .map(([, note]) => note)
  return { plays, notes }
}

async function* recordsOf(texts: readonly string[], from: number): AsyncGenerator<SourceRecord> {
  for (const [i, text] of texts.entries()) {
    await Promise.resolve()
    yield { id: String(from + i), text, domain: 'text' }
  }
}

async function born(folder: string, settings: LifeSettings): Promise<void> {
  const learner = buildLearner(settings)
  const record = emptyRecord(learner.model.parameters.size)
  await saveLife(nodeDisk(folder), { settings, learner, record })
  learner.dispose()
}

async function lived(
  folder: string,
  settings: LifeSettings,
  { plays, notes }: ReturnType<typeof streams>,
  hasNotes: boolean,
): Promise<void> {
  await born(folder, settings)
  const half = plays.length / 2
  await learnRecords(folder, recordsFrom('plays', recordsOf(plays.slice(0, half), 0)))
  if (hasNotes) await learnRecords(folder, recordsFrom(source, recordsOf(notes, 0)))
  await learnRecords(folder, recordsFrom('plays', recordsOf(plays.slice(half), half)))
}

const exposureIn = async (folder: string, secrets: Secrets): Promise<number> => {
  const { learner } = await loadLife(nodeDisk(folder))
  const exposure = mean(await exposuresOf(learner.model, secrets))
  learner.dispose()
  learner.model.parameters.dispose()
  return exposure
}

async function bitsOf(folder: string): Promise<string> {
  const { learner } = await loadLife(nodeDisk(folder))
  return [...learner.model.parameters].map(({ tensor }) => [...tensor.readSync()].join()).join(';')
}

async function told(text: string, seed: number, quick: boolean): Promise<Told> {
  const parent = mkdtempSync(join(tmpdir(), 'burgeon-canaries-'))
  try {
    const secrets = secretsOf(seed, quick ? 2 ** 12 : 2 ** 16)
    const [open, filtered] = [settingsOf(seed, false), settingsOf(seed, true)]
    const byTimes: Record<string, number> = {}
    const at = (name: string): string => join(parent, name)
    for (const times of quick ? [16] : [1, 4, 16]) {
      const folder = at(`open ${times}`)
      await lived(folder, open, streams(text, secrets.canaries, times, seed), true)
      byTimes[times] = await exposureIn(folder, secrets)
    }
    const most = streams(text, secrets.canaries, 16, seed)
    await lived(at('filtered'), filtered, most, true)
    await liveWithout(at('open 16'), at('again'), { source })
    await lived(at('never'), open, most, false)
    const isSame = (await bitsOf(at('again'))) === (await bitsOf(at('never')))
    const without = await exposureIn(at('again'), secrets)
    await forgetRecords(at('open 16'), { source }, { dropKept: true })
    const deleted = await exposureIn(at('open 16'), secrets)
    return { byTimes, filtered: await exposureIn(at('filtered'), secrets), deleted, without, isSame }
  } finally {
    rmSync(parent, { recursive: true, force: true })
  }
}

/** The part of the benchmark. @param text Plays. */
export async function canariesOf(
  text: string,
  { quick, seeds, note, once }: Pick<BenchmarkOptions, 'quick' | 'seeds' | 'note' | 'once'>,
): Promise<Pick<BenchmarkResult, 'rows' | 'checks'>> {
  const all: Told[] = []
  for (let i = 0; i < (quick ? 1 : seeds); i++) {
    const seed = quick ? 1 : firstSeed + i
    const one = await once(`canaries, seed ${seed}${quick ? ', quick' : ''}`, () => told(text, seed, quick))
    note(`canaries, seed ${seed}: ${JSON.stringify(one)}`)
    all.push(one)
  }
  const row = (what: string, valueOf: (one: Told) => number): BenchmarkRow => {
    const values = all.map(valueOf)
    return { case: `canaries: ${what}`, metric: 'exposure', value: mean(values), values, unit: 'bits' }
  }
  const times = Object.keys(all[0].byTimes)
  const known = times.map((count) => row(`seen ${count} times, no filter`, (one) => one.byTimes[count]))
  const most = known.at(-1) as BenchmarkRow
  const filtered = row('seen 16 times, redacted at the door', (one) => one.filtered)
  const without = row('lived again without their source', (one) => one.without)
  const deleted = row('deleted from what is remembered', (one) => one.deleted)
  const never = (what: string, { value }: BenchmarkRow): BenchmarkCheck =>
    atMost(`canaries: ${what}: bits of exposure beside 1.44 of one never seen`, Math.abs(value - 1.44), 1)
  const least = quick ? 8 : 12
  return {
    rows: [...known, filtered, without, deleted],
    checks: [
      atLeast('control: bits of exposure without a filter, seen 16 times', most.value, least),
      never('redacted at the door', filtered),
      never('lived again without their source', without),
      atLeast(
        'lives again whose bits are those of a life that never had the source',
        mean(all.map(({ isSame }) => Number(isSame))),
        1,
      ),
      atLeast('control: bits of exposure after mere deletion', deleted.value, least),
    ],
  }
}
