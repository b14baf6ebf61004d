// Reaches inside: a command is part of the front door, which has no other entry than the process itself.
/** `hf://owner/model` in the place of a path: every command brings the model from a hub that runs here. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { PretrainedError } from '@burgeon/gpt'
import { OptionError, UnsupportedError } from '@burgeon/tensor'
import { openModel, UsageError } from 'burgeon/session'
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { commandLine } from '../../packages/burgeon/src/command-line.ts'
import { temporaryFolder } from '../docs/programs.ts'
import { localHub } from '../gpt/local-hub.ts'
import { printed } from './small-life.ts'

const name = 'someone/small-llama'
const place = `hf://${name}`
const small = join(import.meta.dirname, '../gold/small-llama')
const gguf = new Uint8Array(readFileSync(join(import.meta.dirname, '../gold/gguf/llama.gguf')))
const files = new Map<string, Uint8Array>([
  ...readdirSync(small).map((file) => [file, new Uint8Array(readFileSync(join(small, file)))] as const),
  ['a.Q8_0.gguf', gguf],
])
const hub = localHub(name, files)

/** The same hub, as a server. */
const server = createServer((request, response) => {
  void (async () => {
    const pieces: Uint8Array[] = []
    for await (const piece of request) pieces.push(piece as Uint8Array)
    const { range } = request.headers
    const answer = await hub.fetch(`http://hub${request.url ?? ''}`, {
      headers: range === undefined ? {} : { range },
      body: Buffer.concat(pieces).toString() || null,
      method: request.method ?? 'GET',
    })
    response.writeHead(answer.status, Object.fromEntries(answer.headers))
    response.end(new Uint8Array(await answer.arrayBuffer()))
  })()
})
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
const hubUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
afterAll(() => new Promise((resolve) => server.close(resolve)))

let cacheDir = ''
beforeEach(() => {
  cacheDir = temporaryFolder()
  hub.asked.length = 0
  vi.stubEnv('HF_HUB_CACHE', cacheDir)
  vi.spyOn(console, 'debug').mockImplementation(() => undefined)
})
afterEach(() => {
  vi.doUnmock('@huggingface/hub')
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
})

/** Runs a command with that hub; returns the exit code and what it wrote. */
async function run(
  args: readonly string[],
  stop = new AbortController(),
): Promise<{ codes: number[]; said: string; status: string }> {
  const result = { codes: [] as number[], said: '', status: '' }
  const { signal: closed } = new AbortController()
  const context = {
    input: (async function* () {})(),
    output: { write: (more: string) => (result.said += more) },
    status: { write: (more: string) => (result.status += more) },
    environment: { HF_ENDPOINT: hubUrl },
    now: () => 0,
    stop: stop.signal,
    closed,
  }
  await commandLine(context, (code) => result.codes.push(code)).parseAsync([...args], { from: 'user' })
  return result
}

describe('a name on the hub', () => {
  test('is opened as the folder itself, with its tokenizer, and brought once', async () => {
    const options = { hubUrl, cacheDir }
    const [theirs, ours] = [await openModel(place, options), await openModel(small)]
    expect([theirs.form, theirs.endTokens]).toEqual(['folder', ours.endTokens])
    expect((await theirs.model.toState()).weights).toEqual((await ours.model.toState()).weights)
    expect([...theirs.tokenizer.encode('The model')]).toEqual([...ours.tokenizer.encode('The model')])
    const { length } = hub.asked
    expect(hub.asked).toContain('model.safetensors')
    await openModel(place, options)
    expect(hub.asked).toHaveLength(length)
  })

  test('may name a revision and one GGUF file', async () => {
    const opened = await openModel(`${place}@main/a.Q8_0.gguf`, { hubUrl, cacheDir })
    expect([opened.form, hub.asked]).toEqual(['gguf', ['a.Q8_0.gguf']])
    expect(readFileSync(join(cacheDir, 'models--someone--small-llama/refs/main'), 'utf8')).toHaveLength(40)
  })

  const folder = temporaryFolder()
  const text = join(folder, 'a.txt')
  writeFileSync(text, 'The model grows when its loss no longer falls. '.repeat(20))
  const at = (path: string): readonly (readonly [string, readonly string[]])[] => [
    ['generate', ['--from', path, '-p', 'The model', '-n', '6', '-t', '0']],
    ['eval', [text, '--model', path]],
    ['inspect', [path]],
  ]
  test.for(at(place).map(([command], i) => [command, i] as const))('is taken by %s', async ([command, i]) => {
    const { codes, said, status } = await run([command, ...at(place)[i][1]])
    expect(codes).toEqual([0])
    const local = await printed(command, ...at(small)[i][1])
    expect(lines(said.replaceAll(place, 'it'))).toEqual(lines(local.replaceAll(small, 'it')))
    expect(status).toContain('model.safetensors')
  })

  test('is taken by chat, convert and learn --from', async () => {
    const talk = await run(['chat', '--from', place, '--plain', '-n', '2'])
    expect(talk.codes).toEqual([0])
    expect((await run(['convert', place, join(folder, 'ours')])).codes).toEqual([0])
    const learning = ['learn', text, '--from', place, '--own-text', '2', '--out', join(folder, 'life')]
    const { codes, said } = await run(learning)
    expect(codes).toEqual([0])
    expect(said).toContain(`It goes on from ${place}: `)
    expect((await openModel(join(folder, 'ours'))).form).toBe('checkpoint')
  })

  test('is no place to write to', async () => {
    await expect(run(['convert', small, `${place}-2`])).rejects.toThrow(/is on the hub/)
  })

  test.for(['hf://', 'hf://alone', 'hf://a/b/c.bin', 'hf://a/b@', 'hf://a/b@main/'])(
    'of another form is a UsageError: %s',
    async (wrong) => {
      await expect(openModel(wrong, { hubUrl, cacheDir })).rejects.toThrow(UsageError)
      await expect(openModel(wrong, { hubUrl, cacheDir })).rejects.toThrow(/expected hf:\/\/owner\/model/)
    },
  )

  test('that is not there is said, and so are a hub that does not answer and options that are none', async () => {
    await expect(run(['inspect', 'hf://no/body'])).rejects.toThrow(/status 404/)
    await expect(run(['inspect', 'hf://no/body'])).rejects.toThrow(PretrainedError)
    const offline = { cacheDir, fetch: () => Promise.reject(new TypeError('fetch failed')) }
    await expect(openModel(place, offline)).rejects.toThrow(/Is there a network\?/)
    await expect(openModel(place, { revision: 'main' } as object)).rejects.toThrow(OptionError)
  })

  test('without the optional package is an error that says what to install', async () => {
    vi.doMock('@huggingface/hub', () => {
      throw new Error("Cannot find package '@huggingface/hub'")
    })
    const opening = run(['generate', '--from', place, '-p', 'The'])
    await expect(opening).rejects.toThrow(/npm i @huggingface\/hub@/)
    await expect(opening).rejects.toThrow(UnsupportedError)
  })

  test('is left when the user stops', async () => {
    const stop = new AbortController()
    stop.abort('SIGINT')
    await expect(run(['generate', '--from', place, '-p', 'The'], stop)).rejects.toBe('SIGINT')
    expect(hub.asked).toEqual([])
  })
})

const lines = (text: string): string[] => text.split('\n').map((line) => line.replaceAll(/ +|\u2500+/g, ' '))
