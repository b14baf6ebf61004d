/** Reaches inside for disks that fail: what a life on disk logs of itself, what the log proves, and what it never shows. */
import { globSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { AuditError, type AuditEntry, openExperience, readAudit, verifyAudit } from '@burgeon/continual'
import { type GptState, keepCheckpoint, readCheckpoint, writeCheckpoint } from '@burgeon/gpt'
import { nodeDisk } from '@burgeon/gpt/node'
import {
  buildLearner,
  checkLearnt,
  emptyRecord,
  forgetRecords,
  learnRecords,
  type LifeSettings,
  liveWithout,
  loadLife,
  proveLearnt,
  recordsFrom,
  saveLife,
  sleepLife,
  type SourceRecord,
  verifyLifeAudit,
} from 'burgeon/session'
import { expect, test } from 'vitest'
import { memoryDisk } from '../../packages/gpt/src/testing/index.ts'
import { called, printed } from '../front-door/small-life.ts'
import { asking, lifeFolder, servedLife, smallServed } from '../server/small-served.ts'

const settings: LifeSettings = { ...servedLife, memoryRows: 5000, protection: 0 }
const textOf = (i: number): string => `the safe of number ${i} opens with xylophone, day after day`
async function* notes(from: number, to: number): AsyncGenerator<SourceRecord> {
  for (let i = from; i < to; i++) yield { id: `${i}`, text: textOf(i), domain: 'diary' }
}
const learnt = (folder: string, from: number, to: number, source = 'anna') =>
  learnRecords(folder, recordsFrom(source, notes(from, to)))

async function told(more: Partial<LifeSettings> = {}): Promise<string> {
  const folder = await lifeFolder({ ...settings, ...more })
  await learnt(folder, 0, 6)
  return folder
}
const logOf = async (folder: string): Promise<readonly AuditEntry[]> =>
  (await readAudit(nodeDisk(folder))).entries
const kindsOf = async (folder: string): Promise<string[]> => (await logOf(folder)).map(({ kind }) => kind)
const placeOf = async (folder: string) => (await loadLife(nodeDisk(folder))).record.audit?.place
/** Files of a folder that hold a text, byte for byte. */
const filesWith = (folder: string, text: string): string[] =>
  globSync('**/*', { cwd: folder }).filter(
    (name) => statSync(join(folder, name)).isFile() && readFileSync(join(folder, name)).includes(text),
  )

test('each experience is logged once, by its number, and none by its text or source', async () => {
  const folder = await told()
  const entries = (await logOf(folder)).filter(({ kind }) => kind === 'learnt')
  expect(entries.map(({ data }) => data['id'])).toEqual([0, 1, 2, 3, 4, 5])
  expect(entries.map(({ data }) => data['bytes'])).toEqual([0, 1, 2, 3, 4, 5].map((i) => textOf(i).length))
  expect(new Set(entries.map(({ data }) => data['digest'])).size).toBe(6)
  for (const secret of ['xylophone', 'anna', 'diary']) {
    expect(filesWith(folder, secret).filter((name) => name.startsWith('audit-'))).toEqual([])
  }
  const last = (await logOf(folder)).at(-1)
  const { learner, record } = await loadLife(nodeDisk(folder))
  expect(last).toMatchObject({
    kind: 'checkpoint',
    step: learner.step,
    data: {
      parameters: learner.model.parameters.size,
      bytes: record.bytes,
      experience: { next: 6, bytes: 0 },
    },
  })
  expect(await verifyLifeAudit(folder)).toMatchObject({ ok: true, wrong: null, weights: true })
})

test('the same text by the same name has another digest in another life', async () => {
  const [one, other] = [await told(), await told()]
  const digests = async (folder: string) =>
    (await logOf(folder)).flatMap(({ kind, data }) => (kind === 'learnt' ? [data['digest']] : []))
  const all = [...(await digests(one)), ...(await digests(other))]
  expect(new Set(all).size).toBe(all.length)
})

test('a proof shows who has the text that it was learnt, and nobody anything else', async () => {
  const folder = await told()
  const proof = await proveLearnt(folder, 3)
  expect(proof).toMatchObject({ since: [], opening: { source: 'anna', domain: 'diary' } })
  expect(checkLearnt(proof, textOf(3))).toEqual({ holds: true, isOfText: true })
  expect(checkLearnt(proof, textOf(4))).toEqual({ holds: true, isOfText: false })
  expect(checkLearnt(proof)).toEqual({ holds: true, isOfText: null })
  const forged = { ...proof, entry: proof.entry.replace('"id":3', '"id":4') }
  expect(checkLearnt(forged, textOf(3)).holds).toBe(false)
  await expect(proveLearnt(folder, 99)).rejects.toThrow(AuditError)
})

test('what is forgotten cannot be named any more, and that it was forgotten is logged', async () => {
  const folder = await told()
  await learnt(folder, 10, 12, 'bob')
  const before = await proveLearnt(folder, 7)
  const salt = before.opening?.salt ?? 'none'
  expect(filesWith(folder, salt)).not.toEqual([])
  const secret = (await loadLife(nodeDisk(folder))).record.audit?.salt ?? 'none'
  await forgetRecords(folder, { source: 'bob' })
  for (const gone of [salt, secret, textOf(10)]) expect(filesWith(folder, gone)).toEqual([])
  const entry = (await logOf(folder)).find(({ kind }) => kind === 'forget')
  expect(Object.keys(entry?.data ?? {})).toEqual(['source', 'parts', 'dropped'])
  const after = await proveLearnt(folder, 7)
  expect(after).toMatchObject({ opening: null, since: [{ i: entry?.i, kind: 'forget' }] })
  expect(checkLearnt(after, textOf(10))).toEqual({ holds: true, isOfText: null })
  // Others can be named as before.
  expect(checkLearnt(await proveLearnt(folder, 2), textOf(2)).isOfText).toBe(true)
  expect((await verifyLifeAudit(folder)).ok).toBe(true)
})

test('growth, sleep and what sleep undid are logged with their cause, and weights that others put there are noticed', async () => {
  const folder = await told({ plateau: 8, maxParameters: 40_000, learningRate: 1e-5 })
  await learnt(folder, 100, 300)
  await sleepLife(folder, { steps: 50 })
  const { record, learner } = await loadLife(nodeDisk(folder))
  const logged = (await logOf(folder)).filter(({ kind }) =>
    ['growth', 'sleep', 'undone', 'housekeeping'].includes(kind),
  )
  const happened = record.events
    .map(({ event }) => event)
    .filter(({ kind }) => logged.some((one) => one.kind === kind))
  expect(happened.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['growth', 'sleep']))
  expect(logged.map(({ kind, step, data }) => [kind, step, data['summary']])).toEqual(
    happened.map(({ kind, step, summary }) => [kind, step, summary]),
  )
  expect(logged.findLast(({ kind }) => kind === 'growth')?.data['parameters']).toBe(
    learner.model.parameters.size,
  )
  expect((await verifyLifeAudit(folder)).weights).toBe(true)
  const parts = await readCheckpoint(nodeDisk(folder))
  const { weights } = parts['model'] as GptState
  const [some] = Object.values(weights)
  some.data[0] += 1
  await writeCheckpoint(nodeDisk(folder), parts)
  expect(await verifyLifeAudit(folder)).toMatchObject({ ok: false, wrong: null, weights: false })
})

