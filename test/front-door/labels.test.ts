/** A life whose rows stand behind labels of their domains, at the front door. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { nodeDisk } from '@burgeon/gpt/node'
import { bitsPerByteOf } from '@burgeon/continual'
import { byteTokenizer } from '@burgeon/gpt'
import { OptionError } from '@burgeon/tensor'
import { buildLearner, emptyRecord, type LifeSettings, loadLife, saveLife, UsageError } from 'burgeon/session'
import { beforeAll, describe, expect, test } from 'vitest'
import { temporaryFolder } from '../docs/programs.ts'
import { asking, smallServed } from '../server/small-served.ts'
import { called, printed, smallLife } from './small-life.ts'

const folder = temporaryFolder()
const place = (name: string): string => join(folder, name)
const lifeAt = (name: string) => loadLife(nodeDisk(place(name)))
// Longer than what the model sees at a time: nothing but a label tells what comes after six.
const [cats, dogs] = ['cat', 'dog'].map((animal) => `one two, three four, five six ${animal} 7 8 9 0. `)

async function bear(name: string, settings: LifeSettings): Promise<void> {
  const learner = buildLearner(settings)
  await saveLife(nodeDisk(place(name)), {
    ...{ settings, learner, record: emptyRecord(learner.model.parameters.size) },
  })
}

beforeAll(async () => {
  for (const name of ['cats', 'dogs']) mkdirSync(place(`notes/${name}`), { recursive: true })
  for (let file = 0; file < 24; file++) {
    const name = file % 2 === 0 ? 'cats' : 'dogs'
    // By name: cats and dogs in turn would be one domain after the other.
    writeFileSync(place(`notes/${name}/${file}.txt`), (name === 'cats' ? cats : dogs).repeat(20))
  }
  writeFileSync(place('cats.txt'), cats.repeat(8))
  writeFileSync(place('dogs.txt'), dogs.repeat(8))
  await bear('labelled', { ...smallLife, learningRate: 1e-2, memoryRows: 200, labels: true })
  await bear('plain', { ...smallLife, learningRate: 1e-2, memoryRows: 200 })
  for (const name of ['labelled', 'plain'])
    await printed('learn', place('notes'), '--resume', '--passes', '8', '--out', place(name))
})

/** What a command says in JSON. */
const json = async (...args: readonly string[]): Promise<Record<string, unknown>> =>
  JSON.parse(await printed(...args, '--json')) as Record<string, unknown>

test('each domain has a label, and no byte of the text is left out', async () => {
  const [{ learner, record }, plain] = [await lifeAt('labelled'), await lifeAt('plain')]
  expect(learner.strategy.context?.labels.map(({ kind, name }) => [kind, name])).toEqual([
    ['domain', 'cats'],
    ['domain', 'dogs'],
  ])
  expect(record.bytes).toBe(plain.record.bytes)
  // The tokens of words and of labels have numbers of their own.
  const { tokenizer } = learner.strategy.vocabulary ?? {}
  for (const { token } of learner.strategy.context?.labels ?? [])
    expect(tokenizer?.bytesOf(token)).toHaveLength(0)
})

test('what has no label for want of room is said', async () => {
  for (const [name, files] of [
    ['few', 3],
    ['many', 68],
  ] as const) {
    mkdirSync(place(name))
    for (let file = 0; file < files; file++) writeFileSync(place(`${name}/${file + 10}.txt`), cats.repeat(3))
    await bear(`of-${name}`, { ...smallLife, memoryRows: 20, labels: true })
  }
  const ofFew = await called(['learn', place('few'), '--resume', '--out', place('of-few')])
  expect(ofFew.output).not.toContain('Without a label')
  const ofMany = await called(['learn', place('many'), '--resume', '--out', place('of-many')])
  expect(ofMany.output).toContain(
    'Without a label: 74.txt, 75.txt, 76.txt, and 1 more. There are 64; at most 64',
  )
})

