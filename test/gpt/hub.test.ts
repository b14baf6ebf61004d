/** Models of the hub, brought into a cache from a hub in memory: no network is asked. Reaches inside for what is used of the library. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PretrainedError } from '@burgeon/gpt'
import { type DownloadProgress, downloadPretrained, openPretrained } from '@burgeon/gpt/node'
import * as library from '@huggingface/hub'
import { UnsupportedError } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Hub } from '../../packages/gpt/src/pretrained/hub/hub-library.ts'
import { localHub } from './local-hub.ts'
import { goldFiles } from './memory-folder.ts'

const device = openReference()
const name = 'someone/a-llama'
const gguf = new Uint8Array(readFileSync(join(import.meta.dirname, '../gold/gguf/gpt2.gguf')))
const others: readonly [string, Uint8Array][] = [
  ['README.md', new Uint8Array(500)],
  ['pytorch_model.bin', new Uint8Array(500)],
  ['original/consolidated.safetensors', new Uint8Array(500)],
]
const llama = new Map([...goldFiles('llama'), ...others])
const unreachable: typeof fetch = () => Promise.reject(new TypeError('fetch failed'))

let cacheDir = ''
beforeEach(() => {
  cacheDir = mkdtempSync(join(tmpdir(), 'burgeon-hub-'))
  // The library says what it downloads.
  vi.spyOn(console, 'debug').mockImplementation(() => undefined)
})
afterEach(() => {
  rmSync(cacheDir, { recursive: true })
  vi.doUnmock('@huggingface/hub')
  vi.restoreAllMocks()
})

test('the library has what is used of it', () => {
  const used: Hub = library
  expect(used.getRepoFolderName({ type: 'model', name })).toBe('models--someone--a-llama')
})

test('what is needed is brought once, and says how far it is', async () => {
  const hub = localHub(name, llama)
  const steps: DownloadProgress[] = []
  const options = { cacheDir, fetch: hub.fetch, onProgress: (step: DownloadProgress) => steps.push(step) }
  const folder = await downloadPretrained(name, options)
  expect(hub.asked).toEqual(['config.json', 'model.safetensors'])
  const { model, tokenizer } = await openPretrained(folder, { device })
  expect([model.config.vocabulary, tokenizer]).toEqual([19, null])
  const size = ['config.json', 'model.safetensors'].reduce(
    (sum, file) => sum + (llama.get(file)?.length ?? 0),
    0,
  )
  expect(steps[0]).toMatchObject({ file: 'config.json', bytes: 0, totalBytes: 0, totalSize: size })
  expect(steps.at(-1)).toMatchObject({ file: 'model.safetensors', totalBytes: size, totalSize: size })
  const totals = steps.map(({ totalBytes }) => totalBytes)
  expect(totals).toEqual(totals.toSorted((a, b) => a - b))
  expect(await downloadPretrained(name, options)).toBe(folder)
  expect(hub.asked).toHaveLength(2)
  expect(readFileSync(join(cacheDir, 'models--someone--a-llama/refs/main'), 'utf8')).toBe('c'.repeat(40))
})

test('shards come with their index', async () => {
  const hub = localHub(name, new Map([...goldFiles('gpt2-untied-shards'), ...others]))
  const folder = await downloadPretrained(name, { cacheDir, fetch: hub.fetch })
  expect(hub.asked).toContain('model-00002-of-00002.safetensors')
  expect((await openPretrained(folder, { device })).model.config.untiedHead).toBe(true)
})

test('one GGUF file is brought by its name', async () => {
  const hub = localHub(name, new Map([...llama, ['a.Q8_0.gguf', gguf]]))
  const at = await downloadPretrained(name, { cacheDir, fetch: hub.fetch, file: 'a.Q8_0.gguf' })
  expect(hub.asked).toEqual(['a.Q8_0.gguf'])
  expect((await openPretrained(at, { device })).model.config.positions).toBe('learned')
  const wrong = downloadPretrained(name, { cacheDir, fetch: hub.fetch, file: 'b.gguf' })
  await expect(wrong).rejects.toThrow(/'b\.gguf'.*expected one of a\.Q8_0\.gguf/)
})

test('without a network, what an earlier download left is taken; else it is said what is missing', async () => {
  const offline = (): Promise<string> => downloadPretrained(name, { cacheDir, fetch: unreachable })
  await expect(offline()).rejects.toThrow(
    /got no answer from the hub for someone\/a-llama \(main\).*Is there a network\?/,
  )
  await expect(offline()).rejects.toThrow(PretrainedError)
  const folder = await downloadPretrained(name, { cacheDir, fetch: localHub(name, llama).fetch })
  expect(await offline()).toBe(folder)
})

test('a model that is not there, or has no weights that are read, is refused', async () => {
  const { fetch } = localHub(
    name,
    new Map([
      ['config.json', new Uint8Array(2)],
      ['a.gguf', gguf],
    ]),
  )
  await expect(downloadPretrained('no/body', { cacheDir, fetch })).rejects.toThrow(/status 404.*accessToken/)
  await expect(downloadPretrained(name, { cacheDir, fetch })).rejects.toThrow(
    /no model\.safetensors.*'a\.gguf'/,
  )
})

test.each(['../x', 'a/b/c', '/etc', 'a/..', ''])('a name that is none is refused: %s', async (wrong) => {
  await expect(downloadPretrained(wrong, { cacheDir, fetch: unreachable })).rejects.toThrow(/owner\/model/)
})

test('without the optional package it is said what to install', async () => {
  vi.doMock('@huggingface/hub', () => {
    throw new Error("Cannot find package '@huggingface/hub'")
  })
  const brought = downloadPretrained(name, { cacheDir, fetch: unreachable })
  await expect(brought).rejects.toThrow('npm i @huggingface/hub@2.17.5')
  await expect(brought).rejects.toThrow(UnsupportedError)
})