test('a life that goes back says what of its log is undone, and proves nothing by it', async () => {
  const folder = await told()
  const kept = await keepCheckpoint(nodeDisk(folder))
  await learnt(folder, 20, 23)
  expect((await proveLearnt(folder, 7)).index).toBeGreaterThan(0)
  const again = join(folder, '../again')
  expect((await called(['restore', '--from', folder, '--kept', `${kept}`, '--out', again])).code).toBe(0)
  await expect(proveLearnt(again, 7)).rejects.toThrow('no entry that holds')
  expect((await proveLearnt(again, 2)).index).toBe((await proveLearnt(folder, 2)).index)
  await learnt(again, 30, 31)
  const kinds = await kindsOf(again)
  const before = await kindsOf(folder)
  expect(kinds).toEqual([...before, 'restored', 'resumed', 'learnt', 'checkpoint'])
  const entries = await logOf(again)
  expect(entries[before.length + 1].data).toMatchObject({ from: { series: 0 }, to: before.length })
  expect((await verifyLifeAudit(again)).ok).toBe(true)
  // Its journal is a new one, which begins with 0.
  expect(checkLearnt(await proveLearnt(again, 0), textOf(30)).isOfText).toBe(true)
})

test('a life that is lived again without somebody says so', async () => {
  const folder = await told()
  await learnt(folder, 10, 12, 'bob')
  const out = join(folder, '../without')
  await liveWithout(folder, out, { source: 'bob' })
  expect((await kindsOf(out)).slice(0, 3)).toEqual(['settings', 'lived again', 'checkpoint'])
  expect(checkLearnt(await proveLearnt(out, 5), textOf(5)).isOfText).toBe(true)
  await expect(proveLearnt(out, 6)).rejects.toThrow(AuditError)
})

test('lessons, feedback and rollbacks of a server are logged, without their texts', async () => {
  const folder = await lifeFolder({ ...settings, feedback: 10 })
  const { ask } = await asking({}, await smallServed(folder))
  await ask('/v1/learn', { text: textOf(1), domain: 'secret talks' })
  const { json } = await ask('/v1/checkpoints', {})
  await ask('/v1/learn', { text: textOf(2).repeat(3) })
  const answer = await ask('/v1/completions', { model: 'life', prompt: textOf(3), max_tokens: 5 })
  await ask('/v1/feedback', { response_id: answer.json['id'], label: true })
  await ask(`/v1/checkpoints/${String(json['kept'])}/rollback`, {})
  const kinds = await kindsOf(folder)
  expect(kinds.filter((kind) => kind !== 'checkpoint')).toEqual([
    ...['settings', 'lesson', 'lesson', 'feedback', 'resumed', 'rollback'],
  ])
  expect(filesWith(folder, 'secret talks').filter((name) => name.startsWith('audit-'))).toEqual([])
  expect((await verifyLifeAudit(folder)).ok).toBe(true)
})

