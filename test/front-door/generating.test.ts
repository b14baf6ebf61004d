// Reaches inside: a command is part of the front door, which has no other entry than the process itself.
/** What `burgeon generate` may be told beside prompt and temperature. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { byteTokenizer, ContextFullError, generate } from '@burgeon/gpt'
import { nodeDisk } from '@burgeon/gpt/node'
import { OptionError } from 'burgeon'
import { buildLearner, emptyRecord, saveLife } from 'burgeon/session'
import { afterAll, expect, test } from 'vitest'
import { printableLines } from '../../packages/burgeon/src/terminal/terminal.ts'
import { printed, smallLife } from './small-life.ts'

const folder = mkdtempSync(join(tmpdir(), 'burgeon-generating-'))
afterAll(() => rmSync(folder, { recursive: true }))

const { vocabulary: _, ...settings } = smallLife
const learner = buildLearner(settings)
await saveLife(nodeDisk(folder), { settings, learner, record: emptyRecord(learner.model.parameters.size) })
const { context } = learner.model.config

const said = (...options: readonly string[]): Promise<string> =>
  printed('generate', '--from', folder, '-p', 'ab', ...options)

test('every option reaches the generation', async () => {
  const options = {
    ...{ temperature: 0.7, topK: 90, topP: 0.9, minP: 0.01, seed: 3 },
    ...{ repetitionPenalty: 1.3, frequencyPenalty: 0.5, presencePenalty: 0.25 },
  }
  const flags = ['-t', '0.7', '--top-k', '90', '--top-p', '0.9', '--min-p', '0.01', '--seed', '3']
  const penalties = [
    '--repetition-penalty',
    '1.3',
    '--frequency-penalty',
    '0.5',
    '--presence-penalty',
    '0.25',
  ]
  const how = { ...options, tokens: 10, tokenizer: byteTokenizer }
  const { text } = await generate(learner.model, 'ab', how)
  expect(await said('-n', '10', ...flags, ...penalties)).toBe(`${printableLines(`ab${text}`)}\n`)
  for (const [flag, wrong] of [
    ['--min-p', '2'],
    ['--repetition-penalty', '0'],
    ['--frequency-penalty', 'a'],
    ['--when-full', 'never'],
  ]) {
    await expect(said('-n', '1', flag, wrong)).rejects.toThrow(flag)
  }
})

test('a stop text ends it and is not shown', async () => {
  const how = { tokens: 200, temperature: 1, tokenizer: byteTokenizer }
  const { text = '' } = await generate(learner.model, 'ab', how)
  const [stop] = text.match(/[c-zC-Z]/) ?? []
  expect(stop).toMatch(/^[c-zC-Z]$/)
  const before = `ab${text.slice(0, text.indexOf(stop ?? ''))}`
  expect(await said('-n', '200', '-t', '1', '--stop', stop ?? '')).toBe(`${printableLines(before)}\n`)
  await expect(said('--stop', '')).rejects.toThrow(OptionError)
})

test('a full context ends it, or is an error, if that is wanted', async () => {
  const many = ['-n', String(2 * context), '-t', '0']
  const slid = await said(...many)
  const stopped = await said(...many, '--when-full', 'stop')
  expect(slid.length).toBeGreaterThan(stopped.length)
  expect(slid).toContain(stopped.trimEnd().slice(0, 10))
  await expect(said(...many, '--when-full', 'error')).rejects.toThrow(ContextFullError)
})