describe('generate', () => {
  const how = ['-n', '4', '-t', '0', '--prompt', 'five six']
  test('writes as in the domain that is asked for, or as in that of the prompt', async () => {
    const asked = async (label: string): Promise<unknown> =>
      (await json('generate', '--from', place('labelled'), ...how, '--label', label))['text']
    expect(await asked('cats')).toMatch(/^ cat/)
    expect(await asked('dogs')).toMatch(/^ dog/)
    const inferred = (prompt: string) =>
      json('generate', '--from', place('labelled'), '-n', '20', '-t', '0', '--prompt', prompt)
    expect(await inferred('six cat 7 8 9 0. o')).toMatchObject({ label: 'cats' })
    expect(await inferred('six dog 7 8 9 0. o')).toMatchObject({ label: 'dogs' })
    const { status } = await called(['generate', '--from', place('labelled'), '--prompt', cats, '-n', '2'])
    expect(status).toMatch(/Written as cats \(0\.\d\d by the prompt\)|Written as cats \(1\.00/)
  })
  test('knows which labels there are', async () => {
    const asked = (from: string, label: string) =>
      called(['generate', '--from', place(from), ...how, '--label', label])
    await expect(asked('labelled', 'birds')).rejects.toThrow(OptionError)
    await expect(asked('labelled', 'birds')).rejects.toThrow(/domain 'cats', domain 'dogs'/)
    await expect(asked('plain', 'cats')).rejects.toThrow(UsageError)
    await expect(asked('plain', 'cats')).rejects.toThrow(/learnt without labels/)
    expect(await json('generate', '--from', place('plain'), ...how)).not.toHaveProperty('label')
    // Of one letter nothing can be told.
    const short = await json('generate', '--from', place('labelled'), '-n', '4', '--prompt', 't')
    expect(short).not.toHaveProperty('label')
  })
})

test('eval infers the label of a text, or is told; the wrong one costs', async () => {
  const measured = (file: string, ...more: readonly string[]) =>
    json('eval', place(file), '--model', place('labelled'), ...more)
  const inferred = await measured('dogs.txt')
  expect(Object.keys(inferred['context'] as object)[0]).toBe('dogs')
  const [right, wrong] = [
    await measured('dogs.txt', '--label', 'dogs'),
    await measured('dogs.txt', '--label', 'cats'),
  ]
  expect(Number(right['bitsPerByte'])).toBeLessThan(Number(wrong['bitsPerByte']))
  expect(Number(inferred['bitsPerByte'])).toBeGreaterThanOrEqual(Number(right['bitsPerByte']))
  // One of two at a cost of one bit.
  const bytes = dogs.length * 8 - 1
  expect(Number(inferred['bitsPerByte'])).toBeLessThanOrEqual(Number(right['bitsPerByte']) + 1.01 / bytes)
  expect(await printed('eval', place('cats.txt'), '--model', place('labelled'))).toMatch(/label +cats/)
  const window = String((await lifeAt('labelled')).learner.model.config.context)
  await expect(measured('dogs.txt', '--window', window)).rejects.toThrow(/15 beside a label/)
  const plain = await json('eval', place('dogs.txt'), '--model', place('plain'))
  expect(plain).not.toHaveProperty('context')
})

test('what is held back is measured under the label of its domain', async () => {
  const { record, learner } = await lifeAt('labelled')
  const last = record.measurements.at(-1)?.bitsPerByte ?? {}
  expect(Object.keys(last).toSorted()).toEqual(['cats', 'dogs'])
  const under = async (text: string, label: string): Promise<number> => {
    const how = ['--model', place('labelled'), '--window', '15', '--stride', '15', '--label', label]
    return Number((await json('eval', place(text), ...how))['bitsPerByte'])
  }
  for (const [own, other] of [
    ['cats', 'dogs'],
    ['dogs', 'cats'],
  ]) {
    expect(last[own]).toBeCloseTo(await under(`${own}.txt`, own), 1)
    expect(last[own]).toBeLessThan((await under(`${own}.txt`, other)) - 0.05)
    const { tokenizer } = learner.strategy.vocabulary ?? {}
    const without = await bitsPerByteOf(
      learner.model,
      own === 'cats' ? cats.repeat(8) : dogs.repeat(8),
      tokenizer,
    )
    expect(last[own]).toBeLessThan(without)
  }
})

test('beside all else that a life can have, asleep, recalled, averaged, and told what was good', async () => {
  const more = ['--recall', '262144', '--sleep-every', '30', '--coverage', '0.8', '--average', '0.9']
  const small = ['--vocabulary', '256']
  await printed('learn', place('notes'), '--labels', ...more, ...small, '--out', place('whole'))
  const { learner } = await lifeAt('whole')
  expect(learner.strategy.context?.labels.map(({ name }) => name)).toEqual(['cats', 'dogs'])
  expect(learner.journal.some(({ kind }) => kind === 'sleep')).toBe(true)
  expect(await json('generate', '--from', place('whole'), '-n', '20', '--prompt', cats)).toMatchObject({
    label: expect.stringMatching(/^(cats|dogs)$/) as string,
    tokens: 20,
  })
  const { ask } = await asking({}, await smallServed(place('whole')))
  const request = { model: 'whole', max_tokens: 300, temperature: 0, prompt: 'one two' }
  const { json: answered } = await ask('/v1/completions', request)
  expect(answered).toHaveProperty('id')
  const judged = { response_id: answered['id'], correction: cats.repeat(10) }
  expect(await ask('/v1/feedback', judged)).toMatchObject({ status: 200, json: { effect: 'learnt' } })
  const accepted = { response_id: answered['id'], score: 1 }
  expect(await ask('/v1/feedback', accepted)).toMatchObject({ status: 200 })
})

test('a server writes behind the label that a prompt seems to have, and so does a talk', async () => {
  const served = await smallServed(place('labelled'))
  const { labelled: _, ...bare } = served
  const first = async (by: typeof bare, prompt: string | readonly number[]): Promise<number> => {
    const { ask } = await asking({}, by)
    const { json: answered } = await ask('/v1/completions', {
      ...{ model: 'labelled', prompt, max_tokens: 1, temperature: 0, logprobs: 1 },
    })
    const [{ logprobs }] = answered['choices'] as readonly { logprobs: { token_logprobs: number[] } }[]
    return logprobs.token_logprobs[0]
  }
  const { tokenizer } = served
  const { strategy } = (await lifeAt('labelled')).learner
  const said = 'cat 7 8'
  const label = strategy.context?.tokensOf({ domain: 'cats' }) ?? []
  const own = await first(served, said)
  expect(own).toBe(await first(bare, [...label, ...tokenizer.encode(said)]))
  expect(own).not.toBe(await first(bare, said))
  // Where a label would take the last place, the prompt stays as it is.
  const full = Array.from({ length: 15 }, () => 55)
  expect(await first(served, full)).toBe(await first(bare, full))
})

test('a talk is written behind the label that it seems to have', async () => {
  await bear('talking', {
    ...{ ...smallLife, model: { ...smallLife.model, context: 64 } },
    ...{ learningRate: 1e-2, vocabulary: 256, labels: true },
  })
  await printed('learn', place('notes'), '--resume', '--out', place('talking'))
  const { learner } = await lifeAt('talking')
  const prompt = byteTokenizer.encode('User: cat 7\nAssistant:')
  const answerBehind = async (label: readonly number[]): Promise<string | undefined> => {
    const how = { tokens: 6, temperature: 0, tokenizer: byteTokenizer }
    return (await learner.model.generate([...label, ...prompt], how)).text
  }
  const [alone, ...behind] = await Promise.all(
    [[], ...(learner.strategy.context?.labels ?? []).map(({ token }) => [token])].map(answerBehind),
  )
  const { output } = await called(['chat', '--from', place('talking'), '-n', '6', '-t', '0', '--json'], {
    input: 'cat 7\n',
  })
  const { content } = JSON.parse(output) as { content: string }
  expect(behind.map((text) => text?.trim())).toContain(content)
  expect(content).not.toBe(alone?.trim())
})

test('is a setting of a new life, which goes on with it', async () => {
  await printed('learn', place('cats.txt'), '--labels', '--out', place('new'))
  const { settings, learner } = await lifeAt('new')
  expect([settings.labels, learner.strategy.context?.name]).toEqual([true, 'labels of domain'])
  const config = place('settings.json')
  writeFileSync(
    config,
    JSON.stringify({ learn: { source: place('cats.txt'), out: place('by-file'), labels: true } }),
  )
  await printed('learn', '--config', config)
  expect((await lifeAt('by-file')).settings.labels).toBe(true)
  const plain = called(['learn', place('dogs.txt'), '--resume', '--labels', '--out', place('plain')])
  await expect(plain).rejects.toThrow('was begun with false')
  const small = join(import.meta.dirname, '../gold/small-llama')
  const brought = called(['learn', place('dogs.txt'), '--from', small, '--labels', '--out', place('brought')])
  await expect(brought).rejects.toThrow(/--labels with --from/)
  expect(await printed('learn', place('dogs.txt'), '--resume', '--labels', '--out', place('new'))).toBeTypeOf(
    'string',
  )
  expect((await lifeAt('new')).learner.strategy.context?.labels.map(({ name }) => name)).toEqual([
    'cats.txt',
    'dogs.txt',
  ])
})
