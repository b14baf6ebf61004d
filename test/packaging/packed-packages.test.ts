/**
 * The packages as a stranger gets them: compiled, packed, installed from their tarballs into an empty folder. What a new user writes first
 * runs there, and all of it where there is no Symbol.dispose: Safari, Chrome before 134 and Firefox before 141 have none.
 */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import {
  asJavaScript,
  firstPrograms,
  keepsPromise,
  type Program,
  promisedLines,
} from '../../scripts/doc-programs.ts'
import { compilePackages, root } from '../../scripts/pack-packages.ts'
import { environmentOf, installTarballs } from '../../scripts/stranger.ts'
import { withChromium } from '../browser/chromium.ts'
import { pageOf, servePage } from '../browser/serve-page.ts'
import { writeDrawnDigits } from '../docs/drawn-digits.ts'
import { bundled, bundlers, gzippedBytes } from './bundled-pages.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'burgeon-stranger-'))
  compilePackages()
  installTarballs(folder, environmentOf(process.execPath))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

interface Outcome {
  readonly printed: string
  readonly complaints: string
}

const run = (file: string, ...args: readonly string[]): Promise<Outcome> =>
  new Promise((resolve) => {
    execFile(process.execPath, [file, ...args], { cwd: folder }, (_error, printed, complaints) =>
      resolve({ printed, complaints }),
    )
  })

async function runProgram(program: Program, ...args: readonly string[]): Promise<Outcome> {
  const file = join(folder, 'program.mjs')
  await writeFile(file, await asJavaScript(program))
  return run(file, ...args)
}

describe('what a new user writes first', () => {
  const [mnist, ...others] = firstPrograms()

  it.for(others)('$document: $title', async (program) => {
    const { printed, complaints } = await runProgram(program)
    expect(complaints).toBe('')
    expect(promisedLines(program.text).length).toBeGreaterThan(0)
    expect(keepsPromise(printed, promisedLines(program.text)), printed).toBe(true)
  })

  /** The share of digits that the program of MNIST reads, in percent, having learnt these. */
  async function digitsRead(name: string, labelOf?: (digit: number, i: number) => number): Promise<number> {
    const data = join(folder, name)
    writeDrawnDigits(data, { train: 2000, test: 500 }, labelOf)
    const { printed, complaints } = await runProgram(mnist, data)
    expect(complaints).toBe('')
    expect(keepsPromise(printed, promisedLines(mnist.text)), printed).toBe(true)
    return Number.parseFloat(printed)
  }

  it(`${mnist.document}: it reads digits, and none after labels that say nothing`, async () => {
    expect(await digitsRead('drawn digits')).toBeGreaterThan(95)
    expect(await digitsRead('digits of any label', (_, i) => (i * i + (i >> 3)) % 10)).toBeLessThan(30)
  })
})

/** A life in small: it learns, grows, generates, and frees everything. */
const program = `
import { grad } from '@burgeon/autograd'
import { adamw } from '@burgeon/autograd/optim'
import { batchOfTokens, Learner, reservoirReplay } from '@burgeon/continual'
import { Gpt } from '@burgeon/gpt'
import { multiply, openScope, scopeAsync, sum, tensor } from '@burgeon/tensor'
import { openWasm } from '@burgeon/tensor/wasm'
const device = openWasm({ threads: 1 })
const model = Gpt.create({ vocabulary: 256, context: 8, embed: 8, heads: 2, layers: 1 }, { device, seed: 1 })
const learner = new Learner({ model, optimizer: adamw({ learningRate: 0.01 }), strategy: { rehearsal: reservoirReplay({ capacity: 8 }) } })
const batch = batchOfTokens(new TextEncoder().encode('a text of some length, for a learner'), 8, 'text')
const losses = []
for (let i = 0; i < 3; i++) losses.push((await learner.observe(batch)).loss)
const opened = openScope()
const x = tensor([3], { device })
const gradient = grad((y) => sum(multiply(y, y)))(x).item()
opened.close()
const value = await scopeAsync(async (part) => (await part(() => tensor([2], { device })).read())[0])
console.log(JSON.stringify({ learns: losses[2] < losses[0], gradient, value, known: typeof Symbol.dispose }))
`

