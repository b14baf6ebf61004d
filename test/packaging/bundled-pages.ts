/** A small page made of the packed packages by the bundlers that people use, as these come: without configuration. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import * as esbuild from 'esbuild'
import { createLogger, build as viteBuild } from 'vite'
import webpack from 'webpack'
import { filesIn, type SiteFiles } from '../browser/serve-page.ts'
import { shortOrLong } from '../how-long.ts'

/** The page: it has a worker do the work, and keeps what that says. */
const page = `
const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' })
worker.onmessage = ({ data }) => { globalThis.result = data }
worker.onerror = ({ message }) => { globalThis.result = { message } }
`

/** A life in small: it learns, grows, writes, is kept and read again. */
const worker = `
import { adamw, byteTokenizer, Gpt, growOnSchedule, Learner, readCheckpoint, writeCheckpoint } from 'burgeon'
import { opfsDisk } from '@burgeon/gpt/browser'
import { openWasm } from '@burgeon/tensor/wasm'
import { openWebGpu } from '@burgeon/tensor/webgpu'

async function live() {
  const device = openWasm()
  const growth = growOnSchedule([{ step: 10, request: { kind: 'widenMlp', block: 'b0', to: 96 } }])
  const parts = () => ({ optimizer: adamw({ learningRate: 1e-2 }), strategy: { growth } })
  const model = Gpt.create({ context: 16, embed: 16, heads: 2, layers: 1 }, { device, seed: 1 })
  const learner = new Learner({ model, ...parts() })
  const losses = []
  while (learner.step < 20) losses.push((await learner.observe('to be, or not to be')).loss)
  const disk = opfsDisk('life')
  await writeCheckpoint(disk, { learner: await learner.toState() })
  const { learner: state } = await readCheckpoint(disk)
  const again = Learner.fromState(state, { ...parts(), device })
  const text = (await again.model.generate('to be', { tokens: 8, temperature: 0, tokenizer: byteTokenizer })).text
  const gpu = await openWebGpu().then(() => 'opened', ({ name }) => name)
  return { losses, step: again.step, hidden: again.model.config.blocks[0].mlpHidden, text, gpu }
}
live().then(postMessage, (error) => postMessage({ message: String(error) }))
`

/** What a bundler makes of a site: the files, and what it complained of. */
export interface Bundled {
  readonly files: SiteFiles
  readonly warnings: readonly string[]
}

/** Bundles `page.js` of a folder, which has an `index.html`, into another. */
type Bundler = (site: string, out: string) => Promise<readonly string[]>

const html =
  '<!doctype html><meta charset="utf-8"><title>a page</title><script type="module" src="./page.js"></script>'

/** For those that know no pages: the page beside what they bundled. */
const withHtml = (out: string): void => writeFileSync(join(out, 'index.html'), html)

export const bundlers: Readonly<Record<string, Bundler>> = {
  async vite(root, outDir) {
    const warnings: string[] = []
    const customLogger = createLogger('warn')
    customLogger.warn = (message) => {
      // How long it took is no fault.
      if (!message.includes('PLUGIN_TIMINGS')) warnings.push(message)
    }
    await viteBuild({
      root,
      configFile: false,
      logLevel: 'warn',
      customLogger,
      build: { outDir, emptyOutDir: true },
    })
    return warnings
  },
  async webpack(context, path) {
    // To make a bundle small takes webpack long.
    const mode = shortOrLong('development', 'production')
    const stats = await new Promise<webpack.Stats | undefined>((resolve, reject) => {
      webpack({ mode, context, entry: './page.js', output: { path, filename: 'page.js' } }, (error, done) =>
        error === null ? resolve(done) : reject(error),
      )
    })
    withHtml(path)
    const { errors = [], warnings = [] } = stats?.toJson({ all: false, errors: true, warnings: true }) ?? {}
    // That a page is larger than a text says nothing of the packages.
    return [...errors, ...warnings]
      .map(({ message }) => message)
      .filter((message) => !message.startsWith('asset size limit'))
  },
  async esbuild(site, outdir) {
    const { warnings } = await esbuild.build({
      entryPoints: ['page.js', 'worker.js'].map((name) => join(site, name)),
      ...{ bundle: true, minify: true, format: 'esm', outdir, logLevel: 'silent' },
    })
    withHtml(outdir)
    return warnings.map(({ text }) => text)
  },
}

/** Has a bundler make the page, in a folder where the packages are installed. */
export async function bundled(installed: string, bundler: Bundler): Promise<Bundled> {
  const site = mkdtempSync(join(installed, 'site-'))
  const out = join(site, 'out')
  mkdirSync(out)
  for (const [name, text] of Object.entries({ 'index.html': html, 'page.js': page, 'worker.js': worker })) {
    writeFileSync(join(site, name), text)
  }
  const warnings = await bundler(site, out)
  const files = filesIn(out)
  rmSync(site, { recursive: true })
  return { files, warnings }
}

/** Bytes, gzipped, of a page with this program alone. */
export async function gzippedBytes(installed: string, program: string): Promise<number> {
  const { outputFiles } = await esbuild.build({
    stdin: { contents: program, resolveDir: installed, loader: 'js' },
    ...{ bundle: true, minify: true, write: false, format: 'esm', platform: 'browser', logLevel: 'silent' },
  })
  return gzipSync(outputFiles[0].contents, { level: 9 }).length
}
