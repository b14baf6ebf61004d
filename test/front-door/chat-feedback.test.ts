/** `/good`, `/bad` and `/better` in a talk with a life: by effect on what it says then. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { answerFromText, type FeedbackMemory } from '@burgeon/continual'
import { byteTokenizer } from '@burgeon/gpt'
import { nodeDisk } from '@burgeon/gpt/node'
import { loadLife } from 'burgeon/session'
import { describe, expect, test } from 'vitest'
import { temporaryFolder } from '../docs/programs.ts'
import { lifeFolder, servedLife } from '../server/small-served.ts'
import { called, printed } from './small-life.ts'

const settings = { ...servedLife, feedback: 20, protection: 0 }

/** The folder of a life that knows a talk a little. */
async function talkingLife(own: object = settings): Promise<string> {
  const folder = await lifeFolder({ ...servedLife, ...own })
  const file = join(temporaryFolder(), 'talk.txt')
  writeFileSync(file, 'User: Hi\nAssistant: The sun is warm.\n'.repeat(200))
  await printed('learn', file, '--resume', '--out', folder)
  return folder
}

/** Talks with a life; returns what it prints as JSON, and the status. */
async function talk(folder: string, lines: readonly string[], ...args: readonly string[]) {
  const input = `${lines.join('\n')}\n`
  const { code, output, status } = await called(
    ['chat', '--from', folder, '-n', '12', '-t', '0', '--json', ...args],
    { input },
  )
  expect(code).toBe(0)
  const said = output.trimEnd().split('\n')
  return { said: said.map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>), status }
}

/** Log-probability of an answer to `Hi`, in nats. */
async function likelihood(folder: string, answer: string): Promise<number> {
  const { model } = (await loadLife(nodeDisk(folder))).learner
  const { prompt, tokens } = answerFromText('User: Hi\nAssistant:', answer)
  const all = [...prompt, ...tokens]
  using read = model.device.tensor(all.slice(0, -1), { shape: [1, all.length - 1], dtype: 'i32' })
  using targets = model.device.tensor(all.slice(1), { shape: [all.length - 1], dtype: 'i32' })
  using losses = model.losses(read, targets)
  return -[...(await losses.read())].slice(prompt.length - 1).reduce((sum, loss) => sum + loss, 0)
}

test('what was wanted becomes likelier at once, is on disk, and stands in the talk', async () => {
  const folder = await talkingLife()
  const before = await likelihood(folder, ' It rains.')
  const { said } = await talk(folder, ['Hi', '/better It rains.', 'Hi'])
  expect(said.map(({ role }) => role)).toEqual(['assistant', 'feedback', 'assistant'])
  expect(said[1]).toMatchObject({
    kind: 'correct',
    steps: 8,
    strength: 1,
    logRatio: expect.any(Number) as number,
  })
  expect(await likelihood(folder, ' It rains.')).toBeGreaterThan(before + 2)
  // The talk goes on with what was wanted, and with the weights that know it.
  const { model } = (await loadLife(nodeDisk(folder))).learner
  const prompt = 'User: Hi\nAssistant: It rains.\nUser: Hi\nAssistant:'
  const how = { tokens: 12, temperature: 0, tokenizer: byteTokenizer, onContextFull: 'stop' } as const
  const { text = '' } = await model.generate(prompt, { ...how, stopTexts: ['\nUser:', '\nAssistant:'] })
  expect(said[2]['content']).toBe(text.trim())
})

test('a good answer becomes likelier and a bad one less likely than by as many other steps', async () => {
  const [good, bad] = [await talkingLife(), await talkingLife()]
  const drawn = ['-t', '2', '--seed', '3']
  const [liked, disliked] = [
    await talk(good, ['Hi', '/good', '/good '], ...drawn),
    await talk(bad, ['Hi', '/bad', '/bad'], ...drawn),
  ]
  const { content } = liked.said[0] as { content: string }
  expect(disliked.said[0]['content']).toBe(content)
  expect(liked.said.slice(1).map(({ kind }) => kind)).toEqual(['accept', 'accept'])
  const apart = (await likelihood(good, ` ${content}`)) - (await likelihood(bad, ` ${content}`))
  expect(apart).toBeGreaterThan(2)
  const { learner } = await loadLife(nodeDisk(bad))
  // The second takes the place of the first.
  expect((learner.strategy.rehearsal as FeedbackMemory).summary().kept).toMatchObject({
    reject: 1,
    accept: 0,
  })
})

describe('nothing is learnt, and that is said,', () => {
  test.each([
    ['before there is an answer', settings, ['/good'], /^burgeon: there is no answer yet/],
    [
      'by a life that learns no feedback',
      { feedback: undefined },
      ['Hi', '/bad'],
      /^burgeon: this life learns nothing of what is said/m,
    ],
  ])('%s', async (_, own, lines, expected) => {
    const { feedback, ...rest } = own
    const folder = await talkingLife({ ...rest, ...(feedback !== undefined && { feedback }) })
    const { said, status } = await talk(folder, lines)
    expect(status).toMatch(expected)
    expect(said.at(-1)).toMatchObject({ role: 'feedback', steps: 0, logRatio: null })
  })

  test('by a model that is no life', async () => {
    const { said, status } = await talk(join(import.meta.dirname, '../gold/small-llama'), ['Hi', '/bad'])
    expect(status).toBe('burgeon: this model learns nothing; what you said of it has no effect\n')
    expect(said.at(-1)).toMatchObject({ role: 'feedback', kind: 'reject', steps: 0 })
  })

  test('while another process has the life', async () => {
    const folder = await talkingLife()
    const lock = await nodeDisk(folder).lock('session')
    const { said, status } = await talk(folder, ['Hi', '/good'])
    await lock.release()
    expect(said.at(-1)).toMatchObject({ role: 'feedback', steps: 0 })
    expect(status).toMatch(/^burgeon: .*(another|held|process)/)
  })
})

test('a line that only looks like one is a message, and people read what became of it', async () => {
  const folder = await talkingLife()
  const { said } = await talk(folder, ['/goodness', '/good enough', '/better', '/'])
  expect(said.map(({ role }) => role)).toEqual(new Array(4).fill('assistant'))
  const input = 'Hi\n/better It rains.\n'
  const { status } = await called(['chat', '--from', folder, '-n', '12', '-t', '0'], { input })
  expect(status).toMatch(/^burgeon: learnt in 8 steps; it had become \d+\.\d times as likely\n$/)
})
