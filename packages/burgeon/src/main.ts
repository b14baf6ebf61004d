#!/usr/bin/env node
/** The executable: wires the command line to this process. */
import { BurgeonError, InternalError } from '@burgeon/tensor'
import { CommanderError } from 'commander'
import { commandLine } from './command-line.ts'

const stop = new AbortController()
process.on('SIGINT', () => {
  // The second Ctrl-C is for those who cannot wait for the step at hand to be saved.
  if (stop.signal.aborted) process.exit(130)
  stop.abort()
  process.stderr.write('\nstopping after this step; press Ctrl-C again to quit at once\n')
})
process.on('SIGTERM', () => stop.abort())
// A reader that went away (`burgeon generate | head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))

const context = {
  output: process.stdout,
  status: process.stderr,
  environment: process.env,
  now: () => performance.now(),
  stop: stop.signal,
}
try {
  await commandLine(context, (code) => {
    process.exitCode = code
  }).parseAsync()
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode
  else if (isForUser(error)) {
    process.stderr.write(`burgeon: ${error.message}\n`)
    process.exitCode = 1
  } else throw error
}

/** Errors whose message says what to do; anything else is a bug and keeps its stack. */
function isForUser(error: unknown): error is Error {
  if (error instanceof BurgeonError) return !(error instanceof InternalError)
  return error instanceof Error && 'code' in error
}
