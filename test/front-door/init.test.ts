/**
 * `burgeon init`: what it asks, what it writes, and that it leaves nothing where somebody leaves.
 * Reaches inside: a terminal that tests can type at is handed to the command itself.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { runInNewContext } from 'node:vm'
import { defineConfig } from 'burgeon'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { configText, settingsOf } from '../../packages/burgeon/src/commands/init/config-text.ts'
import { init } from '../../packages/burgeon/src/commands/init/init.ts'
import { temporaryFolder } from '../docs/programs.ts'
import { times } from '../how-long.ts'
import { running } from './running.ts'
import { written } from './small-checkout.ts'

const [enter, ctrlC] = ['\r', '\u0003']

/** Runs it in a folder at a terminal where these keys are typed, each answer when the next question stands. */
async function typed(
  folder: string,
  ...answers: readonly string[]
): Promise<{ code: number; output: string }> {
  const [input, screen] = [new PassThrough(), new PassThrough()]
  const stop = new AbortController()
  let [said, shown] = ['', '']
  const left = [...answers]
  screen.setEncoding('utf8').on('data', (more: string) => {
    shown += more
    // Every question ends with a mark; what is drawn again after a key has none that is new.
    const asked = new Set(shown.match(/[A-Z][^?\n]*\?/g)).size
    while (answers.length - left.length < asked && left.length > 0) setImmediate(key, left.shift())
  })
  const key = (text: string | undefined): void => void input.write(text)
  const output = { write: (more: string) => (said += more) }
  const context = {
    ...{ output, status: output, environment: {}, now: () => 0, stop: stop.signal, closed: stop.signal },
  }
  const dialogue = { input, output: screen, signal: stop.signal }
  const code = await init({ yes: false, force: false, json: false }, context, folder, dialogue)
  expect(left).toEqual([])
  return { code, output: said }
}

const configIn = (folder: string): unknown => {
  const [name] = readdirSync(folder).filter((each) => each.startsWith('burgeon.config.'))
  const text = readFileSync(join(folder, name), 'utf8')
  return JSON.parse(JSON.stringify(valueIn(text)))
}

const valueIn = (text: string): unknown =>
  runInNewContext(text.replace(/^import .*\n/m, '').replace(/export default/, 'value ='), {
    defineConfig,
    value: null,
  })

const usualSettings = {
  learn: { source: 'notes', sleepEvery: 1000 },
  serve: { learn: 'notes', port: 8080, sleepEvery: 1000 },
}

test('asks five things, and what is usual takes five times Enter', async () => {
  const folder = await written([])
  const { code, output } = await typed(folder, enter, enter, enter, enter, enter)
  expect(code).toBe(0)
  expect(output).toMatch(/^Wrote burgeon\.config\.ts\.\nPut a text into notes;[^]*Then: npx burgeon serve\n$/)
  expect(configIn(folder)).toEqual(usualSettings)
  expect(readdirSync(folder).toSorted()).toEqual(['burgeon.config.ts', 'notes'])
})

test('what is answered is written, keys for the owner alone; keys that are there stay', async () => {
  const folder = await written([['my notes/a.txt', 'text']])
  const back = '\u007f'.repeat(5)
  const answers = [`${back}my notes${enter}`, `models/llama${enter}`, 'n', `${back}81${enter}`, `y`]
  const { code, output } = await typed(folder, ...answers)
  expect(code).toBe(0)
  expect(output).not.toContain('Put a text')
  expect(configIn(folder)).toEqual({
    learn: { source: 'my notes', from: 'models/llama' },
    serve: { learn: 'my notes', port: 81, from: 'models/llama', host: '0.0.0.0', keys: 'keys.json' },
  })
  const file = join(folder, 'keys.json')
  const keys = JSON.parse(readFileSync(file, 'utf8')) as { key: string; scopes: string[] }[]
  expect(keys.map(({ scopes }) => scopes)).toEqual([['read'], ['read', 'teach', 'admin']])
  expect(new Set(keys.map(({ key }) => key)).size).toBe(2)
  for (const { key } of keys) expect(key).toMatch(/^[\w-]{32}$/)
  if (process.platform !== 'win32') expect(statSync(file).mode & 0o777).toBe(0o600)
  const again = await typed(folder, 'y', ...answers)
  expect(again.output).not.toContain('keys.json')
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(keys)
})

