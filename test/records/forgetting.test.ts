/** What a life was told by a source is forgotten: on disk, and, by living again, in the weights. */
import { existsSync, globSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { openExperience } from '@burgeon/continual'
import { forgetCheckpoint, keepCheckpoint } from '@burgeon/gpt'
import { nodeDisk } from '@burgeon/gpt/node'
import {
  forgetRecords,
  learnRecords,
  type LifeSettings,
  liveWithout,
  loadLife,
  recordsFrom,
  type SourceRecord,
} from 'burgeon/session'
import { CheckpointError, OptionError } from 'burgeon'
import { expect, test } from 'vitest'
import { printed } from '../front-door/small-life.ts'
import { lifeFolder, servedLife } from '../server/small-served.ts'

const settings: LifeSettings = { ...servedLife, memoryRows: 5000, protection: 0 }
const canary = 'the combination of the safe is xylophone'

async function* given(records: readonly SourceRecord[]): AsyncGenerator<SourceRecord> {
  yield* records
}
const notes = (source: string, from: number, to: number): SourceRecord[] =>
  Array.from({ length: to - from }, (_, i) => ({
    id: `${source} ${from + i}`,
    text: `${source === 'stranger' ? canary : 'an ordinary day'}, number ${from + i} of many`,
    domain: 'text',
  }))
const learnt = (folder: string, source: string, from: number, to: number): Promise<boolean> =>
  learnRecords(folder, recordsFrom(source, given(notes(source, from, to))))

/** Where a text still stands in a folder, byte for byte. */
const filesWith = (folder: string, text: string): string[] =>
  globSync('**/*', { cwd: folder }).filter(
    (name) => statSync(join(folder, name)).isFile() && readFileSync(join(folder, name)).includes(text),
  )
const stateOf = async (folder: string): Promise<unknown> =>
  (await loadLife(nodeDisk(folder))).learner.toState()
const sourcesOf = async (folder: string): Promise<string[]> => {
  const { learner } = await loadLife(nodeDisk(folder))
  const { origins = [] } = learner.strategy.rehearsal?.sample(5000) ?? {}
  return [...new Set(origins.map((origin) => origin?.source ?? ''))].toSorted()
}

/** A life that a stranger has told something in between. */
async function told(): Promise<string> {
  const folder = await lifeFolder(settings)
  await learnt(folder, 'diary', 0, 4)
  await learnt(folder, 'stranger', 0, 3)
  await learnt(folder, 'diary', 4, 8)
  return folder
}

test('a source that is forgotten is nowhere on disk, and the life goes on', async () => {
  const folder = await told()
  expect(filesWith(folder, 'xylophone')).not.toEqual([])
  expect(await sourcesOf(folder)).toEqual(['diary', 'stranger'])
  const before = (await loadLife(nodeDisk(folder))).learner
  const forgotten = await forgetRecords(folder, { source: 'stranger' })
  expect(forgotten).toMatchObject({ experiences: 3, dropped: [] })
  expect(Object.values(forgotten.parts)).toEqual([3])
  expect(filesWith(folder, 'xylophone')).toEqual([])
  expect(await sourcesOf(folder)).toEqual(['diary'])
  const after = (await loadLife(nodeDisk(folder))).learner
  expect((await after.toState()).model).toEqual((await before.toState()).model)
  expect(await forgetRecords(folder, { source: 'stranger' })).toEqual({
    ...{ experiences: 0, parts: {}, dropped: [] },
  })
  await learnt(folder, 'diary', 8, 10)
  const journal = await openExperience(nodeDisk(join(folder, 'experience')))
  expect(journal.next).toBe(13)
  await journal.close()
})

test('where no life is, nothing is forgotten and no folder comes of it', async () => {
  const nowhere = join(await lifeFolder(settings), 'nowhere')
  await expect(forgetRecords(nowhere, { source: 'stranger' })).rejects.toThrow(/no checkpoint|nowhere/)
  expect(existsSync(nowhere)).toBe(false)
})

test('checkpoints that were kept hold it too: it is refused, or they go', async () => {
  const folder = await told()
  const disk = nodeDisk(folder)
  const kept = await keepCheckpoint(disk)
  const before = await stateOf(folder)
  await expect(forgetRecords(folder, { source: 'stranger' })).rejects.toThrow(
    new RegExp(`the checkpoints ${kept} were kept.*Nothing was forgotten`),
  )
  expect(await stateOf(folder)).toEqual(before)
  expect(filesWith(folder, 'xylophone')).not.toEqual([])
  expect(await forgetRecords(folder, { source: 'stranger' }, { dropKept: true })).toMatchObject({
    ...{ experiences: 3, dropped: [kept] },
  })
  expect(filesWith(folder, 'xylophone')).toEqual([])
})

test('lived again without it, from its birth or from before it, it has the bits of a life that never learnt it', async () => {
  const never = await lifeFolder(settings)
  await learnRecords(never, recordsFrom('diary', given(notes('diary', 0, 8))))
  const wanted = await stateOf(never)

  const folder = await lifeFolder(settings)
  await learnt(folder, 'diary', 0, 4)
  const kept = await keepCheckpoint(nodeDisk(folder))
  await learnt(folder, 'stranger', 0, 3)
  const late = await keepCheckpoint(nodeDisk(folder))
  await learnt(folder, 'diary', 4, 8)
  expect(await stateOf(folder)).not.toEqual(wanted)
  for (const from of [kept, null]) {
    const out = join(folder, '..', `again ${from}`)
    if (from === null) for (const one of [kept, late]) await forgetCheckpoint(nodeDisk(folder), one)
    expect(await liveWithout(folder, out, { source: 'stranger' })).toEqual({
      ...{ from, experiences: 3, done: true },
    })
    expect(await stateOf(out)).toEqual(wanted)
    expect(filesWith(out, 'xylophone')).toEqual([])
  }
  // Also by number, and once it is forgotten, of which the journal has only gaps.
  const ids = [4, 5, 6]
  const [first, second] = ['by number', 'after'].map((name) => join(folder, '..', name))
  await liveWithout(folder, first, { ids })
  expect(await stateOf(first)).toEqual(wanted)
  await forgetRecords(folder, { ids })
  await liveWithout(folder, second, { source: 'stranger' })
  expect(await stateOf(second)).toEqual(wanted)
})

test('what cannot be lived again is refused, and nothing is written', async () => {
  const folder = await told()
  const out = join(folder, '..', 'out')
  const refused = (what: Parameters<typeof liveWithout>[2], says: string, to = out): Promise<void> =>
    expect(liveWithout(folder, to, what)).rejects.toThrow(says)
  await refused({ source: 'nobody' }, 'nothing of what is meant')
  await refused({ source: 'stranger' }, 'holds a checkpoint already', folder)
  await expect(liveWithout(join(folder, 'none'), out, { source: 'a' })).rejects.toThrow(CheckpointError)
  const nothing: unknown = { sources: 'a' }
  await expect(liveWithout(folder, out, nothing as { source: string })).rejects.toThrow(OptionError)
  const reading = await lifeFolder(settings)
  await printed('learn', join(import.meta.dirname, '../README.md'), '--resume', '--out', reading)
  await learnt(reading, 'stranger', 0, 2)
  await expect(liveWithout(reading, out, { source: 'stranger' })).rejects.toThrow(/has read .*README\.md too/)
  expect(globSync('*', { cwd: out })).toEqual([])
})

test('the command does both, and says what it did', async () => {
  const folder = await told()
  const out = join(folder, '..', 'again')
  const again = await printed('forget', '--from', folder, '--source', 'stranger', '--replay', '--out', out)
  expect(again).toContain('without 3 experiences')
  expect(filesWith(out, 'xylophone')).toEqual([])
  rmSync(out, { recursive: true })
  const said = await printed('forget', '--from', folder, '--id', '4', '--id', '5')
  expect(said).toMatch(/^Forgot 2 experiences .*: 2\)\.\n/)
  expect(said).toContain('--id 4 --id 5 --replay --out FOLDER')
  const json = await printed('forget', '--from', folder, '--source', 'stranger', '--json')
  expect(JSON.parse(json)).toMatchObject({ from: folder, experiences: 1, dropped: [] })
  expect(filesWith(folder, 'xylophone')).toEqual([])
  for (const wrong of [
    [],
    ['--source', 'a', '--id', '1'],
    ['--source', 'a', '--replay'],
    ['--id', '1', '--out', out],
  ])
    await expect(printed('forget', '--from', folder, ...wrong)).rejects.toThrow(OptionError)
})
