// Reaches inside: what is tested here is a part of its package, not an entry point.
/** A folder may hold more files than a function takes arguments, and than may be looked through once for each of them. */
import { createHash } from 'node:crypto'
import { linkSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { extendJournal, joinBatches, type LearnerEvent } from '@burgeon/continual'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { SourceNotes } from '../../packages/burgeon/src/terminal/source-notes.ts'
import { chooseHeldOut, heldOutText } from '../../packages/burgeon/src/sources/held-out.ts'
import { bytesToLearn, planReading } from '../../packages/burgeon/src/sources/plan-reading.ts'
import { readSource } from '../../packages/burgeon/src/sources/read-source.ts'
import type { SourceFile } from '../../packages/burgeon/src/sources/files/source-files.ts'
import { ReadSoFar } from '../../packages/burgeon/src/sources/source-read.ts'
import { rowsOf } from '../continual/tiny-learner.ts'

const many = 130_000
const nameOf = (i: number): string => `note ${String(i).padStart(6, '0')}`

/** Files that are nowhere: whoever opens one fails. */
const listing = (size: number): SourceFile[] =>
  Array.from({ length: many }, (_, i) => ({
    path: join('/nowhere', nameOf(i)),
    name: nameOf(i),
    domain: 'notes',
    form: null,
    size,
  }))

const folder = mkdtempSync(join(tmpdir(), 'burgeon-very-many-files-'))
/** Every thousandth file holds a letter; the others are empty, and are made as links, which is many times faster. */
beforeAll(() => {
  for (let i = 0; i < many; i++) {
    const path = join(folder, nameOf(i))
    if (i % 1000 === 0) writeFileSync(path, 'x')
    else if (i % 1000 === 1) writeFileSync(path, '')
    else linkSync(join(folder, nameOf(i - (i % 1000) + 1)), path)
  }
})
afterAll(() => rmSync(folder, { recursive: true }))

test('a folder of 130,000 files is read in order, and of what is left out a few lines are said', async () => {
  let said = ''
  const output = { write: (more: string) => (said += more) }
  const { signal } = new AbortController()
  const notes = new SourceNotes({
    ...{ output, status: output, environment: {} },
    ...{ now: () => 0, stop: signal, closed: signal },
  })
  const source = await readSource(folder, { note: notes.add, holdOut: true })
  expect([source.files, source.size, source.bytes]).toEqual([130, 130, 130])
  expect(source.heldOut).toEqual([])
  const found: string[] = []
  for await (const { position } of source) found.push(position.file)
  expect(found).toEqual(Array.from({ length: 130 }, (_, i) => nameOf(1000 * i)))
  source.finish()
  expect(source.toState().files.map(({ name, bytes }) => [name, bytes])).toEqual(
    found.map((name) => [name, 1]),
  )
  notes.show()
  const lines = said.trimEnd().split('\n')
  expect(lines).toHaveLength(13)
  expect(lines[0]).toBe('left out note 000001: empty')
  expect(lines[12]).toBe('and 129,858 more like these')
})

test('to hold text out of 130,000 files that are too small for it, none of them is opened', async () => {
  const files = listing(500)
  const ranges = await chooseHeldOut(files)
  expect(ranges).toEqual([])
  const plan = await planReading(files, [], () => {})
  expect(plan.map(({ file }) => file)).toEqual(files)
  expect(bytesToLearn(plan, ranges)).toBe(500 * many)
})

test('text held out of each of 130,000 files is left out of what is to be learnt', async () => {
  const files = listing(1000)
  const ranges = files.map(({ name, domain }) => ({ file: name, domain, from: 600, to: 1000 }))
  expect(bytesToLearn(await planReading(files, [], () => {}), ranges)).toBe(600 * many)
})

test('the text of 4,000 ranges is found by name among 130,000 files, each looked at once', async () => {
  let looks = 0
  const files = listing(1).map(({ name, ...rest }) => ({
    ...rest,
    path: join(folder, nameOf(0)),
    get name() {
      looks++
      return name
    },
  }))
  const ranges = Array.from({ length: 4000 }, (_, i) => ({
    file: nameOf(many - 1 - i),
    domain: 'notes',
    form: null,
    from: 0,
    to: 1,
  }))
  const texts = await heldOutText(files, ranges)
  expect(texts).toEqual([{ name: 'notes', bytes: new TextEncoder().encode('x'.repeat(4000)) }])
  expect(looks).toBe(many)
})

test('a reader may be 130,000 files ahead of its learner, who comes up with it at once or in the middle', () => {
  const bytes = new TextEncoder().encode('ab')
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  const soFar = new ReadSoFar({ pass: 0, files: [] })
  for (let i = 0; i < many; i++) soFar.took({ file: nameOf(i), offset: 0, pass: 0 }, bytes, null)
  expect(soFar.toState().files).toEqual([])
  soFar.reached({ file: 'elsewhere', offset: 0 })
  soFar.reached({ file: nameOf(many / 2), offset: 1 })
  const half = soFar.toState().files
  expect(half).toHaveLength(many / 2 + 1)
  expect(half[many / 2 - 1]).toEqual({ name: nameOf(many / 2 - 1), bytes: 2, sha256 })
  expect(half[many / 2]).toMatchObject({ name: nameOf(many / 2), bytes: 1 })
  soFar.finish()
  const { files } = soFar.toState()
  expect(files.map(({ name }) => name)).toEqual(Array.from({ length: many }, (_, i) => nameOf(i)))
  expect(files.every((file) => file.bytes === 2 && file.sha256 === sha256)).toBe(true)
})

test('as many batches are joined as there are', () => {
  const one = rowsOf([1, 2, 3])
  const joined = joinBatches(Array.from({ length: 150_000 }, () => one))
  expect([joined.rows, joined.length]).toEqual([150_000, one.length])
})

test('a journal of very many growths does not look at all of them for each event', () => {
  let looks = 0
  const kindOf = ({ kind }: { kind: LearnerEvent['kind'] }): LearnerEvent['kind'] => {
    looks++
    return kind
  }
  let journal: { kind: LearnerEvent['kind'] }[] = []
  const events = 20_000
  for (let step = 0; step < events; step++) {
    journal = extendJournal(journal, [{ kind: step % 2 === 0 ? 'growth' : 'drift' }], kindOf)
  }
  expect(looks).toBeLessThan(20 * events)
  expect(journal.filter(({ kind }) => kind === 'growth')).toHaveLength(events / 2)
  expect(journal.length).toBeLessThanOrEqual(events / 2 + 4096 + 1024)
})
