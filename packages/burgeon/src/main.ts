/** The process: wires the command line to signals, outputs and the exit code. `bin/burgeon.js` starts it. */
import { BurgeonError, InternalError } from '@burgeon/tensor'
import { CommanderError } from 'commander'
import { commandLine } from './command-line.ts'
import { exitCodes } from './commands/exit-codes.ts'
import { outlet } from './terminal/outlet.ts'
import { printable } from './terminal/terminal.ts'

const stop = new AbortController()
/** Takes the next Ctrl-C. */
let interrupted: (() => void) | null = null
for (const [signal, code] of Object.entries(exitCodes)) {
  process.on(signal, () => {
    if (signal === 'SIGINT' && interrupted !== null && !stop.signal.aborted) {
      const take = interrupted
      interrupted = null
      take()
      return
    }
    // The first signal lets the step at hand be saved; the second is for those who cannot wait.
    if (stop.signal.aborted) process.exit(code)
    stop.abort(signal)
  })
}
const [output, status] = [outlet(process.stdout), outlet(process.stderr)]
try {
  const context = {
    output,
    status,
    environment: process.env,
    now: () => performance.now(),
    stop: stop.signal,
    onInterrupt(take: () => void) {
      interrupted = take
      return () => {
        if (interrupted === take) interrupted = null
      }
    },
    closed: output.closed,
  }
  await commandLine(context, (code) => {
    process.exitCode = code
  }).parseAsync()
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode
  else if (stop.signal.aborted && error === stop.signal.reason) process.exitCode = exitCodes[String(error)]
  else if (isForUser(error)) {
    status.write(`burgeon: ${printable(error.message)}\n`)
    process.exitCode = 1
  } else throw error
}
// A full disk behind `> file` is reported, but only after everything else was done.
process.once('exit', () => {
  if (output.fault === undefined) return
  status.write(`burgeon: cannot write the results (${output.fault.code ?? output.fault.message}).\n`)
  process.exitCode ||= 1
})

/**
 * Errors whose message says what to do: our own, and the system's. Anything else is a bug and keeps its
 * stack.
 */
function isForUser(error: unknown): error is Error {
  if (error instanceof BurgeonError) return !(error instanceof InternalError)
  return error instanceof Error && typeof (error as NodeJS.ErrnoException).errno === 'number'
}
