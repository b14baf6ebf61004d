/** The server, an optional package. */
import type * as Server from '@burgeon/server'
import { UnsupportedError } from '@burgeon/tensor'

/** The version that goes with this one. */
const server = { name: '@burgeon/server', version: '0.1.0' }

/**
 * Loads the server.
 *
 * @param who The command that needs it, for the message.
 * @throws UnsupportedError that says how it is installed, where it is not.
 */
export async function findServer(who: string): Promise<typeof Server> {
  try {
    return await import('@burgeon/server')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new UnsupportedError(
      `${who}: the package ${server.name} is not installed; run npm i ${server.name}@${server.version}.`,
      { cause: error },
    )
  }
}
