import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nodeDisk } from '@burgeon/gpt/node'
import { buildLearner, emptyRecord, loadLife, saveLife } from 'burgeon/session'
import { CheckpointError, OptionError } from 'burgeon'
import { afterAll, expect, test } from 'vitest'
import { printed, smallLife, smallText } from './small-life.ts'

const folder = mkdtempSync(join(tmpdir(), 'burgeon-kept-sizes-'))
const place = (name: string): string => join(folder, name)
afterAll(() => rmSync(folder, { recursive: true }))

test('a life that keeps its sizes can be taken up again at each of them', async () => {
  const text = smallText(600)
  const settings = { ...smallLife, vocabulary: 310, plateau: 40, maxParameters: 20_000 }
  writeFileSync(place('text.txt'), text)
  const learner = buildLearner(settings)
  const newLife = { settings, learner, record: emptyRecord(learner.model.parameters.size) }
  await saveLife(nodeDisk(place('life')), newLife)
  await printed('learn', place('text.txt'), '--resume', '--out', place('life'), '--keep-sizes')

  const { learner: now } = await loadLife(nodeDisk(place('life')))
  const sizes = now.model.growthLog.entries.map(({ parametersBefore }) => parametersBefore)
  expect(sizes.length).toBeGreaterThan(1)
  const told = await printed('inspect', '--from', place('life'))
  const kept = [...told.slice(told.indexOf('Kept')).matchAll(/^ *(\d+) +([\d,]+) +[\d,]+ *$/gm)]
  expect(kept.map(([, , parameters]) => Number(parameters.replaceAll(',', '')))).toEqual(sizes)

  for (const [i, [, number]] of kept.entries()) {
    const out = place(`size-${i}`)
    const said = await printed('restore', '--from', place('life'), '--kept', number, '--out', out)
    expect(said).toContain(`--resume --out ${out}`)
    const { learner, record } = await loadLife(nodeDisk(out))
    expect(learner.model.parameters.size).toBe(sizes[i])
    expect(learner.model.growthLog.entries).toEqual(now.model.growthLog.entries.slice(0, i))
    expect(record.bytes).toBeLessThan(text.length)
  }
  // The oldest goes on as the first life went on, and ends as it ended.
  await printed('learn', place('text.txt'), '--resume', '--out', place('size-0'))
  const { learner: again } = await loadLife(nodeDisk(place('size-0')))
  expect(await again.toState()).toEqual(await now.toState())
})

test('what was never kept, and a folder that is taken, are typed errors', async () => {
  const from = ['restore', '--from', place('life')]
  await expect(printed(...from, '--kept', '99', '--out', place('other'))).rejects.toThrow(CheckpointError)
  await expect(printed(...from, '--kept', '1', '--out', place('life'))).rejects.toThrow(OptionError)
})
