/** The model card of a life: what the life says of itself, what somebody states, and nothing else. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { learnRecords, loadLife, recordsFrom, saveLife } from 'burgeon/session'
import { nodeDisk } from '@burgeon/gpt/node'
import { expect, test } from 'vitest'
import { lifeFolder, servedLife } from '../server/small-served.ts'
import { called, folderWithLife, printed, smallText } from './small-life.ts'

async function* notes(from: number, to: number) {
  for (let i = from; i < to; i++) yield { id: `${i}`, text: `note ${i} of a long | day`, domain: 'a|b' }
}

test('a life that has lived says its sizes, sources, losses and growth, and what nobody stated', async () => {
  const folder = await folderWithLife({ 'notes/a.txt': smallText(60) })
  await called(['learn', join(folder, 'notes'), '--resume', '--out', join(folder, 'life')])
  const life = join(folder, 'life')
  const text = await printed('card', life)
  const { learner, record } = await loadLife(nodeDisk(life))
  expect(text).toContain(`| parameters | ${learner.model.parameters.size.toLocaleString('en')} |`)
  expect(text).toContain(`${record.bytes.toLocaleString('en')} bytes in ${learner.step} steps`)
  expect(text).toMatch(/\| .*notes.* \| 1 \| [\d,]+ \|/)
  expect(text).toContain('100.0 %')
  expect(text).toContain('License: Not stated.')
  expect(text).toContain('## Out-of-scope use\n\nNot stated.')
  expect(text).toContain('It keeps no account of how sure it may be.')
  expect(text).toContain('Audit log: whole')
  expect(text).not.toMatch(/^license:|^language:/m)
  const [head] = (await printed('audit', 'head', life)).trim().split('\n')
  expect(text).toContain(head)
})

test('what is stated stands in the card and in the metadata, and cannot break out of it', async () => {
  const folder = await lifeFolder()
  const out = join(folder, 'CARD.md')
  const stated = [
    '--license',
    'mit',
    '--language',
    'en',
    '--language',
    'de',
    '--not-for',
    'advice\n## to *others*',
  ]
  expect((await called(['card', folder, '--out', out, '--name', 'n|m', ...stated])).code).toBe(0)
  const text = readFileSync(out, 'utf8')
  expect(text).toMatch(
    /^---\nlibrary_name: burgeon\npipeline_tag: text-generation\nlicense: "mit"\nlanguage: \["en","de"\]\n/,
  )
  expect(text).toContain('- advice \\#\\# to \\*others\\*')
  expect(text).toContain('# n\\|m')
  // A card of ours is written anew; another file is not.
  expect((await called(['card', folder, '--out', out])).code).toBe(0)
  writeFileSync(out, 'mine')
  await expect(called(['card', folder, '--out', out])).rejects.toThrow('no card of ours')
  expect(readFileSync(out, 'utf8')).toBe('mine')
})

test('growth is held against what was declared before the life began', async () => {
  const settings = { ...servedLife, plateau: 8, maxParameters: 12_500, learningRate: 1e-5, protection: 0 }
  const folder = await lifeFolder(settings)
  await learnRecords(folder, recordsFrom('diary', notes(0, 120)))
  const card = async () => JSON.parse(await printed('card', folder, '--json'))
  const within = await card()
  expect(within.growth.events.length).toBeGreaterThan(0)
  expect(within.growth.now).toBeGreaterThan(within.growth.born)
  expect(within.data).toMatchObject({ experiences: 120, domains: [{ name: 'a|b', share: 1 }] })
  expect(within.changes).toMatchObject({ declared: { maxParameters: 12_500 }, isWithin: true })
  // Whoever raises the budget later cannot have it look as if it had been so.
  const disk = nodeDisk(folder)
  await saveLife(disk, await loadLife(disk, { maxParameters: 60_000 }))
  await learnRecords(folder, recordsFrom('more', notes(200, 500)))
  const beyond = await card()
  expect(beyond.growth.now).toBeGreaterThan(12_500)
  expect(beyond.changes).toMatchObject({
    ...{ declared: { maxParameters: 12_500 }, now: { maxParameters: 60_000 }, isWithin: false },
  })
  const text = await printed('card', folder)
  expect(text).toContain('**has gone beyond**')
  expect(text).toContain('| maxParameters | 12500 | 60000 | changed since |')
  expect(text).toContain('a\\|b')
})

test('a log that is not whole declares nothing', async () => {
  const folder = await lifeFolder()
  const log = join(folder, 'audit-0-000000000000-0.jsonl')
  writeFileSync(log, readFileSync(log, 'utf8').replace('"maxParameters":20000', '"maxParameters":90000'))
  const text = await printed('card', folder)
  expect(text).toContain('**not whole**')
  expect(text).toContain('| maxParameters | ? | 20000 |  |')
})
