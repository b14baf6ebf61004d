/**
 * Settings that need not be typed: a flag counts before a variable, that before the file, that before what is
 * usual.
 */
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { BurgeonError, OptionError } from '@burgeon/tensor'
import { defineConfig } from 'burgeon'
import { describe, expect, onTestFinished, test } from 'vitest'
import { temporaryFolder } from '../docs/programs.ts'
import { times } from '../how-long.ts'
import { lifeFolder } from '../server/small-served.ts'
import { running } from './running.ts'
import { written } from './small-checkout.ts'
import { called, smallText } from './small-life.ts'

interface Shown {
  readonly value: unknown
  readonly from: string
  readonly variable: string
}
type ShownConfig = Readonly<Record<'learn' | 'serve', Readonly<Record<string, Shown>>>>

/** Runs a command that must succeed. */
async function ran(
  environment: Readonly<Record<string, string>>,
  ...args: readonly string[]
): Promise<string> {
  const { code, output } = await called(args, { environment })
  expect(code).toBe(0)
  return output
}

const shown = async (environment: Readonly<Record<string, string>> = {}, ...args: readonly string[]) =>
  JSON.parse(await ran(environment, 'config', '--json', ...args)) as ShownConfig

/** The names that a section may have, as the error about another says. */
function namesIn(section: 'learn' | 'serve'): string[] {
  try {
    defineConfig({ [section]: { 'no name that is near to any other': 1 } })
  } catch (error) {
    const [, names] = /expected one of (.*)\.$/.exec((error as Error).message) ?? []
    return names.split(', ')
  }
  throw new RangeError('it took a name that is none')
}

/** A folder inside the checkout, so that a file of settings finds the packages. */
function folderInCheckout(file: string, text: string): string {
  const folder = temporaryFolder()
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  writeFileSync(join(folder, file), text)
  return folder
}

