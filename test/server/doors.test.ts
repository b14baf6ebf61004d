/** Who is let in: keys and what they allow, names of the machine, web pages. */
import { type ApiKey, createApp, type Scope, serve } from '@burgeon/server'
import { OptionError } from '@burgeon/tensor'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { compileDashboard } from '../../scripts/pack-packages.ts'
import { asking, smallServed } from './small-served.ts'

beforeAll(compileDashboard)

const keyOf = (scope: Scope): ApiKey => ({ key: `${scope}-key-of-sixteen-and-more`, scopes: [scope] })
const all = (['read', 'teach', 'admin'] as const).map(keyOf)
const bearer = (scope: Scope) => ({ authorization: `Bearer ${keyOf(scope).key}` })

test('every route but /health and the page wants a key, and one that allows it', async () => {
  const { ask, app } = await asking({ keys: all })
  expect(app.routes.filter(({ scope }) => scope === 'open').map(({ path }) => path)).toEqual([
    ...['/health', '/', '/dashboard/:file'],
  ])
  for (const { method, path, scope } of app.routes) {
    if (scope === 'open') {
      expect((await ask(path.replace(':file', 'dashboard.js'))).status).toBe(200)
      continue
    }
    const body = method === 'post' ? {} : undefined
    const without = await ask(path, body)
    expect([without.status, without.json.error?.code], path).toEqual([401, 'invalid_api_key'])
    expect(without.headers.get('www-authenticate')).toBe('Bearer')
    const unknown = await ask(path, body, { authorization: 'Bearer another-key-of-sixteen-and-more' })
    expect(unknown.status).toBe(401)
    for (const other of (['read', 'teach', 'admin'] as const).filter((one) => one !== scope)) {
      const { status, json } = await ask(path, body, bearer(other))
      expect([status, json.error?.code], path).toEqual([403, 'insufficient_scope'])
    }
    expect([401, 403]).not.toContain((await ask(path, body, bearer(scope))).status)
  }
})

test('an address that nothing stands at says nothing of keys, and no method but the one of a route answers', async () => {
  const { ask } = await asking({ keys: all })
  expect((await ask('/v1/secret')).status).toBe(404)
  expect((await ask('//v1/models', undefined, bearer('read'))).status).toBe(404)
  expect((await ask('/v1/models', {}, bearer('read'))).status).toBe(404)
})

test('what a page of another origin or another name asks is refused before anything else', async () => {
  const { ask } = await asking()
  expect((await ask('/v1/models')).status).toBe(200)
  for (const headers of [
    { host: 'rebound.example' },
    { host: 'localhost.example:80' },
    { origin: 'https://page.example' },
    { origin: 'null' },
  ]) {
    expect((await ask('/v1/models', undefined, headers)).status, JSON.stringify(headers)).toBe(403)
    expect((await ask('/v1/learn', { text: 'poison' }, headers)).status).toBe(403)
  }
  for (const host of ['localhost:8080', '127.0.0.1:80', '[::1]:9', 'LOCALHOST']) {
    expect((await ask('/v1/models', undefined, { host })).status, host).toBe(200)
  }
  // What a page can send without asking first: a form, or plain text.
  for (const type of [
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data',
    'application/jsonp',
  ]) {
    expect((await ask('/v1/learn', '{"text":"poison"}', { 'content-type': type })).status, type).toBe(415)
  }
})

test('the page that came from here may ask here, by the name and port that it came by', async () => {
  const { ask } = await asking()
  const teach = async (host: string, origin: string): Promise<number> =>
    (await ask('/v1/learn', { text: 'a text' }, { host, origin })).status
  for (const [host, origin] of [
    ['localhost:8080', 'http://localhost:8080'],
    ['127.0.0.1:8080', 'http://127.0.0.1:8080'],
    ['[::1]:8080', 'http://[::1]:8080'],
    ['localhost', 'http://localhost'],
    ['LOCALHOST:8080', 'http://localhost:8080'],
    // What a server that encrypts, in front of this one, passes on.
    ['localhost', 'https://localhost'],
  ]) {
    expect(await teach(host, origin), origin).toBe(200)
  }
  for (const [host, origin] of [
    ['localhost:8080', 'http://localhost:3000'],
    ['localhost:8080', 'http://localhost'],
    ['localhost:8080', 'http://127.0.0.1:8080'],
    ['localhost:8080', 'http://page.example:8080'],
    ['localhost:8080', 'http://localhost:8080.page.example'],
    ['localhost', 'app://localhost'],
    ['localhost:8080', 'null'],
    // A name that leads here, by which a page of that name asks.
    ['rebound.example:8080', 'http://rebound.example:8080'],
  ]) {
    expect(await teach(host, origin), `${origin} at ${host}`).toBe(403)
  }
})

