/** A server that listens on a socket, until it is told to end. */
import { checkArgument, checks } from '@burgeon/tensor'
import { type AppOptions, createApp } from './app.ts'
import { checkListen, listenFor, type ListenOptions, type Running } from './http/listen.ts'
import type { ServedModel } from './served/served-model.ts'

/** Where a server listens, beside whom it lets in. */
export interface ServeOptions extends AppOptions, ListenOptions {}

/**
 * Serves a model.
 *
 * @throws OptionError for options out of range, for an address that others can reach without keys, and for
 *   one that cannot be had.
 */
export async function serve(served: ServedModel, options: ServeOptions = {}): Promise<Running> {
  checkArgument('serve', 'options', options, checks.object('an object of options'))
  const { host, port, graceSeconds, ...rest } = options
  const where = {
    ...(host !== undefined && { host }),
    ...(port !== undefined && { port }),
    ...(graceSeconds !== undefined && { graceSeconds }),
  }
  const hosts = checkListen('serve', where, { keys: rest.keys?.length ?? 0, hosts: rest.hosts })
  const { fetch, drain } = createApp(served, { ...rest, hosts })
  const closed = async (): Promise<void> => served.teacher?.close()
  return listenFor('serve', { fetch, drain, closed }, where)
}
