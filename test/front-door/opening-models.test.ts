// Reaches inside: a command is part of the front door, which has no other entry than the process itself.
/** `generate` and `eval` on whatever a path leads to; what leads to no model is one line that says so. */
import { cpSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { evaluateText } from '@burgeon/continual'
import { byteTokenizer, Gpt, PretrainedError, TokenizerError, writeCheckpoint } from '@burgeon/gpt'
import { fromPretrained, nodeDisk, tokenizerFromPretrained } from '@burgeon/gpt/node'
import { openModel, UsageError } from 'burgeon/session'
import { describe, expect, test } from 'vitest'
import { temporaryFolder } from '../docs/programs.ts'
import { commandLine } from '../../packages/burgeon/src/command-line.ts'
import { running } from './running.ts'
import { printed } from './small-life.ts'

const small = join(import.meta.dirname, '../gold/small-llama')
const model = await fromPretrained(small)
const tokenizer = await tokenizerFromPretrained(small)

const place = temporaryFolder()
const born = Gpt.create({ context: 16, embed: 16, heads: 2, layers: 1, mlpHidden: 16 }, { seed: 1 })
const checkpoint = join(place, 'checkpoint')
await writeCheckpoint(nodeDisk(checkpoint), { model: await born.toState() })
const text = 'The model grows when its loss no longer falls. '.repeat(3)
const file = join(place, 'a.txt')
writeFileSync(file, text)

/** A copy of the folder in which one thing is other. */
function changed(change: (folder: string) => void): string {
  const folder = join(temporaryFolder(), 'model')
  cpSync(small, folder, { recursive: true })
  change(folder)
  return folder
}

describe('generate', () => {
  test.for(['The model', 'The', 'It grows when the loss'])(
    'goes on from "%s" with the weights and the tokenizer of a folder, no space lost',
    async (prompt) => {
      const how = { tokens: 20, temperature: 0, tokenizer, stopTokens: [2] }
      const { tokens } = await model.generate(prompt, how)
      const whole = tokenizer.decode([...tokenizer.encode(prompt), ...tokens], { skipSpecialTokens: true })
      const said = await printed('generate', '--from', small, '-p', prompt, '-n', '20', '-t', '0')
      expect(said).toBe(`${whole.trimStart()}\n`)
      expect(said.length).toBeGreaterThan(20)
    },
  )

  test('ends at the token that the configuration calls the end', async () => {
    const [, first] = await (async () => {
      const { tokens } = await model.generate('The model', { tokens: 8, temperature: 0, tokenizer })
      return [0, tokens[3]]
    })()
    const folder = changed((at) =>
      writeFileSync(join(at, 'generation_config.json'), JSON.stringify({ eos_token_id: [first] })),
    )
    const { text: whole } = await model.generate('The model', {
      ...{ tokens: 30, temperature: 0, tokenizer, stopTokens: [first] },
    })
    expect(await printed('generate', '--from', folder, '-p', 'The model', '-n', '30', '-t', '0')).toBe(
      `The model${whole}\n`,
    )
    expect((await openModel(folder)).endTokens).toEqual([first])
  })
})

describe('eval', () => {
  test('prints what evaluateText measures, of a folder and of a checkpoint', async () => {
    for (const [path, of] of [
      [small, () => evaluateText(model, text, { tokenizer, window: 16, stride: 4 })],
      [checkpoint, () => evaluateText(born, text, { window: 16, stride: 4 })],
    ] as const) {
      const options = ['--model', path, '--window', '16', '--stride', '4']
      const result = await of()
      const json = JSON.parse(await printed('eval', file, ...options, '--json')) as object
      const form = path === small ? 'folder' : 'checkpoint'
      expect(json).toEqual({ file, model: path, form, ...result })
      const said = await printed('eval', file, ...options)
      expect(said).toContain(`bits per byte   ${result.bitsPerByte.toFixed(3)}\n`)
      expect(said).toContain(`nats per token  ${result.natsPerToken.toFixed(4)}\n`)
      expect(said).toMatch(/windows +16 tokens, 4 of them new/)
    }
  })

  test('reads standard input', async () => {
    const burgeon = running(['eval', '-', '--model', small, '--json'], place)
    burgeon.child.stdin.end(text)
    expect(await burgeon.ended, burgeon.said.status).toBe(0)
    const { bitsPerByte } = await evaluateText(model, text, { tokenizer })
    expect(JSON.parse(burgeon.said.output)).toMatchObject({ file: '-', bitsPerByte })
  })

  test('hears Ctrl-C while it measures', async () => {
    writeFileSync(join(place, 'long.txt'), text.repeat(400))
    const stop = new AbortController()
    const { signal: closed } = new AbortController()
    let said = ''
    const output = { write: (more: string) => (said += more) }
    const context = { output, status: output, environment: {}, now: () => 0, stop: stop.signal, closed }
    const codes: number[] = []
    const command = ['eval', join(place, 'long.txt'), '--model', small, '--stride', '1']
    setTimeout(() => stop.abort('SIGINT'))
    await commandLine(context, (code) => codes.push(code)).parseAsync(command, { from: 'user' })
    expect([codes, said]).toEqual([[130], ''])
  })

  test.for([
    ['--window', '17', /--window 17; expected at most the context of the model, 16/],
    ['--stride', '17', /--stride 17; expected at most the window of 16/],
    ['--window', '0', /whole number of 1 or more/],
  ] as const)('refuses %s %s', async ([flag, value, message]) => {
    await expect(printed('eval', file, '--model', checkpoint, flag, value)).rejects.toThrow(message)
  })

  test.for(['nowhere.txt', '.'])('a text that cannot be read, %s, is refused', async (name) => {
    const reading = printed('eval', join(place, name), '--model', small)
    await expect(reading).rejects.toThrow(/^eval: [^\n]+; expected a file with text, or -\.$/)
  })

  test('a text of nothing is refused', async () => {
    writeFileSync(join(place, 'empty.txt'), '')
    await expect(printed('eval', join(place, 'empty.txt'), '--model', small)).rejects.toThrow('got 0 bytes')
  })
})

test('a GGUF file is opened with the tokenizer inside it, and one without says so', async () => {
  const gguf = join(import.meta.dirname, '../gold/gguf/llama.gguf')
  const { form, model: read, tokenizer: own } = await openModel(gguf)
  expect([form, own.vocabulary]).toEqual(['gguf', read.config.vocabulary])
  const json = JSON.parse(await printed('eval', file, '--model', gguf, '--json')) as object
  expect(json).toMatchObject({ form: 'gguf', ...(await evaluateText(read, text, { tokenizer: own })) })
  expect(await printed('generate', '--from', gguf, '-p', 'The', '-n', '4')).toMatch(/^The/)
  await expect(openModel(join(import.meta.dirname, '../gold/gguf/qwen2.gguf'))).rejects.toThrow(
    /has no tokenizer/,
  )
  const cut = join(place, 'cut.gguf')
  cpSync(gguf, cut)
  truncateSync(cut, 9000)
  await expect(openModel(cut)).rejects.toThrow(PretrainedError)
  await expect(openModel(cut)).rejects.toThrow(/^[^\n]*cut\.gguf: [^\n]+$/)
})

describe('a path', () => {
  test('to a checkpoint opens it as bytes, to a folder with its tokenizer', async () => {
    const ours = await openModel(checkpoint)
    expect([ours.form, ours.endTokens, ours.tokenizer.vocabulary]).toEqual(['checkpoint', [], 256])
    expect([...ours.tokenizer.encode('é')]).toEqual([...byteTokenizer.encode('é')])
    const theirs = await openModel(small)
    expect([theirs.form, theirs.endTokens]).toEqual(['folder', [2]])
    expect([...theirs.tokenizer.encode('é x')]).toEqual([...tokenizer.encode('é x')])
  })

  test.for([
    ['nowhere', /there is nothing at/],
    ['', /there is nothing at/],
    ['a.txt', /is a file, and none that begins as GGUF does/],
    ['a.txt/below', /there is nothing at/],
    ['empty', /holds neither a checkpoint nor a config\.json/],
  ] as const)('%s, which leads to no model, is a UsageError', async ([name, message]) => {
    mkdirSync(join(place, 'empty'), { recursive: true })
    const opening = openModel(name === '' ? '' : join(place, name))
    await expect(opening).rejects.toThrow(UsageError)
    await expect(openModel(name === '' ? '' : join(place, name))).rejects.toThrow(message)
  })

  type Damage = readonly [
    what: string,
    change: (folder: string) => void,
    names: RegExp,
    type: typeof PretrainedError,
  ]
  const config = (folder: string, keys: object): void => {
    const at = join(folder, 'config.json')
    writeFileSync(at, JSON.stringify({ ...(JSON.parse(readFileSync(at, 'utf8')) as object), ...keys }))
  }
  const damages: readonly Damage[] = [
    [
      'a key that cannot be represented',
      (at) => config(at, { num_experts: 4 }),
      /config\.json.*num_experts/,
      PretrainedError,
    ],
    ['another architecture', (at) => config(at, { model_type: 'mamba' }), /model_type/, PretrainedError],
    [
      'a width that is not that of the weights',
      (at) => config(at, { intermediate_size: 40 }),
      /model\.safetensors.*mlp/,
      PretrainedError,
    ],
    ['no weights', (at) => rmSync(join(at, 'model.safetensors')), /model\.safetensors/, PretrainedError],
    [
      'half of the weights',
      (at) => truncateSync(join(at, 'model.safetensors'), 40_000),
      /model\.safetensors/,
      PretrainedError,
    ],
    [
      'a config.json that is no JSON',
      (at) => writeFileSync(join(at, 'config.json'), '{'),
      /config\.json/,
      PretrainedError,
    ],
    ['no tokenizer', (at) => rmSync(join(at, 'tokenizer.json')), /tokenizer\.json/, TokenizerError as never],
    [
      'a tokenizer that is damaged',
      (at) => writeFileSync(join(at, 'tokenizer.json'), '{"model":{}}'),
      /tokenizer\.json/,
      TokenizerError as never,
    ],
  ]
  test.for(damages)('with %s is a typed error that names it', async ([, change, names, type]) => {
    const opening = openModel(changed(change))
    await expect(opening).rejects.toThrow(type)
    await expect(opening).rejects.toThrow(names)
    await expect(opening).rejects.toThrow(/^[^\n]+$/)
  })

  test('that is damaged is one line of the command, and its exit code is 1', async () => {
    const folder = changed((at) => truncateSync(join(at, 'model.safetensors'), 40_000))
    const burgeon = running(['generate', '--from', 'model', '-p', 'The', '-n', '3'], join(folder, '..'))
    expect(await burgeon.ended).toBe(1)
    expect(burgeon.said.output).toBe('')
    expect(burgeon.said.status).toMatch(/^burgeon: model: model\.safetensors: [^\n]+\n$/)
  })
})
