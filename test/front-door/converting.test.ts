/** `burgeon convert` and `burgeon inspect` on folders and GGUF files: the same model in another form, and nothing overwritten. */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { byteTokenizer, Gpt, PretrainedError, TokenizerError, writeCheckpoint } from '@burgeon/gpt'
import { fromPretrained, nodeDisk, tokenizerFromPretrained } from '@burgeon/gpt/node'
import { grow } from 'burgeon/growth'
import { openModel, UsageError } from 'burgeon/session'
import { describe, expect, test } from 'vitest'
import { temporaryFolder } from '../docs/programs.ts'
import { running } from './running.ts'
import { printed } from './small-life.ts'

const small = join(import.meta.dirname, '../gold/small-llama')
const gguf = join(import.meta.dirname, '../gold/gguf/llama.gguf')
const sizes = { context: 16, embed: 16, heads: 2, layers: 2, mlpHidden: 24, norm: 'layer' } as const

/** The weights of a model, by path. */
async function weightsOf(path: string): Promise<Record<string, unknown>> {
  const { weights } = await (await openModel(path)).model.toState()
  return Object.fromEntries(Object.entries(weights).map(([at, { data }]) => [at, [...data]]))
}

/** A checkpoint of a model of bytes, grown by some requests. */
async function checkpoint(place: string, ...grown: readonly Parameters<typeof grow>[1][]): Promise<string> {
  const model = Gpt.create(sizes, { seed: 2 })
  for (const request of grown) await grow(model, request as never, { mirrors: [], key: [1, 2] })
  await writeCheckpoint(nodeDisk(place), { model: await model.toState() })
  return place
}

describe('convert', () => {
  test('folder to checkpoint to folder is the same model with the same tokenizer', async () => {
    const at = temporaryFolder()
    const [middle, end] = [join(at, 'checkpoint'), join(at, 'folder')]
    expect(await printed('convert', small, middle)).toContain('as a checkpoint')
    expect((await openModel(middle)).form).toBe('checkpoint')
    expect(await printed('convert', middle, end)).toContain('as a folder in the form of Hugging Face')
    for (const path of [middle, end]) {
      expect(await weightsOf(path)).toEqual(await weightsOf(small))
      const { tokenizer, endTokens } = await openModel(path)
      const text = 'The model, é 😀 and all.'
      expect([...tokenizer.encode(text)]).toEqual([...(await tokenizerFromPretrained(small)).encode(text)])
      expect(endTokens).toEqual([2])
    }
    expect(readFileSync(join(end, 'model.safetensors'))).toEqual(
      readFileSync(join(small, 'model.safetensors')),
    )
    expect(JSON.parse(readFileSync(join(end, 'tokenizer_config.json'), 'utf8'))).toHaveProperty(
      'chat_template',
    )
    expect(readdirSync(at).toSorted()).toEqual(['checkpoint', 'folder'])
  })

  test('a checkpoint of bytes becomes a folder whose tokenizer is of bytes', async () => {
    const at = temporaryFolder()
    const from = await checkpoint(join(at, 'life'))
    await printed('convert', from, join(at, 'folder'))
    const { tokenizer, model, form } = await openModel(join(at, 'folder'))
    expect(form).toBe('folder')
    const all = String.fromCodePoint(...Array.from({ length: 600 }, (_, i) => i))
    expect([...tokenizer.encode(all)]).toEqual([...byteTokenizer.encode(all)])
    expect(tokenizer.decode(tokenizer.encode(all))).toBe(all)
    expect(await weightsOf(join(at, 'folder'))).toEqual(await weightsOf(from))
    expect(model.config.vocabulary).toBe(256)
  })

  test('a GGUF file becomes a folder with --to folder', async () => {
    const at = temporaryFolder()
    await printed('convert', gguf, join(at, 'folder'), '--to', 'folder')
    expect(await weightsOf(join(at, 'folder'))).toEqual(await weightsOf(gguf))
    await fromPretrained(join(at, 'folder'))
  })

  test('a folder becomes a GGUF file of the same model and tokenizer, of the type that is asked for', async () => {
    const at = temporaryFolder()
    const [whole, half] = [join(at, 'a.gguf'), join(at, 'half.gguf')]
    const folder = join(at, 'folder')
    await printed('convert', gguf, folder, '--to', 'folder')
    await printed('convert', folder, whole)
    expect(await weightsOf(whole)).toEqual(await weightsOf(gguf))
    const { tokenizer, form } = await openModel(whole)
    expect(form).toBe('gguf')
    const text = 'The model, é 😀 and all.'
    expect([...tokenizer.encode(text)]).toEqual([...(await tokenizerFromPretrained(folder)).encode(text)])
    await printed('convert', folder, half, '--type', 'F16')
    expect(await printed('inspect', half)).toMatch(/weights +[^\n]*[\d,]+ in F16/)
    const before = readFileSync(whole)
    await expect(printed('convert', folder, whole)).rejects.toThrow('is there already')
    expect(readFileSync(whole)).toEqual(before)
    await expect(printed('convert', folder, join(at, 'c'), '--type', 'F16')).rejects.toThrow('got --type')
    await expect(printed('convert', folder, join(at, 'c.gguf'), '--to', 'folder')).rejects.toThrow('got --to')
    // Its scores cannot say which merges there are.
    await expect(printed('convert', small, join(at, 'c.gguf'))).rejects.toThrow(TokenizerError)
    const grown = await checkpoint(join(at, 'life'), { kind: 'widenMlp', block: 'b0', to: 32 })
    await expect(printed('convert', grown, join(at, 'c.gguf'))).rejects.toThrow(PretrainedError)
    expect(readdirSync(at).toSorted()).toEqual(['a.gguf', 'folder', 'half.gguf', 'life'])
  })

  test.for([
    ['widenMlp', { kind: 'widenMlp', block: 'b0', to: 32 }],
    ['addExperts', { kind: 'addExperts', block: 'b1', to: 2 }],
    ['addAdapter', { kind: 'addAdapter', block: 'b1', to: 2 }],
  ] as const)(
    '%s that no class of such a folder has is named, and nothing is written',
    async ([name, request]) => {
      const at = temporaryFolder()
      const from = await checkpoint(join(at, 'life'), request)
      const converting = printed('convert', from, join(at, 'folder'))
      await expect(converting).rejects.toThrow(PretrainedError)
      await expect(converting).rejects.toThrow(name)
      expect(readdirSync(at)).toEqual(['life'])
    },
  )

  test('never writes where something is', async () => {
    const at = temporaryFolder()
    for (const name of ['file', 'full/mine', 'hidden/.mine']) {
      mkdirSync(join(at, name, '..'), { recursive: true })
      writeFileSync(join(at, name), 'mine')
    }
    for (const name of ['file', 'full', 'hidden', 'file/below']) {
      await expect(printed('convert', small, join(at, name)), name).rejects.toThrow(UsageError)
    }
    await expect(printed('convert', small, small)).rejects.toThrow('holds config.json')
    for (const name of ['file', 'full/mine', 'hidden/.mine']) {
      expect(readFileSync(join(at, name), 'utf8')).toBe('mine')
    }
    mkdirSync(join(at, 'empty'))
    await printed('convert', small, join(at, 'empty'))
    expect((await openModel(join(at, 'empty'))).form).toBe('checkpoint')
  })

  test('what cannot be read makes nothing, and is one line', async () => {
    const at = temporaryFolder()
    cpSync(small, join(at, 'broken'), { recursive: true })
    writeFileSync(join(at, 'broken/model.safetensors'), 'no weights')
    const burgeon = running(['convert', 'broken', 'new'], at)
    expect(await burgeon.ended).toBe(1)
    expect(burgeon.said.output).toBe('')
    expect(burgeon.said.status).toMatch(/^burgeon: broken: model\.safetensors: [^\n]+\n$/)
    expect(existsSync(join(at, 'new'))).toBe(false)
    expect(readdirSync(at)).toEqual(['broken'])
  })
})

