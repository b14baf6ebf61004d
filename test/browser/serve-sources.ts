/** Serves the sources as ES modules, types stripped, under the names by which packages import each other. */
import { readdirSync, readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { stripTypeScriptTypes } from 'node:module'
import { join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** `@burgeon/tensor/wasm` and the like, and where their sources are served. */
function importMap(): Record<string, string> {
  const entries = readdirSync(join(root, 'packages')).flatMap((folder) => {
    const about = JSON.parse(readFileSync(join(root, 'packages', folder, 'package.json'), 'utf8')) as {
      name: string
      exports: Record<string, { '@burgeon/source': string }>
    }
    return Object.entries(about.exports).map(([path, { '@burgeon/source': source }]) => [
      join(about.name, path),
      join('/packages', folder, source),
    ])
  })
  return Object.fromEntries(entries) as Record<string, string>
}

/** Headers with which a browser grants shared memory. */
const isolation = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
}

/** A server of a page at `/`, cross-origin isolated if asked, and the address to open. */
export async function serveSources({
  isolated,
}: {
  isolated: boolean
}): Promise<{ server: Server; url: string }> {
  const page = `<!doctype html><meta charset="utf-8"><title>burgeon</title>
<script type="importmap">${JSON.stringify({ imports: importMap() })}</script>`
  const server = createServer((request, response) => {
    const path = normalize(decodeURIComponent((request.url ?? '/').split('?')[0]))
    const headers = isolated ? isolation : {}
    try {
      const isPage = path === '/'
      const body = isPage ? page : stripTypeScriptTypes(readFileSync(join(root, path), 'utf8'))
      const type = isPage ? 'text/html' : 'text/javascript'
      response.writeHead(200, { ...headers, 'Content-Type': `${type}; charset=utf-8` }).end(body)
    } catch (error) {
      response.writeHead(404, headers).end(String(error))
    }
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` }
}
