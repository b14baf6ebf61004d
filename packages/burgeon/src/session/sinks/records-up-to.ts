/** Where the records of a run end that a life remembers: later ones are of steps that were never saved. */
import { closeSync, openSync, readSync, statSync } from 'node:fs'
import { printable } from '../../terminal/terminal.ts'
import { UsageError } from '../../terminal/usage-error.ts'

/** What of a file belongs to a life. */
export interface KnownRecords {
  /** Bytes up to the last of them. */
  readonly bytes: number
  /** Bytes of the file. */
  readonly size: number
}

/** The beginning of a line that `jsonlSink` writes. */
const beginning = '{"step":'

/**
 * Of JSON lines, each with the number of its step at the beginning.
 *
 * @throws UsageError for lines that are none of a run: they are somebody's own.
 */
export function linesUpTo(file: string, step: number): KnownRecords {
  return reading(file, (read, size) => {
    let bytes = 0
    let rest = Buffer.alloc(0)
    for (let at = 0; at < size; ) {
      const more = read(at, 1 << 16)
      at += more.length
      rest = Buffer.concat([rest, more])
      for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n')) {
        const [, number] = /^\{"step":(\d+)[,}]/.exec(rest.toString('latin1', 0, Math.min(end, 40))) ?? []
        if (number === undefined) throw foreign(file)
        if (Number(number) > step) return bytes
        bytes += end + 1
        rest = rest.subarray(end + 1)
      }
    }
    const torn = rest.toString('latin1', 0, beginning.length)
    if (!beginning.startsWith(torn)) throw foreign(file)
    return bytes
  })
}

/** Bytes of a record's length and its checksum, and of the checksum behind the message. */
const [before, behind] = [12, 4]

/** Of an event file that `tensorboardSink` wrote: records of a length, a checksum, a message and its checksum. */
export function eventsUpTo(file: string, step: number): KnownRecords {
  return reading(file, (read, size) => {
    let bytes = 0
    while (bytes + before + behind <= size) {
      const head = read(bytes, before + 24)
      const length = Number(head.readBigUInt64LE())
      if (!(bytes + before + length + behind <= size) || stepOf(head.subarray(before)) > step) break
      bytes += before + length + behind
    }
    return bytes
  })
}

/** The step of a message: field 2, behind the time; a message about the file itself has none. */
function stepOf(message: Buffer): number {
  const [time, number] = [9, 0x10]
  if (message[time] !== number) return 0
  let [step, factor] = [0, 1]
  for (const byte of message.subarray(time + 1)) {
    step += (byte % 128) * factor
    factor *= 128
    if (byte < 128) break
  }
  return step
}

function foreign(file: string): UsageError {
  return new UsageError(
    `${printable(file)} holds lines that are no records of a run; expected another file, so that nothing of yours is lost.`,
  )
}

function reading(
  file: string,
  body: (read: (at: number, length: number) => Buffer, size: number) => number,
): KnownRecords {
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0
  if (size === 0) return { bytes: 0, size }
  const handle = openSync(file, 'r')
  try {
    const read = (at: number, length: number): Buffer => {
      const bytes = Buffer.alloc(Math.min(length, size - at))
      return bytes.subarray(0, readSync(handle, bytes, 0, bytes.length, at))
    }
    return { bytes: body(read, size), size }
  } finally {
    closeSync(handle)
  }
}
