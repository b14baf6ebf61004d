/** Programs of documents that are for browsers run in a page's worker as printed, and print what they say. */
import { build } from 'esbuild'
import { describe, expect, it, onTestFinished } from 'vitest'
import { keepsPromise, programsIn, promisedLines } from '../../scripts/doc-programs.ts'
import { compilePackages, root } from '../../scripts/pack-packages.ts'
import { withChromium } from './chromium.ts'
import { pageOf, servePage, type SiteFiles } from './serve-page.ts'

const page = `<!doctype html><meta charset="utf-8"><title>a program</title><script>
  const lines = []
  const worker = new Worker('/program.js', { type: 'module' })
  worker.onmessage = ({ data }) => {
    if (data === null) globalThis.printed = lines.join('\\n')
    else lines.push(data)
  }
  worker.onerror = ({ message }) => { globalThis.printed = message }
</script>`

/** Tells the page what is printed, and when the program has come to its end. */
const printing = `
console.log = (...things) => postMessage(things.join(' '))
addEventListener('unhandledrejection', ({ reason }) => { throw reason })
`

async function siteOf(program: string): Promise<SiteFiles> {
  const { outputFiles } = await build({
    stdin: { contents: `${program}\npostMessage(null)`, resolveDir: root, loader: 'ts' },
    ...{ bundle: true, minify: true, write: false, format: 'esm', platform: 'browser', target: 'es2022' },
    banner: { js: printing },
  })
  return { '/': ['text/html', page], '/program.js': ['text/javascript', outputFiles[0].text] }
}

withChromium((open) => {
  describe('programs of docs/browser.md', () => {
    const { page: tab } = open({
      isolated: true,
      files() {
        compilePackages()
        return Promise.resolve(pageOf(''))
      },
    })
    const programs = programsIn('docs/browser.md')

    it('are several, and each says what it prints', () => {
      expect(programs.length).toBeGreaterThan(2)
      for (const { name, text } of programs) expect(promisedLines(text).length, name).toBeGreaterThan(0)
    })

    it.for(programs)('$title', async ({ text }) => {
      const { server, url } = await servePage(await siteOf(text), { isolated: true })
      onTestFinished(() => void server.close())
      await tab().goto(url)
      await tab().waitForFunction('globalThis.printed !== undefined')
      const printed = await tab().evaluate<string>('printed')
      expect(keepsPromise(printed, promisedLines(text)), printed).toBe(true)
    })
  })
})
