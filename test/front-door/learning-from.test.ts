/** `burgeon learn --from`: a life that goes on from pre-trained weights, whatever happens to it on the way. */
import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { bitsPerByteOf } from '@burgeon/continual'
import { PretrainedTokenizer, readCheckpoint } from '@burgeon/gpt'
import { fromPretrained, nodeDisk, tokenizerFromPretrained } from '@burgeon/gpt/node'
import { continueLearning, loadLife, openModel, UsageError } from 'burgeon/session'
import { grow } from 'burgeon/growth'
import { describe, expect, test } from 'vitest'
import { temporaryFolder } from '../docs/programs.ts'
import { someOf } from '../how-long.ts'
import { running } from './running.ts'
import { printed } from './small-life.ts'

const small = join(import.meta.dirname, '../gold/small-llama')
/** Text of another kind than the model was trained on; letters in it are no bytes. */
const text = 'Là où la forêt était sombre, une petite fille chantait. '.repeat(240)

function folderWithText(): string {
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'a.txt'), text)
  return folder
}
const from = ['--from', small, '--own-text', '8', '--protection', '2']

/** The weights, and what the parts of the learner know, in a folder. */
async function known(life: string): Promise<unknown> {
  const { model, learner, tokenizer } = await readCheckpoint(nodeDisk(life))
  return { model, learner, tokenizer }
}

test('learns the text, rehearses its own, and every command opens the result', async () => {
  const folder = folderWithText()
  const life = join(folder, 'life')
  const file = join(folder, 'a.txt')
  const said = await printed('learn', file, '--out', life, ...from)
  expect(said).toMatch(/It goes on from [^\n]+small-llama: 18,\d+ parameters\.\n/)
  // EWC judges by 32 rows, of which 8 are rehearsed.
  expect(said).toContain('It has written 32 rows of its own text')
  const { learner, settings, tokenizer } = await loadLife(nodeDisk(life))
  expect(settings).toMatchObject({ pretrained: true, ownText: 8, protection: 2 })
  const own = learner.strategy.rehearsal?.sample(1000)?.domains.filter((domain) => domain === 'own text')
  expect(own).toHaveLength(8)
  const before = await fromPretrained(small)
  const theirs = await tokenizerFromPretrained(small)
  const heldOut = text.slice(0, 600)
  expect(await bitsPerByteOf(learner.model, heldOut, theirs)).toBeLessThan(
    (await bitsPerByteOf(before, heldOut, theirs)) - 1,
  )
  expect(tokenizer).toBeInstanceOf(PretrainedTokenizer)
  const opened = await openModel(life)
  expect([opened.form, opened.endTokens]).toEqual(['checkpoint', [2]])
  expect([...opened.tokenizer.encode('é x')]).toEqual([...theirs.encode('é x')])
  expect(await printed('generate', '--from', life, '-p', 'Là où', '-n', '12')).toMatch(/^Là où./)
  expect(await printed('eval', file, '--model', life)).toMatch(/bits per byte +\d/)
  expect(await printed('inspect', '--from', life)).toContain('own text, 8 rows')
})

test('killed or paused at any time and resumed, it ends with the same bits', async () => {
  const folder = folderWithText()
  const learn = (out: string, ...more: string[]) => running(['learn', 'a.txt', '--out', out, ...more], folder)
  const whole = learn('whole', ...from)
  expect(await whole.ended, whole.said.status).toBe(0)
  const ways = [
    ['killed', 'SIGKILL', 'SIGKILL'],
    ['paused', 'SIGINT', 0],
  ] as const
  for (const [out, signal, ends] of someOf(ways, 1)) {
    const first = learn(out, ...from)
    await first.says('status', /bits\/byte/)
    first.child.kill(signal)
    expect(await first.ended).toBe(ends)
    const { learner } = await loadLife(nodeDisk(join(folder, out)))
    if (signal === 'SIGINT') expect(learner.step).toBeGreaterThan(0)
    expect(learner.step).toBeLessThan((await loadLife(nodeDisk(join(folder, 'whole')))).learner.step)
    const second = learn(out, '--resume')
    expect(await second.ended, second.said.status).toBe(0)
    expect(await known(join(folder, out)), out).toEqual(await known(join(folder, 'whole')))
  }
})

