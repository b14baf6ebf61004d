/** The world outside a command: outputs, environment, clock, signals. Tests pass another. */
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