describe('inspect', () => {
  test('says what a folder and a GGUF file are', async () => {
    const said = await printed('inspect', small)
    expect(said).toMatch(/architecture +llama\n/)
    expect(said).toMatch(/weights +[\d,]+ in F32; 74\.9 kB in 1 file\n/)
    expect(said).toMatch(/opens +yes\n/)
    expect(said).toMatch(/blocks b0 to b1 +4 heads of 6, 2 of keys and values, 32 hidden units\n/)
    expect(said).toMatch(/tokenizer +418 tokens, begins with 1, ends with 2, a chat template\n/)
    expect(await printed('inspect', '--from', gguf)).toMatch(/form +GGUF file\narchitecture +llama\n/)
  })

  test('says what would be refused, and ends with 1', async () => {
    const at = temporaryFolder()
    cpSync(small, join(at, 'model'), { recursive: true })
    const config = JSON.parse(readFileSync(join(small, 'config.json'), 'utf8')) as object
    writeFileSync(join(at, 'model/config.json'), JSON.stringify({ ...config, num_experts: 8 }))
    const burgeon = running(['inspect', 'model'], at)
    expect(await burgeon.ended).toBe(1)
    expect(burgeon.said.output).toMatch(/architecture +llama\n/)
    expect(burgeon.said.output).toMatch(/opens +no\nrefused +model: config\.json: [^\n]*num_experts[^\n]*\n/)
    expect(burgeon.said.status).toBe('')
  })

  test('of a folder knows no growth, and takes one path', async () => {
    await expect(printed('inspect', small, '--growth')).rejects.toThrow('does not say how it grew')
    await expect(printed('inspect', small, '--from', small)).rejects.toThrow('expected one of them')
  })
})
