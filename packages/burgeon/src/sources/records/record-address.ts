/** Addresses of sources of records on the command line. */
import { printable } from '../../terminal/terminal.ts'
import { UsageError } from '../../terminal/usage-error.ts'
import { mqttMessages } from './brokers/mqtt-source.ts'
import { natsMessages } from './brokers/nats-source.ts'
import type { RecordSource } from './record-source.ts'
import { aWebAddress, serverSentEvents } from './server-sent-events.ts'

/** What addresses begin with, and what makes a source of the rest. A file of such a name is `./sse:…`. */
const schemes: Readonly<Record<string, (address: string) => RecordSource>> = {
  'sse:': (address) => serverSentEvents(webAddress(address)),
  'nats://': natsMessages,
  'mqtt://': mqttMessages,
  'mqtts://': mqttMessages,
}

/** The source of records at an address; null for what is a path. Opens nothing. */
export function recordsAt(address: string): RecordSource | null {
  const scheme = Object.keys(schemes).find((beginning) => address.startsWith(beginning))
  return scheme === undefined ? null : schemes[scheme](address)
}

function webAddress(address: string): string {
  const url = address.slice('sse:'.length)
  if (aWebAddress.accepts(url)) return url
  throw new UsageError(
    `learn: got ${printable(address)}; expected sse: and a URL, such as sse:http://localhost:8080/events.`,
  )
}
