/** The broker that a fleet meets at, as it is named on the command line. */
import type { NatsOptions } from '@burgeon/cluster/nats'
import { type BrokerOptions, enteredBy } from '../../session/cluster/broker.ts'
import type { CommandContext } from '../../terminal/command-context.ts'

/** Options of a command that say where the broker is, and how it is entered. */
export interface BrokerFlags extends Partial<Omit<BrokerOptions, 'name' | 'broker'>> {
  /** As of `burgeon cluster`. */
  readonly broker?: string
}

/** How a broker is reached, and its address as it may be shown. */
export interface KnownBroker {
  readonly options: NatsOptions
  /** Without a name or password. */
  readonly shown: string
}

/** The broker of some flags, as `burgeon cluster` knows it. Throws UsageError for flags that name none. */
export function brokerOf(
  who: string,
  { broker, tls = false, ...flags }: BrokerFlags,
  context: Pick<CommandContext, 'environment'>,
): Promise<KnownBroker> {
  return enteredBy(who, { ...flags, tls, broker: broker === undefined ? [] : [broker] }, context)
}
