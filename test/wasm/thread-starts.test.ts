// A program with threads must end as the same program with one, however it is started and whatever tools have made of it.
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '../..')

/** Prints the number of threads that took part, and a digest of what was computed. */
const program = (threads: number, prelude = ''): string => `${prelude}
import { createHash } from 'node:crypto'
import { matmul, scope, tensorFrom } from '@burgeon/tensor'
import { openWasm } from '@burgeon/tensor/wasm'
const device = openWasm({ threads: ${threads}, strictMath: true })
const x = tensorFrom([256, 256], (i) => (i % 13) - 6, device)
const digest = createHash('sha256')
for (let i = 0; i < 8; i++) {
  digest.update(scope(() => matmul(x, x).readSync().slice()))
  await new Promise((resolve) => setTimeout(resolve, 30))
}
console.log(digest.digest('hex'))
`

/** As coverage tools and compilers that keep names do it: functions refer to something that stands outside of them. */
const instrumented = (code: string): string =>
  `const covered = (() => { const counts = {}; return (at) => { counts[at] = (counts[at] ?? 0) + 1 } })();\n${code.replaceAll(
    /=> \{\n/g,
    (found, at: number) => `${found}covered(${at});\n`,
  )}`

interface Ended {
  readonly code: number
  readonly printed: string
  readonly complaints: string
}

function run(args: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
  const options = { cwd: root, env: { ...process.env, ...env } }
  return new Promise((resolve) => {
    execFile(process.execPath, args, options, (error, printed, complaints) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), printed, complaints })
    })
  })
}

const fromSources = ['--conditions=@burgeon/source']

describe('a program with threads', () => {
  let folder = ''
  let expected: Ended

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'burgeon-threads-'))
    expected = await run([...fromSources, '--input-type=module', '--eval', program(1)])
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  const bundled = async (name: string, keepNames: boolean, change = (code: string): string => code) => {
    const { outputFiles } = await build({
      stdin: { contents: program(3), resolveDir: root, loader: 'ts' },
      ...{ bundle: true, write: false, format: 'esm', platform: 'node', target: 'node20' },
      ...{ conditions: ['@burgeon/source'], keepNames, logLevel: 'silent' },
    })
    const file = join(folder, `${name}.mjs`)
    await writeFile(file, change(outputFiles[0].text))
    return file
  }

  it('prints a digest, and no warning, with one thread', () => {
    expect(expected).toMatchObject({ code: 0, complaints: '' })
    expect(expected.printed).toMatch(/^[0-9a-f]{64}\n$/)
  })

  it('runs from standard input as an ES module', async () => {
    expect(await run([...fromSources, '--input-type=module', '--eval', program(3)])).toEqual(expected)
  })

  it('runs when flags of the process are in the environment', async () => {
    const flags = { NODE_OPTIONS: '--input-type=module' }
    expect(await run([...fromSources, '--eval', program(3)], flags)).toEqual(expected)
  })

  it('runs from a bundle that keeps the names of functions', async () => {
    expect(await run([await bundled('kept-names', true)])).toEqual(expected)
  })

  it('runs from code that a coverage tool has instrumented', async () => {
    expect(await run([await bundled('instrumented', false, instrumented)])).toEqual(expected)
  })

  it('runs when a module is preloaded that works in the first thread only', async () => {
    const preload = join(folder, 'preload.mjs')
    await writeFile(
      preload,
      "import { isMainThread } from 'node:worker_threads'\nif (!isMainThread) throw new Error('no')",
    )
    const args = [...fromSources, '--import', preload, '--input-type=module', '--eval', program(3)]
    expect(await run(args)).toEqual(expected)
  })

  it.each([
    ['throws', "throw new Error('no threads here')"],
    ['starts something that is no program', "super('this is no program (', options)"],
    ['starts something that ends at once', "super('process.exit(3)', options)"],
    ['starts something that throws', "super('throw new Error(1)', options)"],
  ])('computes alone where the constructor of threads %s', async (_, constructor) => {
    const prelude = `
      const threads = process.getBuiltinModule('node:worker_threads')
      threads.Worker = class extends threads.Worker { constructor(source, options) { ${constructor} } }`
    const args = [...fromSources, '--input-type=module', '--eval', program(3, prelude)]
    expect(await run(args)).toEqual(expected)
  })
})
