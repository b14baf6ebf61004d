// Safari, Chrome before 134 and Firefox before 141 have no Symbol.dispose. Packages that are compiled with it must run without.
import { execFile, execFileSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { afterAll, beforeAll, expect, it } from 'vitest'

const root = join(import.meta.dirname, '../..')
let folder = ''

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'burgeon-symbols-'))
  const compiler = join(root, 'node_modules/typescript/bin/tsc')
  execFileSync(process.execPath, [compiler, '-b', 'packages/continual'], { cwd: root })
})
afterAll(() => rm(folder, { recursive: true, force: true }))

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

const run = (file: string): Promise<{ printed: string; complaints: string }> =>
  new Promise((resolve) => {
    execFile(process.execPath, [file], (_error, printed, complaints) => resolve({ printed, complaints }))
  })

it('the built packages learn, and free what they made, where there is no Symbol.dispose', async () => {
  const { outputFiles } = await build({
    stdin: { contents: program, resolveDir: root, loader: 'js' },
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
