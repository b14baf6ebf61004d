/** A door to a fleet: lets requests in, and has a replica answer each. */
import { setTimeout as wait } from 'node:timers/promises'
import { RequestRelay, TransportError } from '@burgeon/cluster'
import { natsFleet } from '@burgeon/cluster/nats'
import type { ApiError, ServeDoorOptions } from '@burgeon/server'
import { OptionError } from '@burgeon/tensor'
import type * as Server from '@burgeon/server'
import type { KnownBroker } from './broker-options.ts'
import { answerLimit, subjects } from './publish-weights.ts'

/** Milliseconds between two looks whether a replica still works. */
const lookEvery = 500

/**
 * Opens a door. It holds no model, and any number of them may stand before one fleet.
 *
 * @throws TransportError if the broker cannot be reached, UnsupportedError without its packages, OptionError as
 *   `serveDoor`.
 */
export async function openDoor(
  modules: Pick<typeof Server, 'serveDoor' | 'ApiError'>,
  { name, broker }: { readonly name: string; readonly broker: KnownBroker },
  options: ServeDoorOptions,
): Promise<Server.Running> {
  const fleet = await natsFleet(name, broker.options)
  const { transport } = fleet
  try {
    const relay = await RequestRelay.open({
      ...{ transport, subject: subjects.requests, limit: answerLimit },
      pause: (signal) => wait(lookEvery, undefined, { signal }).catch(() => {}),
    })
    const running = await modules.serveDoor(
      ({ signal, ...request }) =>
        relay.ask(request, signal).catch((error: unknown) => {
          throw known(modules.ApiError, error)
        }),
      options,
    )
    return {
      ...running,
      async close() {
        await running.close()
        await relay.close()
        await fleet.close()
      },
    }
  } catch (error) {
    await fleet.close()
    throw error
  }
}

function known(Known: typeof ApiError, cause: unknown): unknown {
  if (cause instanceof TransportError) {
    const headers = { 'Retry-After': '1' }
    return new Known(503, `no replica answers: ${cause.message}`, {
      ...{ type: 'server_error', code: 'no_replica', headers },
    })
  }
  if (cause instanceof OptionError) return new Known(413, cause.message, { code: 'body_too_large' })
  return cause
}
