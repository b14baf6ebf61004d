// Reaches inside: batches of files are a part of a session, not an entry point.
/** Rows that are learnt from files say in which file they begin, and where, also when they are rehearsed. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Origin, TokenBatch } from '@burgeon/continual'
import { nodeDisk } from '@burgeon/gpt/node'
import { loadLife } from 'burgeon/session'
import { expect, onTestFinished, test } from 'vitest'
import { fileBatches } from '../../packages/burgeon/src/session/source/file-batches.ts'
import type { LifePosition } from '../../packages/burgeon/src/session/record/life-record.ts'
import { readSource, type Source } from '../../packages/burgeon/src/sources/read-source.ts'
import type { SourceRead } from '../../packages/burgeon/src/sources/source-read.ts'
import { running } from '../front-door/running.ts'
import { lifeFolder } from '../server/small-served.ts'
import { written } from '../front-door/small-checkout.ts'

const sentence = (name: string, i: number): string => `${name} says ${(i * 7919) % 1000} of it, é. `
const textOf = (name: string, length: number): string =>
  Array.from({ length }, (_, i) => sentence(name, i)).join('')
const files = new Map([
  ['a/one.txt', textOf('one', 9)],
  ['a/three.md', textOf('three', 1)],
  ['a/two.html', `<p>${textOf('two', 12)}</p>`],
  ['b.txt', textOf('b', 5)],
  ['c/d/deep.txt', textOf('deep', 20)],
])
/** What is learnt of them. */
const texts = new Map([...files, ['a/two.html', `${textOf('two', 12).trim()}\n`]])

/** Holds rows against the files that they name. */
function expectRight(row: Uint8Array, { id, source, domain, at, trust }: Origin): void {
  const rest = Buffer.from(texts.get(source) ?? '').subarray(at)
  const length = Math.min(rest.length, row.length)
  expect(length, source).toBeGreaterThan(0)
  expect(Buffer.from(row).subarray(0, length).toString('latin1')).toBe(
    rest.subarray(0, length).toString('latin1'),
  )
  expect([domain, trust, Number.isSafeInteger(id)]).toEqual([source.split('/')[0], 1, true])
}

const bytesOfRow = ({ tokens, length }: TokenBatch, row: number): Uint8Array =>
  Uint8Array.from(tokens.subarray(row * (length + 1), (row + 1) * (length + 1)).filter((token) => token >= 0))

test('the origin of a row is the file in which it begins, and the same for whoever goes on there', async () => {
  const life = await loadLife(nodeDisk(await lifeFolder()))
  const root = await written(files)
  const collected = async (source: Source): Promise<{ batch: TokenBatch; position: LifePosition }[]> => {
    const all: { batch: TokenBatch; position: LifePosition }[] = []
    for await (const placed of fileBatches(life, source, () => {})) all.push(placed)
    return all
  }
  const whole = await collected(await readSource(root, { chunkBytes: 11, passes: 2 }))
  const seen = new Set<string>()
  for (const { batch } of whole) {
    batch.origins?.forEach((origin, row) => {
      expectRight(bytesOfRow(batch, row), origin as Origin)
      seen.add((origin as Origin).source)
    })
  }
  expect([...seen].toSorted()).toEqual(['a/one.txt', 'a/two.html', 'b.txt', 'c/d/deep.txt'])
  const ids = new Set(whole.flatMap(({ batch }) => batch.origins?.map((origin) => origin?.id)))
  expect(ids.size).toBe(4)
  for (let stop = 0; stop < whole.length; stop++) {
    const source = await readSource(root, { chunkBytes: 11, passes: 2 })
    for await (const { bytes } of source) expect(bytes.length).toBeGreaterThan(0)
    source.reached(whole[stop].position)
    const read = JSON.parse(JSON.stringify(source.toState())) as SourceRead
    const rest = await collected(await readSource(root, { read }))
    expect(rest.map(({ batch }) => batch)).toEqual(whole.slice(stop + 1).map(({ batch }) => batch))
  }
})

test('a life that learnt files has their origins in its rehearsal, after a restart, too', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'burgeon-origins-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  for (const [name, text] of files) {
    mkdirSync(join(folder, 'notes', name, '..'), { recursive: true })
    writeFileSync(join(folder, 'notes', name), text)
  }
  const learnt = running(['learn', 'notes'], folder)
  expect(await learnt.ended, learnt.said.status).toBe(0)
  const { learner } = await loadLife(nodeDisk(join(folder, 'life')))
  const { rehearsal, vocabulary } = learner.strategy
  const kept = rehearsal?.sample(1000) as TokenBatch
  expect(kept.rows).toBeGreaterThan(8)
  expect(kept.origins).toHaveLength(kept.rows)
  kept.origins?.forEach((origin, row) => {
    const tokens = kept.tokens.subarray(row * (kept.length + 1), (row + 1) * (kept.length + 1))
    const own = tokens.filter((token) => token >= 0)
    expectRight(Uint8Array.from(vocabulary?.tokenizer.decodeBytes(own) ?? own), origin as Origin)
  })
})
