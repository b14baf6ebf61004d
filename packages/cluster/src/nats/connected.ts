/** A connection to a broker that has what it is for. */
import { type Check, checkOptions, checks, fields, optional } from '@burgeon/tensor'
import { TransportError } from '../errors.ts'
import { type Broker, type NatsOptions, reach } from './broker.ts'

const { text } = checks
const someServers: Check<string | readonly string[]> = {
  expected: 'an address, such as nats://localhost:4222, or a list of some',
  accepts: (value): value is string | readonly string[] => {
    const all: readonly unknown[] = Array.isArray(value) ? value : [value]
    return all.length > 0 && all.every((one) => typeof one === 'string' && one !== '')
  },
}

/**
 * Reaches a broker, and prepares it; where that fails, the connection is closed.
 *
 * @throws OptionError for options that are none, UnsupportedError without the packages, TransportError if the
 *   broker cannot be reached, or refuses.
 */
export async function connected(
  who: string,
  options: NatsOptions,
  prepare: (broker: Broker) => Promise<void>,
): Promise<Broker> {
  checkOptions(who, options, {
    servers: checks.required(someServers),
    ...{ user: text, password: text, token: text, makes: checks.boolean },
    tls: fields('an object of files', {
      caFile: optional(text),
      certFile: optional(text),
      keyFile: optional(text),
    }),
  })
  const failed = (cause: unknown): never => {
    if ((cause as Error).name === 'UnsupportedError') throw cause
    throw new TransportError(`${who}: ${String(options.servers)}: ${(cause as Error).message}`, { cause })
  }
  const broker = await reach(options).catch(failed)
  try {
    await prepare(broker)
  } catch (error) {
    await broker.connection.close()
    failed(error)
  }
  return broker
}
