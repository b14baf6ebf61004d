/** An output whose reader may go away. */
import type { TerminalOutput } from './terminal.ts'

/** The part of `process.stdout` that is used. */
export interface OutletStream extends TerminalOutput {
  on(event: 'error', listener: (error: NodeJS.ErrnoException) => void): unknown
}

export interface Outlet extends TerminalOutput {
  /** Raised at the first write that fails. */
  readonly closed: AbortSignal
  /** Why writing failed; nothing as long as it works, or when the reader left on purpose (EPIPE). */
  readonly fault: NodeJS.ErrnoException | undefined
}

/**
 * Hands text on until writing fails; what is written later is dropped. A reader that goes away (`burgeon
 * learn … | head`) must not end what the process is really for.
 */
export function outlet(stream: OutletStream): Outlet {
  const closing = new AbortController()
  let fault: NodeJS.ErrnoException | undefined
  stream.on('error', (error) => {
    if (error.code !== 'EPIPE') fault ??= error
    closing.abort()
  })
  return {
    closed: closing.signal,
    get fault() {
      return fault
    },
    get isTTY() {
      return stream.isTTY === true
    },
    get columns() {
      return stream.columns
    },
    write: (text) => (closing.signal.aborted ? false : stream.write(text)),
  }
}
