/** Records of a program's own, learnt in its process: which rows they become, and where a life goes on. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { openExperience, type Origin, type StepReport } from '@burgeon/continual'
import { nodeDisk } from '@burgeon/gpt/node'
import {
  learnRecords,
  type LifeSettings,
  loadLife,
  recordsFrom,
  saveLife,
  type SourceRecord,
} from 'burgeon/session'
import { expect, test } from 'vitest'
import { lifeFolder, servedLife } from '../server/small-served.ts'

const settings: LifeSettings = { ...servedLife, memoryRows: 5000, protection: 0 }
async function* given(records: readonly SourceRecord[]): AsyncGenerator<SourceRecord> {
  yield* records
}
const note = (i: number, domain?: string): SourceRecord => ({
  ...{ id: `${i}`, text: `note ${i}`, ...(domain && { domain }) },
})

/** What a saved life has learnt: the origin of each row. */
async function learntBy(folder: string): Promise<readonly Origin[]> {
  const { learner } = await loadLife(nodeDisk(folder))
  const { origins = [] } = learner.strategy.rehearsal?.sample(5000) ?? {}
  return (origins as Origin[]).toSorted((a, b) => a.id - b.id)
}
const bytesOf = async (folder: string): Promise<number> => (await loadLife(nodeDisk(folder))).record.bytes

test('records are learnt in batches of one domain, each byte once, and say where they came from', async () => {
  const folder = await lifeFolder(settings)
  const long = 'a long text, in many rows. '.repeat(20)
  const records = [note(0), note(1), note(2, 'other'), { id: '3', text: long }, note(4)]
  const reports: StepReport[] = []
  const source = recordsFrom('mine', given(records))
  expect(await learnRecords(folder, source, { onStep: (report) => void reports.push(report) })).toBe(true)
  const total = records.reduce((sum, { text }) => sum + text.length, 0)
  expect(await bytesOf(folder)).toBe(total)
  expect(reports.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(total)
  for (const { domains } of reports) expect(new Set(domains).size).toBe(1)
  expect(reports[0].domains).toEqual(['mine', 'mine'])
  const learnt = await learntBy(folder)
  expect(new Set(learnt.map(({ id }) => id))).toEqual(new Set([0, 1, 2, 3, 4]))
  expect(learnt.filter(({ id }) => id === 3)).toHaveLength(Math.ceil(long.length / 64))
  expect(learnt[2]).toEqual({ id: 2, source: 'mine', domain: 'other', at: 12, trust: 1 })
  // The next call learns what is new, and nothing twice.
  const more = [note(4), { id: '9', text: 'note 1' }, note(5)]
  await learnRecords(folder, recordsFrom('mine', given(more)))
  expect((await learntBy(folder)).map(({ id }) => id).filter((id) => id > 3)).toEqual([4, 5])
  expect(await bytesOf(folder)).toBe(total + 6)
})

test('rows that wait for others are learnt after a while, though their source gives no more', async () => {
  const folder = await lifeFolder(settings)
  let learnt = (): void => {}
  const first = new Promise<void>((resolve) => {
    learnt = resolve
  })
  async function* waiting(): AsyncGenerator<SourceRecord> {
    yield note(1)
    await first
    yield note(2)
  }
  await learnRecords(folder, recordsFrom('mine', waiting()), { onStep: () => learnt() })
  expect((await learntBy(folder)).map(({ id }) => id)).toEqual([0, 1])
})

test('a learning that is stopped in the midst of a record goes on in its midst', async () => {
  const folder = await lifeFolder(settings)
  const text = Array.from({ length: 400 }, (_, i) => `word ${i}`).join(', ')
  const stop = new AbortController()
  const records = [{ id: '1', text }, note(2)]
  const options = { signal: stop.signal, onStep: () => stop.abort() }
  expect(await learnRecords(folder, recordsFrom('mine', given(records)), options)).toBe(false)
  const { origin, record } = await loadLife(nodeDisk(folder))
  expect(origin.experience).toMatchObject({ next: 0 })
  expect(record.bytes).toBeLessThan(text.length / 2)
  expect(await learnRecords(folder, recordsFrom('mine', given(records)))).toBe(true)
  expect(await bytesOf(folder)).toBe(text.length + 6)
  expect((await learntBy(folder)).filter(({ id }) => id === 1)).toHaveLength(1)
})

test('what the journal holds beyond the checkpoint is learnt, and nothing of it again', async () => {
  const folder = await lifeFolder(settings)
  const place = nodeDisk(join(folder, 'experience'))
  const journal = await openExperience(place)
  await journal.append(
    [1, 2, 3].map((i) => ({ source: 'mine', key: `${i}`, domain: 'd', text: `note ${i}` })),
  )
  await journal.close()
  await learnRecords(folder, recordsFrom('mine', given([note(2), note(4)])))
  expect((await learntBy(folder)).map(({ id }) => id)).toEqual([0, 1, 2, 3])
  // Taken up somewhere else, without its journal, it begins another one; what it knows of records stays.
  rmSync(place.place, { recursive: true })
  const log: string[] = []
  await learnRecords(folder, recordsFrom('mine', given([note(4), note(5)])), {
    log: (line) => log.push(line),
  })
  expect(log.join()).toContain('the journal of 4 experiences is not in')
  expect((await learntBy(folder)).map(({ id }) => id)).toEqual([0, 0, 1, 2, 3])
})

test('the journal gives back what was learnt, and a life that went back to before it goes on behind it', async () => {
  const folder = await lifeFolder(settings)
  const early = await loadLife(nodeDisk(folder))
  const texts = Array.from({ length: 60 }, (_, i) => ({
    id: `${i}`,
    text: `note ${i}: ${'the same words again and again. '.repeat(8)}`,
  }))
  const learn = (
    records: readonly SourceRecord[],
    log: (line: string) => void = () => {},
  ): Promise<boolean> => learnRecords(folder, recordsFrom('mine', given(records)), { keepBytes: 1000, log })
  const firstOf = async (): Promise<number> => {
    const journal = await openExperience(nodeDisk(join(folder, 'experience')))
    await journal.close()
    return journal.first
  }
  // What comes at once is written at once, into one file.
  for (let from = 0; from < 60; from += 20) await learn(texts.slice(from, from + 20))
  const first = await firstOf()
  expect(first).toBeGreaterThanOrEqual(20)
  expect(first).toBeLessThan(60)
  // Nothing is learnt again for it.
  await learn([...texts, { id: 'last', text: 'the last one' }])
  const learnt = await learntBy(folder)
  expect(learnt.filter(({ id }) => id === 60)).toHaveLength(1)
  const all = [...texts.map(({ text }) => text), 'the last one'].join('').length
  expect(await bytesOf(folder)).toBe(all)
  // The life as it was before it read anything.
  const going = await loadLife(nodeDisk(folder))
  const seen = going.origin.experience?.seen
  early.origin.experience = { next: 3, bytes: 0, seen }
  await saveLife(nodeDisk(folder), early)
  const log: string[] = []
  await learn([], (line) => log.push(line))
  expect(log.join()).toMatch(
    new RegExp(`experiences 3 to ${(await firstOf()) - 1} are no longer in .*learning goes on`),
  )
  expect((await learntBy(folder))[0].id).toBe(await firstOf())
})