test('where every name leads here, a page of such a name needs a key', async () => {
  const headers = { host: 'rebound.example:8080', origin: 'http://rebound.example:8080' }
  const open = await asking({ hosts: null })
  expect((await open.ask('/v1/models', undefined, headers)).json.error?.code).toBe('origin_not_allowed')
  expect((await open.ask('/v1/models', undefined, { host: 'any.example' })).status).toBe(200)
  const locked = await asking({ hosts: null, keys: all })
  expect((await locked.ask('/v1/models', undefined, headers)).json.error?.code).toBe('invalid_api_key')
  expect((await locked.ask('/v1/models', undefined, { ...headers, ...bearer('read') })).status).toBe(200)
  const other = { ...headers, origin: 'http://page.example', ...bearer('read') }
  expect((await locked.ask('/v1/models', undefined, other)).json.error?.code).toBe('origin_not_allowed')
})

test('nothing here is a part of a page elsewhere, which asks without naming its origin; links lead here', async () => {
  const { ask } = await asking({ origins: ['https://page.example'] })
  const from = async (site: string, dest: string, more: object = {}): Promise<number> =>
    (await ask('/v1/record', undefined, { 'sec-fetch-site': site, 'sec-fetch-dest': dest, ...more })).status
  for (const site of ['cross-site', 'same-site']) {
    for (const dest of ['empty', 'script', 'image', 'iframe', 'style'])
      expect(await from(site, dest), `${site} ${dest}`).toBe(403)
    expect(await from(site, 'document')).toBe(200)
    expect(await from(site, 'empty', { origin: 'https://page.example' })).toBe(200)
  }
  for (const site of ['same-origin', 'none']) expect(await from(site, 'script'), site).toBe(200)
})

test('a page that is named may ask', async () => {
  const { ask } = await asking({ origins: ['https://page.example'] })
  const headers = { origin: 'https://page.example' }
  expect((await ask('/v1/models', undefined, headers)).status).toBe(200)
  expect((await ask('/v1/models', undefined, { origin: 'https://page.example.org' })).status).toBe(403)
})

test('browsers let a page that is named, and no other, send JSON and read what comes, errors too', async () => {
  const origin = 'https://page.example'
  const { app, ask } = await asking({ origins: [origin], keys: all })
  const preflight = (from: string): Response | Promise<Response> =>
    app.fetch(
      new Request('http://localhost/v1/completions', {
        method: 'OPTIONS',
        headers: {
          ...{ host: 'localhost', origin: from, 'access-control-request-method': 'POST' },
          'access-control-request-headers': 'authorization,content-type,x-stainless-lang',
        },
      }),
    )
  const allowed = (await preflight(origin)).headers
  expect(allowed.get('access-control-allow-origin')).toBe(origin)
  expect(allowed.get('access-control-allow-headers')).toBe('authorization,content-type,x-stainless-lang')
  expect(allowed.get('access-control-allow-methods')).toContain('POST')
  expect((await preflight('https://other.example')).headers.get('access-control-allow-origin')).toBeNull()
  const good = await ask('/v1/models', undefined, { origin, ...bearer('read') })
  const [refused, other] = [
    await ask('/v1/models', undefined, { origin }),
    await ask('/v1/models', undefined, { origin: 'https://other.example', ...bearer('read') }),
  ]
  expect([good.status, refused.status, other.status]).toEqual([200, 401, 403])
  for (const { headers } of [good, refused]) {
    expect(headers.get('access-control-allow-origin')).toBe(origin)
    expect(headers.get('access-control-expose-headers')).toContain('x-burgeon-weights-version')
    expect(headers.get('vary')).toContain('Origin')
  }
  expect(other.headers.get('access-control-allow-origin')).toBeNull()
  // Where no page is named, browsers are told nothing.
  const closed = await asking({ keys: all })
  expect((await closed.ask('/v1/models', undefined, bearer('read'))).headers.get('vary')).toBeNull()
})

test('an address that others reach is not served without keys, and with keys by any name', async () => {
  const served = await smallServed()
  await expect(serve(served, { host: '0.0.0.0', port: 0 })).rejects.toThrow(/no keys/)
  await expect(serve(served, { host: '0.0.0.0', port: 0, keys: [] })).rejects.toThrow(OptionError)
  const running = await serve(served, { host: '0.0.0.0', port: 0, keys: all })
  onTestFinished(() => running.close())
  const { status } = await fetch(`http://localhost:${running.port}/v1/models`, { headers: bearer('read') })
  expect(status).toBe(200)
})

test('keys that are short, without scopes or of unknown ones are refused, and never told', async () => {
  const served = await smallServed()
  const wrong: unknown[] = [
    [{ key: 'short-secret', scopes: ['read'] }],
    [{ key: 'a-secret-of-sixteen-and-more', scopes: [] }],
    [{ key: 'a-secret-of-sixteen-and-more', scopes: ['write'] }],
    [{ key: 'a-secret-of-sixteen-and-more' }],
    ['a-secret-of-sixteen-and-more'],
  ]
  for (const keys of wrong) {
    const make = (): unknown => createApp(served, { keys: keys as ApiKey[] })
    expect(make).toThrow(OptionError)
    expect(make).not.toThrow(/secret/)
  }
})
