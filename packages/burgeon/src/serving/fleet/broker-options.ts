/** The broker that a fleet meets at, as it is named on the command line. */
import type { NatsOptions } from '@burgeon/cluster/nats'
import { UsageError } from '../../terminal/usage-error.ts'

/** Options of a command that say where the broker is, and how it is reached. */
export interface BrokerFlags {
  /** `nats://[user:password@]host:4222`, or `tls://…`. */
  readonly broker?: string | undefined
  /** File of certificates that the broker's is signed by. */
  readonly brokerCa?: string | undefined
  /** File of a certificate to show to the broker. */
  readonly brokerCert?: string | undefined
  /** File of its key. */
  readonly brokerKey?: string | undefined
}

/** How a broker is reached, and its address as it may be shown. */
export interface KnownBroker {
  readonly options: NatsOptions
  /** Without a name or password. */
  readonly shown: string
}

/**
 * The broker of some flags. A name without a password is a token.
 *
 * @throws UsageError without an address or for one that is none, which is not shown: it may hold a password.
 */
export function brokerOf(who: string, flags: BrokerFlags): KnownBroker {
  const { broker, brokerCa: caFile, brokerCert: certFile, brokerKey: keyFile } = flags
  if (broker === undefined) {
    throw new UsageError(`${who}: got no --broker; expected an address, such as nats://localhost:4222.`)
  }
  const found = /^(nats|tls):\/\/(?:([^:@/]*)(?::([^@/]*))?@)?([^:@/]+(?::\d+)?)\/?$/.exec(broker)
  if (found === null) {
    throw new UsageError(
      `${who}: got a --broker that is no address; expected one such as nats://user:password@localhost:4222.`,
    )
  }
  if ((certFile === undefined) !== (keyFile === undefined)) {
    throw new UsageError(`${who}: got one of --broker-cert and --broker-key; expected both or none.`)
  }
  const [, scheme, user, password, host] = found
  const plain = (text: string): string => decodeURIComponent(text)
  const isSealed = scheme === 'tls' || caFile !== undefined || certFile !== undefined
  return {
    shown: `${scheme}://${host}`,
    options: {
      servers: host,
      ...(user !== undefined && password !== undefined && { user: plain(user), password: plain(password) }),
      ...(user !== undefined && password === undefined && { token: plain(user) }),
      ...(isSealed && { tls: { caFile, certFile, keyFile } }),
    },
  }
}
