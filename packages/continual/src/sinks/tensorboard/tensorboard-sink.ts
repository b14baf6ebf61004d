import { checkArgument, checkOptions, checks } from '@burgeon/tensor'
import { anOutput, outputSink, type SinkOutput } from '../output-sink.ts'
import type { Sink } from '../sink.ts'
import { maskedCrc32c } from './crc32c.ts'
import { scalarEvent, versionEvent } from './event-message.ts'

/** What event files hold beside numbers. */
export interface TensorboardSinkOptions {
  /** Seconds since 1970, for every record; 0 unless given. `() => Date.now() / 1000` outside of tests. */
  readonly now?: () => number
}

/**
 * An event file as TensorBoard reads it: one record for each step with its numbers as scalars in single
 * precision, and for each kind of event how many there were (`events/drift`). The name of the file must
 * contain `tfevents`, as in `runs/first/events.out.tfevents.1`; files of one folder are one run, so a run
 * that is resumed goes on in a file of its own.
 *
 * @throws OptionError for what is no output.
 */
export function tensorboardSink(output: SinkOutput, options: TensorboardSinkOptions = {}): Sink {
  checkArgument('tensorboardSink', 'output', output, anOutput)
  checkOptions('tensorboardSink', options, { now: checks.callback('a function that returns seconds') })
  const { now = () => 0 } = options
  let isFirst = true
  return outputSink('tensorboardSink', output, ({ step, scalars, events }) => {
    const counts = new Map<string, number>()
    for (const { kind } of events) counts.set(`events/${kind}`, (counts.get(`events/${kind}`) ?? 0) + 1)
    const record = framed(scalarEvent(now(), step, [...Object.entries(scalars), ...counts]))
    if (!isFirst) return record
    isFirst = false
    const version = framed(versionEvent(now()))
    const both = new Uint8Array(version.length + record.length)
    both.set(version)
    both.set(record, version.length)
    return both
  })
}

/** A TFRecord: the length in eight bytes, its checksum, the message, and its checksum. */
function framed(message: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(message.length + 16)
  const view = new DataView(bytes.buffer)
  view.setBigUint64(0, BigInt(message.length), true)
  view.setUint32(8, maskedCrc32c(bytes.subarray(0, 8)), true)
  bytes.set(message, 12)
  view.setUint32(12 + message.length, maskedCrc32c(message), true)
  return bytes
}
