/** A life with recall at the front door: what it read once it writes, and says in which file it stood. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { nodeDisk } from '@burgeon/gpt/node'
import { loadLife, openModel } from 'burgeon/session'
import { beforeAll, describe, expect, test } from 'vitest'
import { temporaryFolder } from '../docs/programs.ts'
import { asked, factsText, wanted } from '../recall/facts-read-once.ts'
import { called } from './small-life.ts'

const folder = temporaryFolder()
const place = (name: string): string => join(folder, name)
const [bytes, text] = ['262144', place('facts.txt')]

/** Runs a command that must succeed. */
async function ran(...args: readonly string[]): Promise<{ output: string; status: string }> {
  const { code, ...said } = await called(args, { input: `${asked}\n` })
  expect(code, said.status).toBe(0)
  return said
}
const speaking = ['-t', '0', '-n', String(wanted.length)]

beforeAll(async () => {
  writeFileSync(text, factsText)
  await ran('learn', text, '--recall', bytes, '--out', place('life'))
  await ran('learn', text, '--out', place('without'))
})

describe('generate', () => {
  test('writes what was read once, and the status says where it stood', async () => {
    const { output, status } = await ran('generate', '--from', place('life'), '-p', asked, ...speaking)
    expect(output).toBe(`${asked}${wanted}\n`)
    expect(status).toBe(`burgeon: recalled “${wanted.trim()}” (facts.txt)\n`)
    const without = await ran('generate', '--from', place('without'), '-p', asked, ...speaking)
    expect(without.output).not.toContain(wanted)
    expect(without.status).toBe('')
  })

  test('tells programs the same', async () => {
    const { output } = await ran('generate', '--from', place('life'), '-p', asked, ...speaking, '--json')
    expect(JSON.parse(output)).toMatchObject({
      text: wanted,
      recalled: [{ source: 'facts.txt', domain: expect.any(String), bytes: wanted }],
    })
    const without = await ran('generate', '--from', place('without'), '-p', asked, ...speaking, '--json')
    expect(JSON.parse(without.output)).not.toHaveProperty('recalled')
  })
})

test('chat answers from what was read, and says so', async () => {
  // A talk that goes on as the text does: its likeliest answer begins with what is recalled.
  const talk = `User: ${asked}\nAssistant:${wanted}\n`
  writeFileSync(place('talk.txt'), talk.repeat(3))
  await ran('learn', place('talk.txt'), '--recall', bytes, '--out', place('talking'))
  const args = ['chat', '--from', place('talking'), ...speaking]
  const { output, status } = await ran(...args)
  expect(output).toBe(`${wanted.trim()}\n`)
  expect(status).toBe(`burgeon: recalled “${wanted.trim()}” (talk.txt)\n`)
  const line = JSON.parse((await ran(...args, '--json')).output) as object
  expect(line).toMatchObject({ content: wanted.trim(), recalled: [{ source: 'talk.txt', bytes: wanted }] })
})

describe('the life', () => {
  test('keeps its recall, and goes on with it', async () => {
    const { settings, learner } = await loadLife(nodeDisk(place('life')))
    expect(settings.recall).toBe(262_144)
    expect((await learner.predict(asked)).recalled?.[0].source).toBe('facts.txt')
    writeFileSync(place('more.txt'), 'The keeper of yyyyyyy is Ansel of Dorrin.\n'.repeat(4))
    await ran('learn', place('more.txt'), '--resume', '--recall', bytes, '--out', place('life'))
    const more = ['generate', '--from', place('life'), '-p', 'The keeper of yyyyyyy is', ...speaking]
    expect((await ran(...more)).output).toContain('is Ansel of Dorrin')
    const { recall } = await openModel(place('life'))
    expect(recall?.recollect(new TextEncoder().encode(asked))?.origin?.source).toBe('facts.txt')
    expect(await openModel(place('without'))).not.toHaveProperty('recall')
  })

  test('cannot get another one, and too small a one is refused', async () => {
    for (const [life, own] of [
      ['life', '300000'],
      ['without', bytes],
    ]) {
      const resumed = called(['learn', text, '--resume', '--recall', own, '--out', place(life)])
      await expect(resumed).rejects.toThrow(`got --recall ${own}, but the life in`)
    }
    await expect(called(['learn', text, '--recall', '262143', '--out', place('new')])).rejects.toThrow(
      '--recall',
    )
  })

  test('gets it from the file of settings as well, and beside weights of another model', async () => {
    const llama = join(import.meta.dirname, '../gold/small-llama')
    const config = place('settings.json')
    const own = { source: text, out: place('from'), from: llama, ownText: 1, recall: 262_144 }
    writeFileSync(config, JSON.stringify({ learn: own }))
    await ran('learn', '--config', config)
    const { settings, learner } = await loadLife(nodeDisk(place('from')))
    expect([settings.pretrained, settings.recall]).toEqual([true, 262_144])
    expect((await learner.predict(asked)).recalled?.[0].bytes.startsWith(wanted)).toBe(true)
    const { output } = await ran(
      'generate',
      '--from',
      place('from'),
      '-p',
      asked,
      '-t',
      '0',
      '-n',
      '4',
      '--json',
    )
    expect((JSON.parse(output) as { recalled: unknown[] }).recalled).toBeInstanceOf(Array)
  })
})
