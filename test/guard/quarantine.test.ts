// Reaches inside: a command has no disk of its own that could be full.
/** Texts that were kept apart and are admitted: learnt once, and none is lost, whatever ends it. */
import { copyFileSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { CheckpointError } from '@burgeon/gpt'
import { nodeDisk } from '@burgeon/gpt/node'
import { loadLife } from 'burgeon/session'
import { expect, test } from 'vitest'
import { learnQuarantined } from '../../packages/burgeon/src/commands/guard/quarantine.ts'
import { dropQuarantined, quarantined } from '../../packages/burgeon/src/session/guard/quarantine.ts'
import { called } from '../front-door/small-life.ts'
import { asking, fillableDisk, lifeFolder, servedLife, smallServed } from '../server/small-served.ts'

const guard = { provenance: { unknown: 'quarantine' } } as const
const texts = ['It rained all day. ', 'The wind shook the door. ', 'A dog ran by. '].map((text) =>
  text.repeat(20),
)

async function waitingLife(): Promise<{ life: string; ids: readonly string[] }> {
  const life = await lifeFolder({ ...servedLife, guard })
  const { ask } = await asking({}, await smallServed(life))
  await ask('/v1/learn', { documents: texts.map((text) => ({ text })) })
  const waiting = await quarantined(nodeDisk(life))
  expect(waiting.map(({ text }) => text)).toEqual(texts)
  return { life, ids: waiting.map(({ id }) => id) }
}
const stepOf = async (life: string): Promise<number> => (await loadLife(nodeDisk(life))).learner.step

test('what was learnt before a kill is not learnt again, and goes', async () => {
  const { life, ids } = await waitingLife()
  const [file, copy] = ['quarantine.jsonl', 'before'].map((name) => join(life, name))
  copyFileSync(file, copy)
  await called(['quarantine', 'admit', ids[0], '--from', life])
  const step = await stepOf(life)
  expect(step).toBeGreaterThan(0)
  // As it is when it was saved, and killed before the text was let go.
  copyFileSync(copy, file)
  await called(['quarantine', 'admit', ids[0], '--from', life])
  expect(await stepOf(life)).toBe(step)
  expect((await quarantined(nodeDisk(life))).map(({ id }) => id)).toEqual(ids.slice(1))
})

test('a text waits on where the life that knows it cannot be saved', async () => {
  const { life, ids } = await waitingLife()
  const own = fillableDisk(life, 'create')
  const known = await loadLife(own.disk)
  own.isFull = true
  const all = await quarantined(own.disk)
  await expect(learnQuarantined(known, all, own.disk, () => {})).rejects.toThrow(CheckpointError)
  expect((await quarantined(own.disk)).map(({ id }) => id)).toEqual(ids)
  own.isFull = false
  const again = await loadLife(own.disk)
  expect((await learnQuarantined(again, all, own.disk, () => {})).steps).toBe(await stepOf(life))
  expect(readdirSync(life)).not.toContain('quarantine.jsonl')
})

test('nobody else may read what is left, and a full disk loses none of it', async () => {
  const { life, ids } = await waitingLife()
  await called(['quarantine', 'drop', ids[0], '--from', life])
  expect(statSync(join(life, 'quarantine.jsonl')).mode & 0o777).toBe(0o600)
  const own = fillableDisk(life, 'append')
  own.isFull = true
  await expect(dropQuarantined(own.disk, [ids[1]])).rejects.toThrow('ENOSPC')
  expect((await quarantined(own.disk)).map(({ id }) => id)).toEqual(ids.slice(1))
})

test('a folder that is not there is said to be none, and not that nothing waits', async () => {
  await expect(called(['quarantine', 'list', '--from', 'no-such-life'])).rejects.toThrow('there is no folder')
})
