/** A connection to NATS, as far as the seams use it; the packages are optional. */
import { UnsupportedError } from '@burgeon/tensor'
import { TransportError } from '../errors.ts'

export interface Headers {
  get(key: string): string
  set(key: string, value: string): void
}

export interface BrokerMessage {
  readonly subject: string
  readonly data: Uint8Array
  readonly headers?: Headers
  respond(data: Uint8Array, options?: { headers: Headers }): boolean
}

export interface BrokerSubscription extends AsyncIterable<BrokerMessage> {
  unsubscribe(): void
}

/** Of `@nats-io/transport-node`. */
export interface Connection {
  publish(subject: string, data: Uint8Array): void
  subscribe(subject: string, options?: { queue?: string }): BrokerSubscription
  request(subject: string, data: Uint8Array, options: { timeout: number }): Promise<BrokerMessage>
  flush(): Promise<void>
  isClosed(): boolean
  close(): Promise<void>
}

/** A message that a stream keeps. */
export interface StoredMessage {
  readonly subject: string
  readonly data: Uint8Array
  readonly header?: Headers
}

/** Of `@nats-io/jetstream`. */
export interface StreamManager {
  readonly streams: {
    info(
      stream: string,
      options?: { subjects_filter: string },
    ): Promise<{ readonly state: { readonly last_seq: number; readonly subjects?: Record<string, number> } }>
    add(config: object): Promise<unknown>
    purge(stream: string, options: { filter: string }): Promise<unknown>
  }
  readonly direct: {
    getMessage(
      stream: string,
      query: { seq: number } | { last_by_subj: string },
    ): Promise<StoredMessage | null>
  }
  jetstream(): {
    publish(
      subject: string,
      data: Uint8Array,
      options: object,
    ): Promise<{ readonly seq: number; readonly duplicate: boolean }>
  }
}

/** How a broker is reached. */
export interface NatsOptions {
  /** Address, such as `nats://localhost:4222`; several for a cluster of brokers. */
  readonly servers: string | readonly string[]
  readonly user?: string
  readonly password?: string
  readonly token?: string
  /** Whether streams that are not there are made. True unless given. */
  readonly makes?: boolean
  /** Files of certificates, for a broker that wants TLS. */
  readonly tls?: {
    readonly caFile?: string | undefined
    readonly certFile?: string | undefined
    readonly keyFile?: string | undefined
  }
}

/** A broker that has been reached. */
export interface Broker {
  readonly connection: Connection
  readonly streams: StreamManager
  headers(): Headers
}

const version = '3.4.0'

async function optional<T>(name: string): Promise<T> {
  try {
    // The name is no literal, so that no bundler looks for it.
    return (await import(/* @vite-ignore */ name)) as T
  } catch (cause) {
    throw new UnsupportedError(
      `natsSeams: needs the package ${name}, which cannot be loaded. Install it: npm i ${name}@${version}`,
      { cause },
    )
  }
}

/** Reaches a broker. Throws UnsupportedError without the packages, and what connecting throws. */
export async function reach({ servers, user, password, token, tls }: NatsOptions): Promise<Broker> {
  const { connect, headers } = await optional<{
    connect(options: object): Promise<Connection>
    headers(): Headers
  }>('@nats-io/transport-node')
  const { jetstreamManager } = await optional<{
    jetstreamManager(connection: Connection, options: object): Promise<StreamManager>
  }>('@nats-io/jetstream')
  const connection = await connect({
    ...{ servers, name: 'burgeon', maxReconnectAttempts: -1 },
    ...(user !== undefined && { user, pass: password ?? '' }),
    ...(token !== undefined && { token }),
    ...(tls && { tls }),
  })
  // Whoever may not manage streams finds out when it does.
  return { connection, streams: await jetstreamManager(connection, { checkAPI: false }), headers }
}

/** Code of an error of JetStream; undefined for any other. */
export const codeOf = (error: unknown): number | undefined => {
  const { code, api_error } = error as { code?: unknown; api_error?: { err_code?: number } }
  return api_error?.err_code ?? (typeof code === 'number' ? code : undefined)
}

/** Makes sure that there is a stream. One that is there stays as it is; one that is not is made, or said to miss. */
export async function ensureStream(
  { streams }: Broker,
  name: string,
  config: object,
  makes: boolean,
): Promise<void> {
  try {
    await streams.streams.info(name)
  } catch (error) {
    if (codeOf(error) !== streamNotFound) throw error
    if (!makes)
      throw new TransportError(`there is no stream ${name}; begin a cluster of this name first`, {
        cause: error,
      })
    await streams.streams.add({ name, storage: 'file', allow_direct: true, ...config })
  }
}

const streamNotFound = 10059
/** The last position is another than expected. */
export const wrongLastSequence = 10071
/** No message there. */
export const noMessage = 10037