test('a vocabulary that may grow goes on from the tokens of the model, and resumes with those it learnt', async () => {
  const folder = folderWithText()
  const life = join(folder, 'life')
  const options = ['--own-text', '2', '--vocabulary', '450', '--passes', '4', '--out', life]
  await printed('learn', join(folder, 'a.txt'), '--from', small, ...options)
  const { learner, tokenizer } = await loadLife(nodeDisk(life))
  const grown = tokenizer?.vocabulary ?? 0
  expect(grown).toBeGreaterThan(418)
  expect(learner.model.config.vocabulary).toBe(grown)
  writeFileSync(join(folder, 'b.txt'), text.slice(0, 2000))
  await printed('learn', join(folder, 'b.txt'), '--resume', '--out', life)
  const { tokenizer: opened, model } = await openModel(life)
  expect(opened.vocabulary).toBe(model.config.vocabulary)
  expect(opened.encode('Là où la forêt').length).toBeLessThan(
    (await tokenizerFromPretrained(small)).encode('Là où la forêt').length,
  )
})

describe('is refused, and nothing is made', () => {
  const folder = folderWithText()
  const file = join(folder, 'a.txt')
  const out = join(folder, 'life')
  test.for<[string, string[], RegExp]>([
    ['a model that is not there', ['--from', 'nowhere'], /^learn: there is nothing at nowhere; expected/],
    ['own text of no other model', ['--own-text', '3'], /got --own-text without --from/],
    [
      'fewer tokens than there are',
      ['--from', small, '--vocabulary', '300', '--own-text', '1'],
      /got tokens 300/,
    ],
  ])('%s', async ([, options, message]) => {
    await expect(printed('learn', file, '--out', out, ...options)).rejects.toThrow(message)
    expect(existsSync(out)).toBe(false)
  })

  test('a text that is not there, before the model writes any of its own', async () => {
    const missing = printed('learn', join(folder, 'no.txt'), '--out', out, '--from', small)
    await expect(missing).rejects.toThrow('does not exist')
    expect(existsSync(out)).toBe(false)
  })

  test('a folder that holds a life already stays as it is', async () => {
    const life = join(folder, 'other')
    await printed('learn', file, '--out', life, '--from', small, '--own-text', '1', '--max-parameters', '1')
    const before = await known(life)
    await expect(printed('learn', file, '--out', life, '--from', small)).rejects.toThrow('already holds')
    const again = printed('learn', file, '--out', life, '--from', small, '--resume')
    await expect(again).rejects.toThrow(UsageError)
    await expect(printed('learn', file, '--out', life, '--resume', '--own-text', '2')).rejects.toThrow(
      'was begun with 1',
    )
    expect(await known(life)).toEqual(before)
  })

  test('a checkpoint whose tokenizer is damaged', async () => {
    const life = join(folder, 'damaged')
    cpSync(join(folder, 'other'), life, { recursive: true })
    const { writeCheckpoint } = await import('@burgeon/gpt')
    const parts = await readCheckpoint(nodeDisk(life))
    await writeCheckpoint(nodeDisk(life), {
      ...parts,
      tokenizer: { tokenizerJson: '{', tokenizerConfig: '{}', vocabulary: 9, merges: [] },
    })
    await expect(openModel(life)).rejects.toThrow(
      /the tokenizer of this checkpoint is damaged: tokenizer\.json/,
    )
    await expect(loadLife(nodeDisk(life))).rejects.toThrow(/the tokenizer of this checkpoint is damaged/)
  })
})

test('the library goes on likewise: load, grow, go on learning', async () => {
  const { model, tokenizer } = await openModel(small)
  const probe = model.device.tensor([1, 2, 3], { shape: [1, 3], dtype: 'i32' })
  await grow(model, { kind: 'addLayer', at: 2 }, { mirrors: [], probe, key: [1, 2] })
  const learner = await continueLearning(model, { tokenizer, ownText: 4, protection: 1 })
  const first = await learner.observe(text.slice(0, 400))
  expect(first.rehearsedRows).toBeGreaterThan(0)
  expect(Object.keys(first.penalties)).toHaveLength(1)
  for (let i = 0; i < 40; i++) await learner.observe(text.slice(0, 400))
  const { bitsPerByte } = await learner.observe(text.slice(0, 400))
  expect(bitsPerByte).toBeLessThan(first.bitsPerByte - 0.5)
  expect(model.config.blocks).toHaveLength(3)
  expect(readFileSync(join(small, 'config.json'), 'utf8')).toContain('"num_hidden_layers": 2')
})
