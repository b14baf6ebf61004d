/** The dashboard: a page for browsers. It is open; all that it shows is asked for with a key. */
import { readFile } from 'node:fs/promises'
import { ApiError } from '../http/api-error.ts'
import type { Route } from './route.ts'

/** Where `npm run build` puts the page, seen from the sources and from what they are compiled to. */
const built = new URL('../../dist/dashboard/', import.meta.url)

/** Every file that there is, and its type. */
const types: ReadonlyMap<string, string> = new Map([
  ['index.html', 'text/html; charset=utf-8'],
  ['dashboard.css', 'text/css; charset=utf-8'],
  ['dashboard.js', 'text/javascript; charset=utf-8'],
])

/** What comes from here alone is run, shown or asked, no text becomes markup, and nobody may frame it. */
const policy = [
  "default-src 'none'",
  ...["script-src 'self'", "style-src 'self'", "connect-src 'self'", 'img-src data:', 'media-src data:'],
  ...["base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"],
  ...["require-trusted-types-for 'script'", "trusted-types 'none'"],
].join('; ')

/** Headers of a page that is ours and shows texts of others. */
export const pageHeaders = (contentPolicy: string): Readonly<Record<string, string>> => ({
  'Content-Security-Policy': contentPolicy,
  'Cache-Control': 'no-cache',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
})

/** @param folder Where the page was built. */
export const dashboardRoutes = (folder: URL = built): readonly Route[] => [
  {
    method: 'get',
    path: '/',
    scope: 'open',
    summary: 'The dashboard, a page for browsers.',
    answer: () => fileOf(folder, 'index.html'),
  },
  {
    method: 'get',
    path: '/dashboard/:file',
    scope: 'open',
    summary: 'A file of the dashboard.',
    answer: (c) => fileOf(folder, c.req.param('file') ?? ''),
  },
]

async function fileOf(folder: URL, name: string): Promise<Response> {
  const type = types.get(name)
  if (type === undefined) {
    throw new ApiError(404, 'there is nothing at this address.', { code: 'not_found' })
  }
  try {
    const content = await readFile(new URL(name, folder), 'utf8')
    return new Response(content, { headers: { ...pageHeaders(policy), 'Content-Type': type } })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    throw new ApiError(503, 'the dashboard was not built; in a checkout of burgeon run: npm run build.', {
      ...{ type: 'server_error', code: 'dashboard_not_built' },
    })
  }
}
