/** Serves a page that holds the built packages, bundled and minified as a user's program is. */
import { execFileSync } from 'node:child_process'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** What a file here and everything it imports come to in one file; without the condition `@burgeon/source` that is what gets published. */
export async function bundlePage(entry: string): Promise<string> {
  execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-b', 'packages/burgeon'], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  const { metafile, outputFiles } = await build({
    entryPoints: [join(import.meta.dirname, entry)],
    ...{ bundle: true, minify: true, write: false, metafile: true, absWorkingDir: root, logLevel: 'silent' },
    ...{ format: 'iife', globalName: 'page', platform: 'browser', target: 'es2022' },
  })
  const sources = Object.keys(metafile.inputs).filter((path) => /^packages\/\w+\/src\//.test(path))
  if (sources.length > 0)
    throw new Error(`the page holds sources instead of built code: ${sources.join(', ')}`)
  return outputFiles[0].text
}

/** Headers with which a browser grants shared memory. */
const isolation = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
}

/** A server of a page with the bundle at `/`, cross-origin isolated if asked, and the address to open. */
export async function servePage({
  isolated,
  bundle,
}: {
  isolated: boolean
  bundle: string
}): Promise<{ server: Server; url: string }> {
  const files: Readonly<Record<string, readonly [type: string, body: string]>> = {
    '/': [
      'text/html',
      '<!doctype html><meta charset="utf-8"><title>burgeon</title><script src="/page.js"></script>',
    ],
    '/page.js': ['text/javascript', bundle],
  }
  const server = createServer((request, response) => {
    const headers = isolated ? isolation : {}
    const file = files[request.url ?? '/']
    if (file === undefined) response.writeHead(404, headers).end()
    else response.writeHead(200, { ...headers, 'Content-Type': `${file[0]}; charset=utf-8` }).end(file[1])
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` }
}
