/** wllama: llama.cpp in WASM, in a headless Chromium whose page may share memory. */
import { createReadStream, existsSync, readFileSync, statSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { chromium, type Page } from 'playwright-core'
import { serve, type Timing } from './writer.ts'

const browsers = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']
const esm = dirname(createRequire(import.meta.url).resolve('@wllama/wllama'))

/** What the page does; `write` returns the times of every token in milliseconds. */
const program = `
import { Wllama } from './esm/index.js'
const runner = new Wllama({ default: new URL('./esm/wasm/wllama.wasm', location).href }, { suppressNativeLog: true })
window.open = async ({ threads, batch }) => {
  const blob = await (await fetch('./model.gguf')).blob()
  await runner.loadModel([blob], {
    n_ctx: 128 * batch, n_batch: 64 * batch, n_ubatch: 64 * batch, n_threads: threads, n_parallel: batch, kv_unified: false,
    n_gpu_layers: 0, cache_type_k: 'f32', cache_type_v: 'f32', ctx_shift: false, warmup: false,
  })
}
const plain = { temperature: 0, top_k: 1, cache_prompt: false, ignore_eos: true }
window.likeliest = async (prompt) => {
  const { choices } = await runner.createCompletion({ prompt, max_tokens: 1, logprobs: 20, ...plain })
  return choices[0].logprobs
}
window.write = (prompts, tokens) =>
  Promise.all(prompts.map(async (prompt) => {
    const times = []
    const start = performance.now()
    const stream = await runner.createCompletion({ prompt, max_tokens: tokens, stream: true, ...plain })
    for await (const chunk of stream) if (chunk.choices.length > 0) times.push(performance.now() - start)
    return times
  }))
window.isReady = true
`

function served(gguf: string): Promise<{ server: Server; url: string }> {
  const kinds: Readonly<Record<string, string>> = { js: 'text/javascript', wasm: 'application/wasm' }
  const server = createServer(({ url = '/' }, reply) => {
    const { pathname } = new URL(url, 'http://localhost')
    const own: Readonly<Record<string, string>> = { '/': 'text/html', '/page.js': 'text/javascript' }
    const file = pathname === '/model.gguf' ? gguf : join(dirname(esm), pathname)
    const isOwn = Object.hasOwn(own, pathname)
    if (!isOwn && !existsSync(file)) {
      reply.writeHead(404).end()
      return
    }
    reply.writeHead(200, {
      'content-type': own[pathname] ?? kinds[pathname.split('.').at(-1) ?? ''] ?? 'application/octet-stream',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-embedder-policy': 'require-corp',
      ...(!isOwn && { 'content-length': statSync(file).size }),
    })
    if (isOwn) reply.end(pathname === '/' ? '<script type="module" src="page.js"></script>' : program)
    else createReadStream(file).pipe(reply)
  })
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      resolve({ server, url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/` })
    })
  })
}

/** Processor time of this process and all that it has started, in milliseconds, in steps of ten. */
function timeOfFamily(root: number): number {
  const children = readFileSync(`/proc/${root}/task/${root}/children`, 'utf8').trim().split(' ')
  const fields = readFileSync(`/proc/${root}/stat`, 'utf8').split(') ')[1].split(' ')
  const below = children.filter((id) => id !== '').map((id) => timeOfFamily(Number(id)))
  return 10 * (Number(fields[11]) + Number(fields[12])) + below.reduce((a, b) => a + b, 0)
}

serve(async ({ shape, files, threads, batch }) => {
  const executablePath = browsers.find((path) => existsSync(path))
  if (executablePath === undefined) throw new Error('chromium is not installed')
  const { url } = await served(files.gguf)
  const browser = await chromium.launch({
    executablePath,
    args: ['--no-sandbox'],
    timeout: 0,
    handleSIGTERM: false,
  })
  const end = (): void => void browser.close().finally(() => process.exit())
  process.on('disconnect', end).on('SIGTERM', end)
  const page: Page = await browser.newPage()
  page.setDefaultTimeout(0)
  await page.goto(url)
  await page.waitForFunction('window.isReady === true')
  const call = <R>(name: string, ...given: readonly unknown[]): Promise<R> =>
    page.evaluate(`window.${name}(...${JSON.stringify(given)})`)
  await call('open', { threads, batch })
  // Every token of a prompt is an ASCII letter.
  const textOf = (tokens: readonly number[]): string => String.fromCharCode(...tokens)
  return {
    async logProbabilities(tokens) {
      const found = new Float32Array(shape.vocabulary).fill(NaN)
      const { content } = await call<{ content: { top_logprobs: { id: number; logprob: number }[] }[] }>(
        'likeliest',
        textOf(tokens),
      )
      for (const { id, logprob } of content[0].top_logprobs) found[id] = logprob
      if (found.every(Number.isNaN)) throw new Error('wllama has told no log-probability')
      return found
    },
    async write(prompts, tokens): Promise<Timing> {
      const times = await call<number[][]>('write', prompts.map(textOf), 1)
      const before = timeOfFamily(process.pid)
      await call('write', prompts.map(textOf), 1)
      const between = timeOfFamily(process.pid)
      const whole = await call<number[][]>('write', prompts.map(textOf), tokens)
      const after = timeOfFamily(process.pid)
      const last = whole[whole.length - 1]
      return {
        prompt: times[times.length - 1][0],
        promptCpu: between - before,
        // Pieces come in bursts, so only their mean says how long one took.
        steps: [(last[tokens - 1] - last[0]) / (tokens - 1)],
        stepCpu: (after - between - (between - before)) / (tokens - 1),
      }
    },
  }
})
