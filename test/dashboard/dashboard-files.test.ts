// Reaches inside: where a page was built is no option of a server.
/** The files of the dashboard and the report, as a server gives them. */
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { gzipSync } from 'node:zlib'
import { ApiError, createApp } from '@burgeon/server'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { dashboardRoutes } from '../../packages/server/src/routes/dashboard-routes.ts'
import { dashboardFiles } from '../../scripts/build-dashboard.ts'
import { compileDashboard, root } from '../../scripts/pack-packages.ts'
import { asking, smallServed } from '../server/small-served.ts'

beforeAll(compileDashboard)

const addressOf = (name: string): string => (name === 'index.html' ? '/' : `/dashboard/${name}`)

test('the page is small, complete, and asks for nothing from elsewhere', async () => {
  const { app } = await asking()
  let bytes = 0
  for (const name of dashboardFiles) {
    const response = await app.fetch(
      new Request(`http://localhost${addressOf(name)}`, { headers: { host: 'localhost' } }),
    )
    expect(response.status, name).toBe(200)
    expect(response.headers.get('content-type')).toMatch(/^text\/(html|css|javascript); charset=utf-8$/)
    const policy = response.headers.get('content-security-policy')
    expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'")
    expect(policy).toContain("frame-ancestors 'none'")
    expect(policy).not.toContain('unsafe')
    expect(response.headers.get('x-content-type-options')).toBe('nosniff')
    const text = await response.text()
    bytes += gzipSync(text).length
    // The name of a language is an address that nobody asks.
    const addresses = [...text.matchAll(/\bhttps?:\/\/[^\s'"`)]+/g)].map(([address]) => address)
    expect(addresses.filter((address) => address !== 'http://www.w3.org/2000/svg')).toEqual([])
    const parts = [...text.matchAll(/(?:src|href)="([^"#]+)"/g)].map(([, address]) => address)
    const known = [...dashboardFiles.map(addressOf), '/v1/report']
    expect(parts.filter((address) => !known.includes(address) && !address.startsWith('data:'))).toEqual([])
  }
  expect(bytes).toBeLessThan(60_000)
})

test('what was built of the same files is not built again', () => {
  const page = join(root, 'packages/server/dist/dashboard/index.html')
  const { ino, mtimeMs } = statSync(page)
  compileDashboard()
  expect(statSync(page)).toMatchObject({ ino, mtimeMs })
})

test('nothing else is served, whatever it is called', async () => {
  const { ask } = await asking()
  const names = [
    ...['main.ts', 'dashboard', 'dashboard.js.map', 'DASHBOARD.JS', 'index.css', 'constructor', '__proto__'],
    ...['..', '%2e%2e', '%2e%2e%2findex.js', '..%2f..%2fpackage.json', '%00', 'a/b', '', '%', '.'],
  ]
  for (const name of names) {
    const { status, json } = await ask(`/dashboard/${name}`)
    // An address that leads elsewhere is that of something else: two dots end at the page itself.
    if (new URL(`http://localhost/dashboard/${name}`).pathname === '/') continue
    expect([status, json.error?.code, json.error?.type], name).toEqual([
      ...[404, 'not_found', 'invalid_request_error'],
    ])
  }
})

test('a server whose page was not built says what to do, and answers all else', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'burgeon-no-dashboard-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const routes = dashboardRoutes(pathToFileURL(`${folder}/`))
  for (const route of routes) {
    // All that these routes ask of a request.
    const request = { req: { param: () => 'dashboard.js' } } as never
    const error = await Promise.resolve(route.answer(request, {} as never, () => {})).catch(
      (one: unknown) => one,
    )
    expect(error).toBeInstanceOf(ApiError)
    expect(error).toMatchObject({ status: 503, body: { error: { code: 'dashboard_not_built' } } })
    expect((error as ApiError).message).toBe(
      'the dashboard was not built; in a checkout of burgeon run: npm run build.',
    )
  }
  expect(routes.length).toBe(2)
})

test('the report is a page without scripts, of the life as it is now, and says nothing of where it lies', async () => {
  const { ask, app, served } = await asking()
  const read = async (): Promise<string> => {
    const response = await app.fetch(
      new Request('http://localhost/v1/report', { headers: { host: 'localhost' } }),
    )
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'")
    expect(response.headers.get('content-security-policy')).not.toContain('script')
    return response.text()
  }
  expect(await read()).toContain('It has read nothing yet.')
  const text = 'the quick brown fox jumps over the lazy dog. '.repeat(20)
  await ask('/v1/learn', { text, domain: '<b>foxes</b>' })
  const report = await read()
  expect(report).toContain('899 B of text')
  expect(report).toContain('&lt;b&gt;foxes')
  expect(report).not.toMatch(/<script|<b>/)
  expect(report).not.toContain(tmpdir())
  expect(report).toContain('npx burgeon serve life')
  // A rollback is part of what it tells.
  const { kept } = (await ask('/v1/checkpoints', {})).json
  await ask('/v1/learn', { text })
  expect(await read()).toContain('1.80 kB of text')
  await ask(`/v1/checkpoints/${String(kept)}/rollback`, {})
  expect(served.step()).toBe(4)
  expect(await read()).toContain('899 B of text')
})

test('what is no life has no report, and a life whose server writes none says so', async () => {
  const readOnly = await asking({}, await smallServed(undefined, true))
  expect((await readOnly.ask('/v1/report')).json.error?.code).toBe('no_life')
  const { report: _, ...without } = await smallServed()
  const { ask } = await asking({}, without)
  expect((await ask('/v1/report')).json.error?.code).toBe('no_report')
  expect(createApp(without).routes.map(({ path }) => path)).toContain('/v1/report')
})
