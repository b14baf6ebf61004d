/** Tokenizers in folders, as models are published. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PretrainedTokenizer, TokenizerError } from '@burgeon/gpt'
import { tokenizerFromPretrained } from '@burgeon/gpt/node'
import { expect, onTestFinished, test } from 'vitest'
import { shapes, tokenizerConfig } from './tokenizer-shapes.ts'

function folderOf(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'burgeon-tokenizer-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  return folder
}

const json = JSON.stringify(shapes.llama2())

test('a folder gives the tokenizer, the names of special tokens, and the template beside them', async () => {
  const config = { ...tokenizerConfig, chat_template: 'of the configuration' }
  const files = { 'tokenizer.json': json, 'tokenizer_config.json': JSON.stringify(config) }
  const tokenizer = await tokenizerFromPretrained(folderOf(files), { vocabulary: 700 })
  expect(tokenizer.encode('Once <s>')).toEqual(new PretrainedTokenizer(json).encode('Once <s>'))
  expect([tokenizer.bosTokenId, tokenizer.eosTokenId, tokenizer.padTokenId]).toEqual([1, 2, null])
  expect([tokenizer.tokenToId('<s>'), tokenizer.tokenToId('<none>'), tokenizer.vocabulary]).toEqual([
    1,
    null,
    700,
  ])
  expect(await tokenizer.applyChatTemplate([])).toBe('of the configuration')
  const both = folderOf({ ...files, 'chat_template.jinja': '{{ bos_token }}beside it' })
  expect(await (await tokenizerFromPretrained(both)).applyChatTemplate([])).toBe('<s>beside it')
})

test('tokenizer.json alone is enough', async () => {
  const tokenizer = await tokenizerFromPretrained(folderOf({ 'tokenizer.json': json }))
  expect(tokenizer.encode('Once')).toEqual(new PretrainedTokenizer(json).encode('Once'))
  expect(tokenizer.bosTokenId).toBe(null)
})

test('what is missing or damaged is told with the name of the file', async () => {
  const reading = async (files: Readonly<Record<string, string>>): Promise<unknown> =>
    tokenizerFromPretrained(folderOf(files)).catch((error: unknown) => error)
  expect(await reading({})).toBeInstanceOf(TokenizerError)
  expect(String(await reading({}))).toContain('has no tokenizer.json')
  expect(String(await reading({ 'tokenizer.json': json.slice(0, -9) }))).toContain(
    'tokenizer.json: expected JSON',
  )
  for (const broken of ['{', '[]', '7', 'null']) {
    const error = await reading({ 'tokenizer.json': json, 'tokenizer_config.json': broken })
    expect(error).toBeInstanceOf(TokenizerError)
    expect(String(error)).toContain('tokenizer_config.json')
  }
  const folder = folderOf({})
  mkdirSync(join(folder, 'tokenizer.json'))
  await expect(tokenizerFromPretrained(folder)).rejects.toThrow('tokenizer.json: it cannot be read')
})