test.each([0, 1, 2, 3, 4])('whoever leaves at question %i leaves nothing behind', async (at) => {
  const folder = await written([])
  const { code, output } = await typed(folder, ...Array.from({ length: at }, () => enter), ctrlC)
  expect(code).toBe(130)
  expect(output).toBe('Nothing was written.\n')
  expect(readdirSync(folder)).toEqual([])
})

test('a file that is there stays unless somebody says otherwise, and keeps its form', async () => {
  const folder = await written([['burgeon.config.json', '{"serve":{"port":1}}']])
  const file = join(folder, 'burgeon.config.json')
  for (const [answer, code] of [
    [enter, 0],
    ['n', 0],
    [ctrlC, 130],
  ] as const) {
    expect(await typed(folder, answer)).toEqual({ code, output: 'Nothing was written.\n' })
    expect(readFileSync(file, 'utf8')).toBe('{"serve":{"port":1}}')
  }
  await typed(folder, 'y', enter, enter, enter, enter, enter)
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(usualSettings)
})

test('the form is one that Node runs without a warning: it depends on the package around', async () => {
  for (const [manifest, name] of [
    ['{"type": "module"}', 'burgeon.config.ts'],
    ['{}', 'burgeon.config.mts'],
  ]) {
    const folder = await written([['package.json', manifest]])
    await typed(folder, enter, enter, enter, enter, enter)
    expect(existsSync(join(folder, name))).toBe(true)
  }
})

test('any names come back as they were typed', () => {
  const wishes = fc.record({
    notes: fc.string({ unit: 'binary', minLength: 1 }),
    from: fc.option(fc.string({ unit: 'grapheme', minLength: 1 })),
    sleeps: fc.boolean(),
    port: fc.integer({ min: 0, max: 65_535 }),
    isShared: fc.boolean(),
  })
  fc.assert(
    fc.property(wishes, fc.boolean(), (wished, isInstalled) => {
      const settings = settingsOf(wished)
      expect(() => defineConfig(settings)).not.toThrow()
      const own = JSON.parse(JSON.stringify(valueIn(configText('a.ts', settings, isInstalled)))) as unknown
      expect(own).toEqual(JSON.parse(JSON.stringify(settings)))
      expect(JSON.parse(configText('a.json', settings, isInstalled))).toEqual(settings)
    }),
    { numRuns: times(100, 1000) },
  )
})

test('without a terminal it asks nothing and never waits, and the next command takes what it wrote', async () => {
  const folder = temporaryFolder()
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  mkdirSync(join(folder, 'notes'))
  const first = running(['init', '--json'], folder)
  expect(await first.ended, first.said.status).toBe(0)
  const { file, next } = JSON.parse(first.said.output) as { file: string; next: string }
  expect(next).toBe('npx burgeon serve')
  const config = running(['config', '--json'], folder)
  expect(await config.ended, config.said.status).toBe(0)
  expect(config.said.status).toBe('')
  expect(JSON.parse(config.said.output)).toMatchObject({ file, serve: { learn: { value: 'notes' } } })
  writeFileSync(join(folder, file), 'export default {}')
  const second = running(['init', '--yes'], folder)
  expect(await second.ended).toBe(1)
  expect(second.said.status).toMatch(
    /^burgeon: init: burgeon\.config\.ts is there already; [^\n]*--force\.\n$/,
  )
  expect(readFileSync(join(folder, file), 'utf8')).toBe('export default {}')
  const forced = running(['init', '--force'], folder)
  expect(await forced.ended).toBe(0)
  expect(readFileSync(join(folder, file), 'utf8')).toContain("learn: 'notes'")
})
