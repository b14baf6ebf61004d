/** Keys: who may ask for what. */
import { createHash, timingSafeEqual } from 'node:crypto'
import { OptionError } from '@burgeon/tensor'

/** What a key allows: to ask, to teach, to change what is served. */
export type Scope = 'read' | 'teach' | 'admin'

/** All of them. */
export const scopes: readonly Scope[] = ['read', 'teach', 'admin']

/** A secret, and what it allows. */
export interface ApiKey {
  /** 16 characters or more. */
  readonly key: string
  readonly scopes: readonly Scope[]
}

const digestOf = (key: string): Buffer => createHash('sha256').update(key).digest()

/** The keys of a server. The secrets themselves are not kept. */
export class Keys {
  readonly #known: readonly { readonly digest: Buffer; readonly scopes: ReadonlySet<Scope> }[]

  /** @throws OptionError for keys that are none, or too short; the message does not tell them. */
  constructor(keys: readonly ApiKey[]) {
    // What was given may be a secret at the wrong place: no message shows it.
    if (!Array.isArray(keys) || !keys.every(isKey)) {
      throw new OptionError(
        `keys: got something else than a list of { key, scopes }; expected keys of 16 characters or more, each with scopes among ${scopes.join(', ')}.`,
      )
    }
    this.#known = keys.map(({ key, scopes: own }) => ({ digest: digestOf(key), scopes: new Set(own) }))
  }

  get size(): number {
    return this.#known.length
  }

  /** What a header `Authorization: Bearer KEY` allows; null for none that is known. Takes as long for all keys. */
  scopesOf(authorization: string | undefined): ReadonlySet<Scope> | null {
    const digest = digestOf(/^Bearer +(\S+) *$/i.exec(authorization ?? '')?.[1] ?? '')
    let found: ReadonlySet<Scope> | null = null
    for (const known of this.#known) if (timingSafeEqual(known.digest, digest)) found = known.scopes
    return found
  }
}

function isKey(value: unknown): value is ApiKey {
  if (typeof value !== 'object' || value === null) return false
  const { key, scopes: own } = value as Partial<ApiKey>
  const isKnown = (scope: unknown): boolean => scopes.includes(scope as Scope)
  return (
    typeof key === 'string' && key.length >= 16 && Array.isArray(own) && own.length > 0 && own.every(isKnown)
  )
}
