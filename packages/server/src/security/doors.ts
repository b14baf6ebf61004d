/** Refuses what no client of ours sends: other hosts, other pages, keys that are not known. */
import type { Context } from 'hono'
import type { cors } from 'hono/cors'
import { ApiError } from '../http/api-error.ts'
import { type Keys, type Scope, scopes } from './keys.ts'

/** Whom a server lets in. */
export interface DoorOptions {
  /** None: everybody who reaches the address may do everything, which is for loopback alone. */
  readonly keys: Keys
  /** Names of this machine in the header `Host`; any where there is none. */
  readonly hosts: readonly string[] | null
  /** Web pages that may ask besides the one from here, `https://example.org`. */
  readonly origins: readonly string[]
}

/** Names of the machine itself. */
export const loopbackNames: readonly string[] = ['localhost', '127.0.0.1', '[::1]']

/**
 * A page that a browser shows cannot make requests here, unless it came from here itself or is named: it is
 * of another origin, and a name that leads here (DNS rebinding) is not ours.
 *
 * @throws ApiError 403.
 */
export function checkOrigin(c: Context, { hosts, keys, origins }: DoorOptions): void {
  const host = c.req.header('host')?.toLowerCase()
  const name = host?.replace(/:\d+$/, '')
  if (hosts !== null && (name === undefined || !hosts.includes(name))) {
    throw new ApiError(403, 'this server is not known by that name.', { code: 'host_not_allowed' })
  }
  const origin = c.req.header('origin')
  // Where every name leads here, a page of any name is its own: a key is what it cannot have.
  const mayBeOwn = hosts !== null || keys.size > 0
  const mayAsk =
    origin === undefined ? !isPartOfAnother(c) : origins.includes(origin) || (mayBeOwn && isOwn(origin, host))
  if (!mayAsk) throw new ApiError(403, 'this page may not ask here.', { code: 'origin_not_allowed' })
}

/** What browsers are told, so that named pages read the answers (CORS): any header may come with a request. */
export const namedPages = (origins: readonly string[]): NonNullable<Parameters<typeof cors>[0]> => ({
  origin: [...origins],
  allowMethods: ['GET', 'POST'],
  exposeHeaders: [
    ...['x-burgeon-audit', 'x-burgeon-weights-version', 'x-burgeon-weights-behind', 'x-burgeon-replica'],
    ...['x-request-id', 'retry-after'],
  ],
})

/** Whether a page came from here, by the name and port that it asks. */
function isOwn(origin: string, host: string | undefined): boolean {
  if (!URL.canParse(origin)) return false
  const { protocol, host: own } = new URL(origin)
  // Other programs than browsers have schemes of their own, whose hosts are no names of the network.
  return (protocol === 'http:' || protocol === 'https:') && own === host
}

/**
 * Whether it is asked for as a part of a page elsewhere, of which browsers do not name the origin: the answer
 * is kept from that page, but it would take a follower's place. Who comes here by a link may.
 */
function isPartOfAnother(c: Context): boolean {
  const site = c.req.header('sec-fetch-site')
  const isElsewhere = site === 'cross-site' || site === 'same-site'
  return isElsewhere && c.req.header('sec-fetch-dest') !== 'document'
}

/** Whether a request may do everything: it is the owner's. */
export function isOwners(c: Context, { keys }: Pick<DoorOptions, 'keys'>): boolean {
  if (keys.size === 0) return true
  const own = keys.scopesOf(c.req.header('authorization'))
  return own !== null && scopes.every((scope) => own.has(scope))
}

/** Throws ApiError 401 for a key that is not known, 403 for one that does not allow it. */
export function checkScope(c: Context, { keys }: DoorOptions, scope: Scope): void {
  if (keys.size === 0) return
  const own = keys.scopesOf(c.req.header('authorization'))
  if (own === null) {
    throw new ApiError(401, 'got no key that is known here; expected Authorization: Bearer KEY.', {
      ...{ type: 'authentication_error', code: 'invalid_api_key' },
      headers: { 'WWW-Authenticate': 'Bearer' },
    })
  }
  if (!own.has(scope)) {
    throw new ApiError(403, `this key does not allow to ${scope}.`, {
      ...{ type: 'permission_error', code: 'insufficient_scope' },
    })
  }
}
