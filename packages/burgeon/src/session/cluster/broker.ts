/** The broker of a cluster: how it is named and entered, and what is done while it is away. */
import { readFile } from 'node:fs/promises'
import type { natsSeams, NatsOptions, NatsSeams } from '@burgeon/cluster/nats'
import { checks, fields, optional } from '@burgeon/tensor'
import { orStopped } from '../../sources/or-stopped.ts'
import type { CommandContext } from '../../terminal/command-context.ts'
import { printable } from '../../terminal/terminal.ts'
import { UsageError } from '../../terminal/usage-error.ts'

/** Where a cluster is found. */
export interface BrokerOptions {
  /** Name of the cluster. */
  readonly name: string
  /** Addresses, such as `nats://host:4222`; a user may stand in them. */
  readonly broker: readonly string[]
  /** File of JSON: `{ "user": …, "password": … }` or `{ "token": … }`. */
  readonly credentials?: string
  /** Seals what is sent, with what this machine takes for good. */
  readonly tls: boolean
  readonly tlsCa?: string
  readonly tlsCert?: string
  readonly tlsKey?: string
}

const usual = 'nats://localhost:4222'
const { text } = checks
const someCredentials = fields<Pick<NatsOptions, 'user' | 'password' | 'token'>>('credentials', {
  ...{ user: optional(text), password: optional(text), token: optional(text) },
})

/** Milliseconds between two tries. */
const pause = 1000

/** A broker that has been reached. */
export interface ReachedBroker extends Omit<NatsSeams, 'close'> {
  /**
   * Takes a turn. While the broker is away, or has no room, that is said once, and the turn taken again until it
   * is done.
   *
   * @returns null once somebody asks to stop.
   * @throws What the turn throws, but for errors of log, blobs and transport.
   */
  through<T>(turn: () => Promise<T>): Promise<T | null>
  close(): Promise<void>
}

/**
 * Reaches the broker of a cluster.
 *
 * @param how `waits`: whether one that is not there is waited for; a mistake unless so. `makes`: whether what a
 *   cluster keeps there is made, where it is not.
 * @returns null if somebody asked to stop before it was there.
 * @throws UsageError for options that are none, UnsupportedError without the packages, TransportError if it refuses
 *   who comes, or is not there and not waited for.
 */
export async function reachBroker(
  who: string,
  options: BrokerOptions,
  context: CommandContext,
  { waits, makes }: { readonly waits: boolean; readonly makes: boolean },
): Promise<ReachedBroker | null> {
  const { name } = options
  if (!/^[\w-]{1,100}$/.test(name)) {
    throw new UsageError(
      `${who}: got --name ${printable(name)}; expected a word of letters, digits, _ and -.`,
    )
  }
  const entered = await enteredBy(who, options, context)
  const { shown } = entered
  const { natsSeams: open } = await import('@burgeon/cluster/nats')
  const { through } = patience(shown, context)
  const reach = (): Promise<NatsSeams> => opened(open, name, { ...entered.options, makes })
  const seams = waits ? await through(reach) : await reach()
  if (seams === null) return null
  return {
    place: seams.place,
    transport: seams.transport,
    through,
    close: () => seams.close().catch(() => {}),
  }
}

/** A broker that refuses who comes is no broker that is away. */
async function opened(open: typeof natsSeams, name: string, options: NatsOptions): Promise<NatsSeams> {
  try {
    return await open(name, options)
  } catch (error) {
    const { cause, message } = error as Error & { readonly cause?: Error }
    if (!/Authorization|Authentication/.test(cause?.name ?? '')) throw error
    throw new UsageError(`${message}: the broker refuses this user; see --credentials.`, { cause })
  }
}

/** Turns that are taken again while a broker is away. */
function patience(
  shown: string,
  { status, stop }: Pick<CommandContext, 'status' | 'stop'>,
): Pick<ReachedBroker, 'through'> {
  let said = ''
  const say = (text: string): void => void status.write(`burgeon: ${printable(text)}\n`)
  return {
    async through(turn) {
      while (!stop.aborted) {
        try {
          const done = await turn()
          if (said !== '') say(`${shown} is there again`)
          said = ''
          return done
        } catch (error) {
          const { name, message } = error as Error
          if (!/^(Transport|Log|Blob)Error$/.test(name)) throw error
          if (message !== said) say(`waiting for ${shown}: ${message}`)
          said = message
        }
        await orStopped(new Promise((resolve) => setTimeout(resolve, pause)), [stop])
      }
      return null
    },
  }
}

/** What connecting takes, and the addresses as they may be shown. */
export async function enteredBy(
  who: string,
  options: Omit<BrokerOptions, 'name'>,
  { environment }: Pick<CommandContext, 'environment'>,
): Promise<{ readonly options: NatsOptions; readonly shown: string }> {
  const { broker, credentials, tlsCa, tlsCert, tlsKey } = options
  const named = broker.length > 0 ? broker : [environment.BURGEON_BROKER || usual]
  const addresses = named.map((address) => {
    const found = /^(nats|tls):\/\/(?:([^:@/]*)(?::([^@/]*))?@)?([^/@?#]+)\/?$/.exec(address)
    if (found === null || isMisspelt(found[2]) || isMisspelt(found[3])) {
      const shown = printable(address.replace(/\/\/[^/]*@/, '//…@'))
      throw new UsageError(`${who}: got --broker ${shown}; expected an address such as ${usual}.`)
    }
    const [, scheme, user, password, host] = found
    return { scheme, user, password, host }
  })
  const isSealed = options.tls || addresses.some(({ scheme }) => scheme === 'tls')
  const files = { caFile: tlsCa, certFile: tlsCert, keyFile: tlsKey }
  const isFiled = Object.values(files).some((file) => file !== undefined)
  if ((tlsCert === undefined) !== (tlsKey === undefined)) {
    const [got, missing] = tlsKey === undefined ? ['cert', 'key'] : ['key', 'cert']
    throw new UsageError(
      `${who}: got --tls-${got} without --tls-${missing}; expected both files, or neither.`,
    )
  }
  const [{ user, password }] = addresses
  const given = {
    ...(environment.BURGEON_BROKER_USER && { user: environment.BURGEON_BROKER_USER }),
    ...(environment.BURGEON_BROKER_PASSWORD && { password: environment.BURGEON_BROKER_PASSWORD }),
    ...(environment.BURGEON_BROKER_TOKEN && { token: environment.BURGEON_BROKER_TOKEN }),
    ...(credentials !== undefined && (await credentialsIn(who, credentials))),
    ...(user !== undefined && {
      user: decodeURIComponent(user),
      password: decodeURIComponent(password ?? ''),
    }),
  }
  const servers = addresses.map(({ host }) => `nats://${host}`)
  return {
    options: { servers, ...given, ...((isSealed || isFiled) && { tls: files }) },
    shown: servers.join(', '),
  }
}

/** Whether a part of an address has a percent sign that stands for nothing. */
function isMisspelt(part = ''): boolean {
  try {
    decodeURIComponent(part)
    return false
  } catch {
    return true
  }
}

async function credentialsIn(
  who: string,
  file: string,
): Promise<Pick<NatsOptions, 'user' | 'password' | 'token'>> {
  try {
    const found: unknown = JSON.parse(await readFile(file, 'utf8'))
    if (someCredentials.accepts(found)) return found
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code !== undefined) {
      throw new UsageError(`${who}: --credentials ${printable(file)} cannot be read (${code}).`, { cause })
    }
  }
  throw new UsageError(
    `${who}: --credentials ${printable(file)} holds none; expected JSON such as { "user": "a", "password": "…" }.`,
  )
}