test('a checkpoint and its log are consistent whatever call of the disk is the last', async () => {
  const first = memoryDisk()
  const small = { ...settings, memoryRows: 0, rehearsalShare: 0 }
  const newLife = () => {
    const learner = buildLearner(small)
    return { settings: small, learner, record: emptyRecord(learner.model.parameters.size) }
  }
  await saveLife(first, newLife())
  const { calls, files } = first
  const goOn = async (disk: typeof first): Promise<void> => {
    const life = await loadLife(disk)
    life.record.audit?.pending.push({ kind: 'approval', step: 1, data: { by: 'anna' } })
    await saveLife(disk, life)
  }
  const plain = memoryDisk(undefined, files)
  await goOn(plain)
  expect(calls).toBeGreaterThan(8)
  for (const how of ['before', 'torn', 'after'] as const) {
    for (let at = 0; at < plain.calls; at++) {
      const disk = memoryDisk({ at, how, power: 'cut' }, files)
      await goOn(disk).catch(() => {})
      for (const survives of [() => true, () => false]) {
        const found = disk.afterPowerCut(survives)
        const { record } = await loadLife(found)
        const { entries } = await readAudit(found)
        expect(await verifyAudit(found, record.audit ? { place: record.audit.place } : {})).toMatchObject({
          ok: true,
          series: 0,
        })
        // The new checkpoint is not there without its entries.
        expect(entries.length).toBeGreaterThanOrEqual(record.audit?.place.size ?? Infinity)
        await goOn(found)
        const kinds = (await readAudit(found)).entries.map(({ kind }) => kind)
        const isAhead = entries.length > (record.audit?.place.size ?? 0)
        expect(kinds.slice(entries.length)).toEqual([
          ...(isAhead ? ['resumed'] : []),
          'approval',
          'checkpoint',
        ])
      }
    }
  }
})

test('burgeon audit: a whole log, its head, proofs, and whatever was changed', async () => {
  const folder = await told()
  const head = (await printed('audit', 'head', folder)).trim()
  const whole = await printed('audit', 'verify', folder, '--head', head)
  expect(whole).toContain('is whole')
  expect(whole).toContain('1 of 1 heads hold')
  expect(await printed('audit', 'verify', folder)).toContain('cannot be seen')
  const proof = join(folder, 'proof.json')
  writeFileSync(proof, await printed('audit', 'prove', folder, '3'))
  const text = join(folder, 'text.txt')
  writeFileSync(text, `${textOf(3)}\n`)
  const checked = ['audit', 'check', proof, '--text', text, '--head', head]
  expect(await printed(...checked)).toContain('It is of that text.')
  writeFileSync(text, textOf(4))
  expect((await called(checked)).code).toBe(3)
  expect((await called(['audit', 'check', proof, '--head', `${'0'.repeat(64)}:3`])).code).toBe(3)
  await expect(called(['audit', 'verify', folder, '--head', 'abc'])).rejects.toThrow('expected 64')
  await expect(called(['audit', 'check', text])).rejects.toThrow('holds no proof')
  writeFileSync(text, 'null')
  await expect(called(['audit', 'check', text])).rejects.toThrow('holds no proof')
  const [log] = globSync('audit-*', { cwd: folder })
  const bytes = readFileSync(join(folder, log), 'utf8')
  writeFileSync(join(folder, log), bytes.replace('"id":2', '"id":7'))
  const { code, output } = await called(['audit', 'verify', folder, '--json'])
  expect(code).toBe(3)
  await expect(called(['audit', 'head', folder])).rejects.toThrow(AuditError)
  await expect(called(['audit', 'prove', folder, '1'])).rejects.toThrow(AuditError)
  expect(JSON.parse(output)).toMatchObject({ ok: false, wrong: { from: 4, to: 4, place: { file: log } } })
  expect((await placeOf(folder))?.size).toBeGreaterThan(3)
})

test('a salt is kept in the journal with its text, and comes along', async () => {
  const folder = await told()
  const journal = await openExperience(nodeDisk(join(folder, 'experience')))
  for await (const { salt } of journal.read(0)) expect(salt).toMatch(/^[0-9a-f]{32}$/)
  await journal.close()
})

test('what a guard decides is logged with its reason, and by a digest of the source', async () => {
  const guard = { provenance: { unknown: 0.5 }, novelRepetition: { most: 1 } } as const
  const folder = await lifeFolder({ ...settings, guard })
  await learnt(folder, 0, 40, 'stranger')
  const { record } = await loadLife(nodeDisk(folder))
  const decided = record.events.filter(({ event }) => event.kind === 'guard')
  expect(decided.length).toBeGreaterThan(0)
  const logged = (await logOf(folder)).filter(({ kind }) => kind === 'guard')
  expect(logged).toHaveLength(decided.length)
  expect(Object.keys(logged[0].data)).toEqual(['part', 'data', 'parameters'])
  expect(filesWith(folder, 'stranger').filter((name) => name.startsWith('audit-'))).toEqual([])
})
