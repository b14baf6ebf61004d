/** The world outside a command: outputs, environment, clock, signals. Tests pass another. */
import type { TerminalEnvironment, TerminalOutput } from './terminal.ts'

export interface CommandContext {
  /** What `-` reads, and `chat`; standard input unless given. */
  readonly input?: AsyncIterable<Uint8Array>
  /** Results. */
  readonly output: TerminalOutput
  /** Progress and notes. */
  readonly status: TerminalOutput
  readonly environment: TerminalEnvironment
  /** Milliseconds of a clock that only goes forward. */
  readonly now: () => number
  /** Raised when the user asks to stop. Its reason is the signal, `SIGINT` for example. */
  readonly stop: AbortSignal
  /**
   * Hands the next Ctrl-C to `take`, once, instead of raising `stop`. Returns what takes that back. Without
   * it, every Ctrl-C raises `stop`.
   */
  readonly onInterrupt?: (take: () => void) => () => void
  /** Raised when nobody reads the results any more. */
  readonly closed: AbortSignal
}
