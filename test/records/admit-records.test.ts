/** Reaches inside: the way of records into the journal, with sources and disks that fail. */
import { type ExperienceJournal, openExperience } from '@burgeon/continual'
import { describe, expect, test } from 'vitest'
import { admitRecords } from '../../packages/burgeon/src/sources/records/admit-records.ts'
import { recordsFrom } from '../../packages/burgeon/src/sources/records/iterable-source.ts'
import type {
  OpenRecords,
  RecordSource,
  SourceRecord,
} from '../../packages/burgeon/src/sources/records/record-source.ts'
import { seenRecords } from '../../packages/burgeon/src/sources/records/duplicates/seen-records.ts'
import { memoryDisk } from '../../packages/gpt/src/testing/index.ts'
import { collected } from '../experience/collected.ts'

const note = (i: number): SourceRecord => ({ id: `${i}`, text: `text ${i}` })
const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i)
async function* given(records: readonly SourceRecord[]): AsyncGenerator<SourceRecord> {
  yield* records
}

/** Journal, what was said, and a way to admit. */
async function admitting(disk = memoryDisk()) {
  const journal = await openExperience(disk, { segmentBytes: 2000 })
  const said: string[] = []
  const stop = new AbortController()
  const seen = seenRecords()
  const admit = (source: RecordSource, from = 0) =>
    admitRecords(source, {
      ...{ journal, seen, from, stop: stop.signal, pause: () => 1 },
      note: (line) => said.push(line),
    })
  return { disk, journal, said, stop, seen, admit }
}
const textsIn = async (journal: ExperienceJournal): Promise<string[]> =>
  (await collected(journal.read(journal.first))).map(({ text }) => text)

describe('records', () => {
  test('are in the journal before their source is told so, and are handed on in order', async () => {
    const { journal, admit } = await admitting()
    const told: string[] = []
    const records = upTo(300).map(
      (i): SourceRecord => ({
        ...note(i),
        async acknowledge() {
          expect(await textsIn(journal)).toContain(`text ${i}`)
          told.push(`${i}`)
        },
      }),
    )
    const all = await collected(admit(recordsFrom('mine', given(records))))
    expect(all.map(({ key }) => key)).toEqual(upTo(300).map(String))
    expect(all[7]).toMatchObject({ text: 'text 7', origin: { id: 7, source: 'mine', domain: 'mine' } })
    expect(told).toEqual(upTo(300).map(String))
  })
  test('that all came before, and never end, are read no longer than until they are stopped', async () => {
    const { stop, admit } = await admitting()
    let read = 0
    const most = 300_000
    async function* again(): AsyncGenerator<SourceRecord> {
      for (; read < most; read++) yield note(1)
    }
    setTimeout(() => stop.abort(), 50)
    expect(await collected(admit(recordsFrom('mine', again())))).toHaveLength(1)
    expect(read).toBeLessThan(most)
  })
  test('that came before, or are empty, are told of and left out, and that is said', async () => {
    const { said, admit } = await admitting()
    let told = 0
    const acknowledge = (): void => void told++
    const records = [
      note(1),
      note(1),
      { id: '2', text: 'text 1' },
      { text: '' },
      { id: '3', text: 'x', domain: 'y' },
    ]
    const all = await collected(
      admit(recordsFrom('mine', given(records.map((record) => ({ ...record, acknowledge }))))),
    )
    expect(all.map(({ text, origin }) => [text, origin.domain])).toEqual([
      ['text 1', 'mine'],
      ['x', 'y'],
    ])
    expect(told).toBe(5)
    expect(said).toEqual(['3 records were left out: empty, or known before'])
    expect(await collected(admit(recordsFrom('mine', given([note(1), note(9)])), 2))).toMatchObject([
      { key: '9' },
    ])
  })
  test('of the journal come first, from where they were left', async () => {
    const { journal, admit } = await admitting()
    await journal.append(upTo(5).map((i) => ({ source: 's', domain: 'd', text: `old ${i}` })))
    const all = await collected(admit(recordsFrom('mine', given([note(1)])), 3))
    expect(all.map(({ text }) => text)).toEqual(['old 3', 'old 4', 'text 1'])
  })
  test('are asked for no faster than they are learnt', async () => {
    const { admit } = await admitting()
    let asked = 0
    async function* endless(): AsyncGenerator<SourceRecord> {
      for (;;) yield note(asked++)
    }
    const learnt = admit(recordsFrom('mine', endless()))
    for (let i = 0; i < 600; i++) await learnt.next()
    // It has been given time, and keeps some hundreds ahead.
    for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve))
    expect(asked).toBeGreaterThanOrEqual(600)
    expect(asked).toBeLessThan(600 + 256 + 2 * 257)
    await learnt.return()
  })
  test('that are none end it, in words', async () => {
    const { admit } = await admitting()
    const wrong = recordsFrom('mine', given([note(1), { id: 3, text: 'x' } as never]))
    await expect(collected(admit(wrong))).rejects.toThrow(/of a source; expected { text }/)
  })
})

