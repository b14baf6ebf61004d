/** What a command gets from the outside, so that tests can hand it something else. */
import type { TerminalEnvironment, TerminalOutput } from './terminal.ts'

export interface CommandContext {
  /** Results. */
  readonly output: TerminalOutput
  /** Progress and notes. */
  readonly status: TerminalOutput
  readonly environment: TerminalEnvironment
  /** Milliseconds of a clock that only goes forward. */
  readonly now: () => number
  /** Raised when the user asks to stop. Its reason is the signal, `SIGINT` for example. */
  readonly stop: AbortSignal
  /** Raised when nobody reads the results any more. */
  readonly closed: AbortSignal
}
