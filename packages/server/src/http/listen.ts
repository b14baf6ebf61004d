/** A socket for a function of requests, until it is told to end. */
import { serve as listen } from '@hono/node-server'
import { checkArgument, checks, OptionError } from '@burgeon/tensor'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { App } from '../app.ts'
import { loopbackNames } from '../security/doors.ts'

/** Where a server listens. */
export interface ListenOptions {
  /** Address to listen on. `127.0.0.1` unless given; any other than one of loopback wants keys. */
  readonly host?: string
  /** 8080 unless given, 0 for any that is free. */
  readonly port?: number
  /** Seconds that requests have to end when the server does, at most a day. 30 unless given. */
  readonly graceSeconds?: number
}

/** A server that listens. */
export interface Running {
  /** `http://127.0.0.1:8080`. */
  readonly url: string
  readonly port: number
  /** Answers a request that came another way than by the socket. */
  readonly fetch: App['fetch']
  /** Takes no more requests, lets those at hand end, and saves what was learnt. */
  close(): Promise<void>
}

/** What is listened for. */
export interface Answering {
  readonly fetch: App['fetch']
  /** Takes no more requests; resolves when none is being answered. */
  drain(): Promise<void>
  /** Called when the socket is closed. */
  closed?(): Promise<void>
}

const isLoopback = (host: string): boolean => ['localhost', '127.0.0.1', '::1'].includes(host)

/**
 * Checks where is listened, and who may come by which name.
 *
 * @param hosts Names in the header `Host` that are wanted; null for any.
 * @returns Those that count.
 * @throws OptionError for options out of range, and for an address that others can reach without keys.
 */
export function checkListen(
  who: string,
  { host = '127.0.0.1', port = 8080, graceSeconds = 30 }: ListenOptions,
  { keys, hosts }: { readonly keys: number; readonly hosts: readonly string[] | null | undefined },
): readonly string[] | null {
  checkArgument(who, 'host', host, checks.text)
  checkArgument(who, 'port', port, checks.integer({ from: 0, to: 65_535 }))
  checkArgument(who, 'graceSeconds', graceSeconds, checks.number({ from: 0, to: 86_400 }))
  if (!isLoopback(host) && keys === 0) {
    throw new OptionError(
      `${who}: got the address ${host} and no keys; expected keys where others can reach it.`,
    )
  }
  // Whoever has a key may come by any name; a page cannot have one.
  return hosts === undefined ? (isLoopback(host) ? loopbackNames : null) : hosts
}

/** Listens. Throws OptionError for an address that cannot be had. */
export async function listenFor(who: string, answering: Answering, options: ListenOptions): Promise<Running> {
  const { host = '127.0.0.1', port = 8080, graceSeconds = 30 } = options
  const { fetch } = answering
  const server = await listening(who, fetch, host, port)
  const { port: own } = server.address() as AddressInfo
  let ending: Promise<void> | undefined
  const end = async (): Promise<void> => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    await Promise.race([
      answering.drain(),
      new Promise((resolve) => setTimeout(resolve, graceSeconds * 1000).unref()),
    ])
    server.closeAllConnections()
    await closed
    await answering.closed?.()
  }
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${own}`,
    ...{ port: own, fetch },
    close: () => (ending ??= end()),
  }
}

/** Bounds on the headers of a request, and on how long one may take to come. */
const httpLimits = {
  ...{
    maxHeaderSize: 16_384,
    headersTimeout: 10_000,
    requestTimeout: 60_000,
    connectionsCheckingInterval: 1000,
  },
}

function listening(who: string, fetch: App['fetch'], hostname: string, port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = listen({ fetch, hostname, port, serverOptions: httpLimits }, () =>
      resolve(server),
    ) as Server
    server.once('error', (cause: NodeJS.ErrnoException) => {
      reject(
        new OptionError(
          `${who}: cannot listen on host ${hostname}, port ${port} (${cause.code ?? cause.message}); expected an address of this machine that is free.`,
          { cause },
        ),
      )
    })
  })
}