/** The same names as the engine's own, without the two that old engines lack; only the bundle sees it. */
const oldSymbol = `((Own) => {
  const Symbol = (name) => Own(name)
  for (const key of Object.getOwnPropertyNames(Own)) {
    if (!['dispose', 'asyncDispose', 'length', 'name', 'prototype'].includes(key)) Symbol[key] = Own[key]
  }
  return Symbol
})(globalThis.Symbol)`

it('the built packages learn, and free what they made, where there is no Symbol.dispose', async () => {
  const { outputFiles } = await build({
    stdin: { contents: program, resolveDir: folder, loader: 'js' },
    ...{
      bundle: true,
      write: false,
      format: 'esm',
      platform: 'browser',
      target: 'esnext',
      logLevel: 'silent',
    },
  })
  const file = join(folder, 'bundle.mjs')
  await writeFile(
    file,
    `const Symbol = ${oldSymbol};\nif (Symbol.dispose !== undefined) throw new Error('it is there');\n${outputFiles[0].text}`,
  )
  const { printed, complaints } = await run(file)
  expect(complaints).toBe('')
  expect(JSON.parse(printed)).toEqual({ learns: true, gradient: 6, value: 2, known: 'symbol' })
})

withChromium((open) => {
  describe('a page that a bundler has made, without configuration', () => {
    const { page } = open({ isolated: true, files: () => Promise.resolve(pageOf('')) })
    const results: unknown[] = []

    it.for(Object.entries(bundlers))(
      '%s: it learns in a worker, grows, writes and is kept',
      async ([, bundler]) => {
        const { files, warnings } = await bundled(folder, bundler)
        expect(warnings).toEqual([])
        const { server, url } = await servePage(files, { isolated: true })
        onTestFinished(() => void server.close())
        await page().goto(url)
        await page().waitForFunction('globalThis.result !== undefined')
        const result = await page().evaluate<{ losses: readonly number[] }>('globalThis.result')
        expect(result).toMatchObject({ step: 20, hidden: 96, gpu: 'opened' })
        expect(result.losses[19]).toBeLessThan(result.losses[0] / 2)
        // Whatever a bundler renames and leaves out, the numbers are the same.
        results.push(result)
        expect(result).toEqual(results[0])
      },
    )
  })
})

const firstLife = `
import { adamw, Gpt, Learner } from 'burgeon'
import { openWasm } from '@burgeon/tensor/wasm'
console.log(new Learner({ model: Gpt.create({}, { device: openWasm() }), optimizer: adamw({ learningRate: 1 }) }))
`

/** What docs/browser.md says of such pages. */
const sizes = [
  ['byteTokenizer', "import { byteTokenizer } from 'burgeon'\nconsole.log(byteTokenizer.encode('a'))"],
  [
    'BytePairTokenizer',
    "import { BytePairTokenizer } from 'burgeon/gpt'\nconsole.log(new BytePairTokenizer())",
  ],
  [
    'PretrainedTokenizer',
    "import { PretrainedTokenizer } from 'burgeon/gpt'\nconsole.log(new PretrainedTokenizer('{}'))",
  ],
  ['WebAssembly', firstLife],
] as const

it.for(sizes)('a page with %s alone brings little else', async ([name, program]) => {
  const document = readFileSync(join(root, 'docs/browser.md'), 'utf8')
  const [, limit] = new RegExp(`^\\| .*${name}.* \\| (\\d+) kB \\|$`, 'm').exec(document) ?? []
  const bytes = await gzippedBytes(folder, program)
  expect(bytes).toBeGreaterThan(500 * Number(limit))
  expect(bytes).toBeLessThanOrEqual(1000 * Number(limit))
})
