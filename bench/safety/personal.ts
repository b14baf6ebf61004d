/** Personal data of nobody in fifteen formats, and what looks like it: how much is found, how much is touched. */
import { findPersonalData, redactPersonalData } from '@burgeon/continual'
import {
  atLeast,
  atMost,
  type BenchmarkOptions,
  type BenchmarkResult,
  type BenchmarkRow,
  mean,
} from '../benchmark.ts'
import { lookAlikes } from './look-alikes.ts'
import { type PlacedItem, personalItems } from './personal-items.ts'

/** What was made with seed 1, by which the finders were written, is not among what is reported. */
const firstSeed = 101

/** What of one set was found. Plain data. */
interface Found {
  /** Items of each format, and those that were not found as a whole. */
  readonly missed: Readonly<Record<string, readonly [missed: number, of: number]>>
  readonly touched: Readonly<Record<string, readonly [touched: number, of: number]>>
  /** Items that a redacted text of all of them still has. */
  readonly left: number
}

/** Whether every letter and digit of an item is in a place that was found. */
function isCovered({ text, from, to }: PlacedItem): boolean {
  const spans = findPersonalData(text)
  return Array.from(text.slice(from, to)).every(
    (one, i) =>
      !/[\p{L}\p{N}]/u.test(one) || spans.some((span) => span.from <= from + i && from + i < span.to),
  )
}

const isTouched = ({ text, from, to }: PlacedItem): boolean =>
  findPersonalData(text).some((span) => span.from < to && span.to > from)

function counted(items: readonly PlacedItem[], counts: (item: PlacedItem) => boolean): Found['missed'] {
  const result: Record<string, readonly [number, number]> = {}
  for (const item of items) {
    const [some, all] = result[item.format] ?? [0, 0]
    result[item.format] = [some + Number(counts(item)), all + 1]
  }
  return result
}

function found(count: number, seed: number): Found {
  const items = personalItems(count, seed)
  const whole = redactPersonalData(items.map(({ text }) => text).join('\n\n'))
  return {
    missed: counted(items, (item) => !isCovered(item)),
    touched: counted(lookAlikes(count, seed), isTouched),
    left: items.filter(({ text, from, to }) => to - from > 12 && whole.includes(text.slice(from, to))).length,
  }
}

const shareOf = (counts: Found['missed']): number => {
  const [some, all] = Object.values(counts).reduce(([a, b], [c, d]) => [a + c, b + d], [0, 0])
  return some / all
}

/** The part of the benchmark. */
export async function personalDataOf({
  quick,
  seeds,
  note,
  once,
}: Pick<BenchmarkOptions, 'quick' | 'seeds' | 'note' | 'once'>): Promise<
  Pick<BenchmarkResult, 'rows' | 'checks'>
> {
  const count = quick ? 2000 : 10_000
  const all: Found[] = []
  for (let i = 0; i < (quick ? 1 : seeds); i++) {
    const seed = firstSeed + i
    const one = await once(`personal data, seed ${seed}, ${count}`, () => Promise.resolve(found(count, seed)))
    note(`personal data, seed ${seed}: ${JSON.stringify(one)}`)
    all.push(one)
  }
  const row = (what: string, metric: string, unit: string, valueOf: (one: Found) => number): BenchmarkRow => {
    const values = all.map(valueOf)
    return { case: what, metric, value: mean(values), values, unit }
  }
  const formats = Object.keys(all[0].missed).map((format) =>
    row(
      `personal data: ${format}`,
      'found',
      'of 1',
      ({ missed }) => 1 - missed[format][0] / missed[format][1],
    ),
  )
  const recall = row('personal data', 'found', 'of 1', ({ missed }) => 1 - shareOf(missed))
  const touched = row('look-alikes', 'touched', 'of 1', (one) => shareOf(one.touched))
  const left = row(
    'personal data in one text of all',
    'left after it was redacted',
    'items',
    (one) => one.left,
  )
  return {
    rows: [recall, ...formats, touched, left],
    checks: [
      atLeast(`personal data: share of ${count} items of fifteen formats that is found`, recall.value, 0.995),
      atMost(`personal data: share of ${count} look-alikes that is touched`, touched.value, 0.005),
    ],
  }
}
