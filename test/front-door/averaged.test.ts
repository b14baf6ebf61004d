/** A life that answers with an average of its weights, at the front door. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { nodeDisk } from '@burgeon/gpt/node'
import { evaluateText } from '@burgeon/continual'
import { buildLearner, emptyRecord, type LifeSettings, loadLife, saveLife } from 'burgeon/session'
import { beforeAll, expect, test } from 'vitest'
import { temporaryFolder } from '../docs/programs.ts'
import { smallServed } from '../server/small-served.ts'
import { called, printed, smallLife, smallText } from './small-life.ts'

const folder = temporaryFolder()
const place = (name: string): string => join(folder, name)
const [text, other] = [place('text.txt'), place('other.txt')]

async function bear(name: string, settings: LifeSettings): Promise<void> {
  const learner = buildLearner(settings)
  await saveLife(nodeDisk(place(name)), {
    ...{ settings, learner, record: emptyRecord(learner.model.parameters.size) },
  })
}
const lifeAt = (name: string) => loadLife(nodeDisk(place(name)))

beforeAll(async () => {
  writeFileSync(text, smallText(300))
  writeFileSync(other, smallText(20))
  await bear('averaged', { ...smallLife, average: 0.98 })
  await bear('plain', smallLife)
  for (const name of ['averaged', 'plain']) await printed('learn', text, '--resume', '--out', place(name))
})

test('what is learnt has the same bits, and so has what is on record of predictions', async () => {
  const [averaged, plain] = [await lifeAt('averaged'), await lifeAt('plain')]
  expect(await averaged.learner.model.toState()).toEqual(await plain.learner.model.toState())
  expect(averaged.record.curve).toEqual(plain.record.curve)
  // What is measured is the average, by which the life speaks.
  const last = [averaged, plain].map(
    ({ record }) => Object.values(record.measurements.at(-1)?.bitsPerByte ?? {})[0],
  )
  expect(last[0]).not.toBe(last[1])
})

test('evaluate, convert and a server have the average, and not the weights', async () => {
  const { learner } = await lifeAt('averaged')
  const average = learner.strategy.average?.modelOf(learner.model)
  const { tokenizer } = learner.strategy.vocabulary ?? {}
  const bitsOf = async (model = learner.model): Promise<number> =>
    (await evaluateText(model, smallText(20), { ...(tokenizer && { tokenizer }) })).bitsPerByte
  const [own, raw] = [await bitsOf(average), await bitsOf()]
  expect(own).not.toBeCloseTo(raw, 4)
  const said = JSON.parse(await printed('eval', other, '--model', place('averaged'), '--json')) as {
    bitsPerByte: number
  }
  expect(said.bitsPerByte).toBeCloseTo(own, 6)
  await printed('convert', place('averaged'), place('converted'), '--to', 'checkpoint')
  const converted = JSON.parse(await printed('eval', other, '--model', place('converted'), '--json')) as {
    bitsPerByte: number
  }
  expect(converted.bitsPerByte).toBeCloseTo(own, 6)
  const served = await smallServed(place('averaged'))
  expect(await bitsOf(served.model)).toBeCloseTo(own, 6)
  const before = await bitsOf(served.model)
  await served.teacher?.learn({ text: 'something else altogether. '.repeat(20), domain: 'notes' }, (body) =>
    body(),
  )
  expect(await bitsOf(served.model)).not.toBe(before)
  expect(served.model.config).toEqual((await lifeAt('averaged')).learner.model.config)
})

test('is a setting of a new life, which goes on with it and takes no other', async () => {
  await printed('learn', other, '--average', '0.9', '--out', place('new'))
  const { settings, learner } = await lifeAt('new')
  expect([settings.average, learner.strategy.average?.name]).toEqual([0.9, 'average of weights, decay 0.9'])
  const config = place('settings.json')
  writeFileSync(config, JSON.stringify({ learn: { source: other, out: place('by-file'), average: 0.5 } }))
  await printed('learn', '--config', config)
  expect((await lifeAt('by-file')).settings.average).toBe(0.5)
  const resumed = (name: string) =>
    called(['learn', text, '--resume', '--average', '0.7', '--out', place(name)])
  await expect(resumed('averaged')).rejects.toThrow('got --average 0.7, but the life in')
  await expect(resumed('plain')).rejects.toThrow('was begun with none')
  await expect(called(['learn', other, '--average', '1', '--out', place('no')])).rejects.toThrow(
    'from 0 to 0.9999',
  )
})