describe('the file of settings', () => {
  test.each(['learn', 'serve'] as const)(
    'speaks of all that %s takes, by the same names',
    async (section) => {
      const settings = Object.keys((await shown())[section])
      expect(namesIn(section).toSorted()).toEqual(settings.toSorted())
      expect(settings.length).toBeGreaterThan(10)
    },
  )

  test.each(['learn', 'serve'] as const)(
    'takes the numbers that a flag of %s takes, and no other',
    async (section) => {
      const at = await shown()
      const numbers = [
        'ownText',
        'protection',
        'passes',
        'seed',
        'learningRate',
        'maxParameters',
        'vocabulary',
        'recall',
      ]
      const names = Object.keys(at[section]).filter((name) =>
        [...numbers, 'port', 'learnShare'].includes(name),
      )
      expect(names.length).toBeGreaterThan(1)
      const value = fc.oneof(
        fc.integer({ min: -2, max: 2 }),
        fc.integer({ min: 250, max: 70_000 }),
        fc.double(),
        fc.constantFrom(0.5, 1, 65_535, 262_143, 262_144, 65_536, 1e12, 2e12, 1e-12, 1e-13, 2 ** 53),
      )
      await fc.assert(
        fc.asyncProperty(fc.constantFrom(...names), value, async (name, number) => {
          const taken = async (run: () => unknown): Promise<boolean> => {
            try {
              await run()
              return true
            } catch (error) {
              expect(error).toBeInstanceOf(BurgeonError)
              return false
            }
          }
          const { variable } = at[section][name]
          const byVariable = await taken(() => shown({ [variable]: String(number) }))
          expect(await taken(() => defineConfig({ [section]: { [name]: number } }))).toBe(byVariable)
        }),
        { numRuns: times(60, 600) },
      )
    },
  )

  test.each([
    [{ serv: {} }, /serv, which does not exist; did you mean 'serve'\?/],
    [{ serve: { prot: 1 } }, /serve: got an option prot, which does not exist; did you mean 'port'\?/],
    [{ learn: { learningRate: '1' } }, /learn: got learningRate '1'; expected a number/],
    [{ serve: { origin: 'https://a.example' } }, /serve: got origin .*; expected a list/],
    [{ serve: [] }, /got serve \[\]; expected an object/],
  ])('%j is refused by its name', (config, message) => {
    expect(() => defineConfig(config as object)).toThrow(OptionError)
    expect(() => defineConfig(config as object)).toThrow(message)
  })

  test('counts after a variable, and that after a flag; what is empty is not given', async () => {
    const folder = await written([['notes.txt', smallText(4)]])
    const file = join(folder, 'own.json')
    const [byFile, byVariable, byFlag] = ['file', 'variable', 'flag'].map((name) => join(folder, name))
    writeFileSync(file, JSON.stringify({ learn: { source: join(folder, 'notes.txt'), out: byFile } }))
    const learn = (environment: Readonly<Record<string, string>>, ...args: readonly string[]) =>
      ran({ BURGEON_CONFIG: file, ...environment }, 'learn', ...args)
    await learn({ BURGEON_LEARN_OUT: '' })
    await learn({ BURGEON_LEARN_OUT: byVariable })
    await learn({ BURGEON_LEARN_OUT: byVariable }, '--out', byFlag)
    for (const place of [byFile, byVariable, byFlag])
      expect(existsSync(join(place, 'checkpoint.json')), place).toBe(true)
  })

  test('says how a new life begins, and does not stand in the way of one that goes on', async () => {
    const folder = await written([['notes.txt', smallText(4)]])
    const llama = join(import.meta.dirname, '../gold/small-llama')
    const [file, notes, out] = ['own.json', 'notes.txt', 'life'].map((name) => join(folder, name))
    writeFileSync(file, JSON.stringify({ learn: { source: notes, out, from: llama, ownText: 2 } }))
    expect(await ran({}, 'learn', '--config', file)).toContain('It goes on from')
    expect(await ran({}, 'learn', '--config', file, '--resume')).toContain('All of it was read before')
    // Nor is what else it says of a beginning, to a life that began otherwise.
    const born = {
      seed: 7,
      vocabulary: 300,
      protection: 2,
      recall: 2 ** 18,
      sleepEvery: 9,
      coverage: 0.8,
      average: 0.9,
      labels: true,
    }
    for (const [name, value] of Object.entries(born)) {
      writeFileSync(file, JSON.stringify({ learn: { source: notes, out, [name]: value } }))
      expect(await ran({}, 'learn', '--config', file, '--resume'), name).toContain(
        'All of it was read before',
      )
      const flag = `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
      const flags = value === true ? [flag] : [flag, String(value)]
      await expect(ran({}, 'learn', '--config', file, '--resume', ...flags), name).rejects.toThrow(flag)
    }
    writeFileSync(file, JSON.stringify({ learn: { source: notes, out, from: llama, ownText: 2 } }))
    const again = ran({}, 'learn', '--config', file, '--resume', '--from', llama)
    await expect(again).rejects.toThrow(/got --from/)
  })
})

describe('burgeon config', () => {
  test('says what counts and who said so, and tells no key', async () => {
    const folder = await written([])
    const file = join(folder, 'own.json')
    writeFileSync(file, JSON.stringify({ serve: { port: 81, plain: true, origin: ['https://a.example'] } }))
    const environment = {
      BURGEON_SERVE_PORT: '82',
      BURGEON_SERVE_READ_ONLY: 'true',
      BURGEON_API_KEY: 'a secret',
    }
    const { serve } = await shown(environment, '--config', file)
    expect(serve.port).toEqual({ value: 82, from: 'environment', variable: 'BURGEON_SERVE_PORT' })
    expect(serve.readOnly).toMatchObject({ value: true, from: 'environment' })
    expect(serve.plain).toMatchObject({ value: true, from: 'file' })
    expect(serve.origin).toMatchObject({ value: ['https://a.example'], from: 'file' })
    expect(serve.model).toMatchObject({ value: 'life', from: 'default' })
    expect(serve.learn).toMatchObject({ value: null, from: 'default' })
    const text = await ran(environment, 'config', '--config', file)
    expect(text).toMatch(/^port +82 +BURGEON_SERVE_PORT$/m)
    expect(text).toMatch(/^plain +true +\S*own\.json$/m)
    expect(text).toMatch(/^learnShare +0\.3 +unless given$/m)
    expect(text).toContain('BURGEON_API_KEY is set.')
    expect(text).not.toContain('secret')
  })

  test.each([
    ['BURGEON_SERVE_PORT', '80 80', /^BURGEON_SERVE_PORT: got '80 80'\. Expected a whole number/],
    ['BURGEON_SERVE_PLAIN', 'yes', /^BURGEON_SERVE_PLAIN: got 'yes'\. Expected true or false\.$/],
  ])('%s=%s is refused in one line', async (variable, value, message) => {
    await expect(shown({ [variable]: value })).rejects.toThrow(message)
  })
})

describe('a file that is named', () => {
  test.each([
    ['own.mjs', 'export default { learn: { passes: 7 } }'],
    [
      'own.js',
      "import { defineConfig } from 'burgeon'\nexport default defineConfig({ learn: { passes: 7 } })",
    ],
    ['own.json', '{ "learn": { "passes": 7 } }'],
  ])('may be %s', async (name, text) => {
    const { learn } = await shown({}, '--config', join(folderInCheckout(name, text), name))
    expect(learn.passes).toMatchObject({ value: 7, from: 'file' })
  })

  test.each([
    ['own.mjs', 'throw new Error("of its own\\nin two lines")', /own\.mjs: of its own in two lines$/],
    ['own.mjs', 'throw "no error at all"', /own\.mjs: no error at all$/],
    ['own.json', '{', /own\.json: \S/],
    ['own.js', 'export const config = {}', /own\.js exports no settings; expected export default/],
    ['own.json', '{ "serve": { "prot": 1 } }', /own\.json: serve: got an option prot/],
    ['own.json', '[]', /own\.json: got options \[\]/],
  ])('is refused in one line: %s with %s', async (name, text, message) => {
    const error: unknown = await shown({}, '--config', join(folderInCheckout(name, text), name)).catch(
      (caught: unknown) => caught,
    )
    expect(error).toBeInstanceOf(BurgeonError)
    expect((error as Error).message).toMatch(message)
  })

  test.each(['missing.json', 'missing.ts', '.'])('must be there: %s', async (name) => {
    await expect(shown({}, '--config', name)).rejects.toThrow(`${name}: there is no such file of settings.`)
  })
})

describe('in the working folder', () => {
  const own = `import { type BurgeonConfig, defineConfig } from 'burgeon'
    const config: BurgeonConfig = { learn: { passes: 7 } }
    export default defineConfig(config)`

  test('is found there and run, TypeScript too', async () => {
    const config = running(['config', '--json'], folderInCheckout('burgeon.config.ts', own))
    expect(await config.ended, config.said.status).toBe(0)
    const file = 'burgeon.config.ts'
    expect(JSON.parse(config.said.output)).toMatchObject({
      file,
      learn: { passes: { value: 7, from: 'file' } },
    })
  })

  test('is one too many where there are two of them; a broken one that is named is one line', async () => {
    const folder = folderInCheckout('burgeon.config.json', '{}')
    writeFileSync(join(folder, 'burgeon.config.ts'), 'export default {')
    for (const [args, message] of [
      [[], 'got burgeon.config.ts and burgeon.config.json in one folder'],
      [['--config', 'burgeon.config.ts'], 'burgeon.config.ts: '],
    ] as const) {
      const config = running(['config', ...args], folder)
      expect(await config.ended).toBe(1)
      expect(config.said.status).toMatch(/^burgeon: [^\n]+\n$/)
      expect(config.said.status).toContain(`burgeon: ${message}`)
    }
  })

  test('a Node that runs no TypeScript says which files it takes', async () => {
    const file = join(folderInCheckout('burgeon.config.ts', 'export default {}'), 'burgeon.config.ts')
    const before = Object.getOwnPropertyDescriptor(process.features, 'typescript')
    Object.defineProperty(process.features, 'typescript', { value: false, configurable: true })
    onTestFinished(() => void Object.defineProperty(process.features, 'typescript', before ?? {}))
    await expect(shown({}, '--config', file)).rejects.toThrow(
      /cannot run TypeScript; expected Node 22\.18 or later, or a file that ends in \.js, \.mjs or \.json/,
    )
  })

  test('serve takes all it needs from there', async () => {
    const life = await lifeFolder()
    const settings = { serve: { model: life, port: 0, name: 'mine' } }
    const serve = running(['serve'], folderInCheckout('burgeon.config.json', JSON.stringify(settings)))
    await serve.says('status', /answers at/)
    expect(serve.said.status).toMatch(/^mine, /m)
  })
})
