/** Serves a page that holds the built packages, bundled and minified as a user's program is. */
import { readdirSync, readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join, relative, sep } from 'node:path'
import { build } from 'esbuild'
import { compilePackages, root } from '../../scripts/pack-packages.ts'

/** What a file here and everything it imports come to in one file; without the condition `@burgeon/source` that is what gets published. */
export async function bundlePage(entry: string): Promise<string> {
  compilePackages()
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

/** Files of a site: type and content by path. */
export type SiteFiles = Readonly<Record<string, readonly [type: string, body: string | Uint8Array]>>

/** A page whose only script is the bundle, which becomes the global `page`. */
export const pageOf = (bundle: string): SiteFiles => ({
  '/': [
    'text/html',
    '<!doctype html><meta charset="utf-8"><title>burgeon</title><script src="/page.js"></script>',
  ],
  '/page.js': ['text/javascript', bundle],
})

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
}

/** The files that a bundler has put into a folder; its `index.html` is the page. */
export function filesIn(folder: string): SiteFiles {
  const paths = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  )
  return Object.fromEntries(
    paths.map(({ parentPath, name }) => {
      const path = `/${relative(folder, join(parentPath, name)).replaceAll(sep, '/')}`
      const type = types[extname(name)] ?? 'application/octet-stream'
      return [path === '/index.html' ? '/' : path, [type, readFileSync(join(parentPath, name))]]
    }),
  )
}

/** Headers with which a browser grants shared memory. */
const isolation = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
}

/** A server of these files, cross-origin isolated if asked, and the address to open. */
export async function servePage(
  files: SiteFiles,
  { isolated }: { isolated: boolean },
): Promise<{ server: Server; url: string }> {
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
