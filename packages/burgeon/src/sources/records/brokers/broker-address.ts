/** Addresses of brokers: where one is, and what of it is wanted. */
import { UsageError } from '../../../terminal/usage-error.ts'
import { printable } from '../../../terminal/terminal.ts'

/** An address in parts. */
export interface BrokerAddress {
  /** Host, and port if there is one. */
  readonly host: string
  readonly user: string | undefined
  readonly password: string | undefined
  /** Subject or topic: what stands after the host. */
  readonly subject: string
  /** Name by which the broker knows who reads, if the address gives one. */
  readonly reader: string | undefined
  /** The address as it may be shown. */
  readonly name: string
}

/**
 * Parts of an address such as `mqtt://user:password@host/topic?reader=kitchen`.
 *
 * @param example Shown where the address is none.
 * @throws UsageError without a host or a subject.
 */
export function brokerAddress(address: string, example: string): BrokerAddress {
  // By hand: in a URL, # and + of topics and > and * of subjects would be something else.
  const found = /^([a-z]+):\/\/(?:([^:@/]*)(?::([^@/]*))?@)?([^/?]+)\/([^?]+)(?:\?reader=([\w-]+))?$/.exec(
    address,
  )
  if (found === null) {
    const shown = printable(address.replace(/\/\/[^@/]*@/, '//…@'))
    throw new UsageError(`learn: got ${shown}; expected an address such as ${example}.`)
  }
  const [, scheme, user, password, host, subject, reader] = found
  const plain = (text: string | undefined): string | undefined => text && decodeURIComponent(text)
  const name = `${scheme}://${host}/${subject}${reader === undefined ? '' : `?reader=${reader}`}`
  return { host, user: plain(user), password: plain(password), subject, reader, name }
}
