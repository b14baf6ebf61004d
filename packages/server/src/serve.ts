/** A server that listens on a socket, until it is told to end. */
import { serve as listen } from '@hono/node-server'
import { checkArgument, checks, OptionError } from '@burgeon/tensor'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type App, type AppOptions, createApp } from './app.ts'
import { loopbackNames } from './security/doors.ts'
import type { ServedModel } from './served/served-model.ts'

/** Where a server listens, beside whom it lets in. */
export interface ServeOptions extends AppOptions {
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
  /** Takes no more requests, lets those at hand end, and saves what was learnt. */
  close(): Promise<void>
}

const isLoopback = (host: string): boolean => ['localhost', '127.0.0.1', '::1'].includes(host)

/**
 * Serves a model.
 *
 * @throws OptionError for options out of range, for an address that others can reach without keys, and for
 *   one that cannot be had.
 */
export async function serve(served: ServedModel, options: ServeOptions = {}): Promise<Running> {
  checkArgument('serve', 'options', options, checks.object('an object of options'))
  const { host = '127.0.0.1', port = 8080, graceSeconds = 30, ...rest } = options
  checkArgument('serve', 'host', host, checks.text)
  checkArgument('serve', 'port', port, checks.integer({ from: 0, to: 65_535 }))
  checkArgument('serve', 'graceSeconds', graceSeconds, checks.number({ from: 0, to: 86_400 }))
  if (!isLoopback(host) && (rest.keys === undefined || rest.keys?.length === 0)) {
    throw new OptionError(
      `serve: got the address ${host} and no keys; expected keys where others can reach it.`,
    )
  }
  // Whoever has a key may come by any name; a page cannot have one.
  const hosts = rest.hosts === undefined ? (isLoopback(host) ? loopbackNames : null) : rest.hosts
  const app = createApp(served, { ...rest, hosts })
  const server = await listening(app.fetch, host, port)
  const { port: own } = server.address() as AddressInfo
  let ending: Promise<void> | undefined
  const end = async (): Promise<void> => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    await Promise.race([
      app.drain(),
      new Promise((resolve) => setTimeout(resolve, graceSeconds * 1000).unref()),
    ])
    server.closeAllConnections()
    await closed
    await served.teacher?.close()
  }
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${own}`,
    port: own,
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

function listening(fetch: App['fetch'], hostname: string, port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = listen({ fetch, hostname, port, serverOptions: httpLimits }, () =>
      resolve(server),
    ) as Server
    server.once('error', (cause: NodeJS.ErrnoException) => {
      reject(
        new OptionError(
          `serve: cannot listen on host ${hostname}, port ${port} (${cause.code ?? cause.message}); expected an address of this machine that is free.`,
          { cause },
        ),
      )
    })
  })
}