/** A source that gives a record a time, fails after each, and goes on from the last id. */
function failing(last: number): RecordSource & { readonly opened: (string | undefined)[] } {
  const opened: (string | undefined)[] = []
  async function* open({ lastId }: OpenRecords): AsyncGenerator<SourceRecord> {
    opened.push(lastId)
    const next = lastId === undefined ? 0 : Number(lastId) + 1
    if (next > last) return
    if (opened.length % 3 !== 0) yield note(next)
    throw new Error('broke off.')
  }
  return { name: 'failing', reopens: true, open, opened }
}

describe('a source that fails', () => {
  test('is opened again from its last record, and that is said once in a row', async () => {
    const { said, admit } = await admitting()
    const source = failing(5)
    const all = await collected(admit(source))
    expect(all.map(({ key }) => key)).toEqual(upTo(6).map(String))
    expect(source.opened.slice(0, 2)).toEqual([undefined, '0'])
    expect(source.opened.length).toBeGreaterThan(7)
    expect(said.every((line) => line === 'broke off. It is asked again, and again if need be.')).toBe(true)
    expect(said).toHaveLength(6)
  })
  test('ends the learning if it cannot be opened again, after all it gave', async () => {
    const { admit } = await admitting()
    async function* broken(): AsyncGenerator<SourceRecord> {
      yield note(1)
      throw new Error('broke off.')
    }
    const learnt = admit(recordsFrom('mine', broken()))
    expect((await learnt.next()).value).toMatchObject({ key: '1' })
    await expect(learnt.next()).rejects.toThrow('broke off.')
  })
  test('that never gives anything ends when it is stopped', async () => {
    const { stop, admit } = await admitting()
    const silent: RecordSource = {
      name: 'silent',
      reopens: true,
      open: () => ({ [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }) }),
    }
    const learnt = collected(admit(silent))
    stop.abort()
    expect(await learnt).toEqual([])
  })
})

test('a disk that is full is asked again, and nothing is told to the source before', async () => {
  for (let at = 2; at < 8; at++) {
    for (const how of ['before', 'torn', 'after'] as const) {
      const { said, disk, journal, admit } = await admitting(memoryDisk({ at, how, power: 'stays' }))
      const onDisk = (): string =>
        [...disk.files.values()].map((bytes) => new TextDecoder().decode(bytes)).join('')
      const told: number[] = []
      const records = upTo(6).map(
        (i): SourceRecord => ({
          ...note(i),
          acknowledge() {
            expect(onDisk()).toContain(`"text ${i}"`)
            told.push(i)
          },
        }),
      )
      async function* slowly(): AsyncGenerator<SourceRecord> {
        for (const record of records) {
          yield record
          await new Promise((resolve) => setImmediate(resolve))
        }
      }
      const all = await collected(admit(recordsFrom('mine', slowly())))
      expect(all.map(({ key }) => key)).toEqual(upTo(6).map(String))
      expect(told).toEqual(upTo(6))
      // Where nothing failed so far, this does.
      const found = await textsIn(journal).catch(() => textsIn(journal))
      expect(found).toEqual(upTo(6).map((i) => `text ${i}`))
      expect(said.length).toBeLessThanOrEqual(1)
    }
  }
})
