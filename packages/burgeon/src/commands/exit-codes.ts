/**
 * The signals that ask a command to stop, and the exit code that says a command was cut short by one: 128 and
 * its number.
 */
export const exitCodes: Readonly<Record<string, number>> = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 }
