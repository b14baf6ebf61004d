/** Follows the weights of a learner elsewhere, and answers what comes through the doors of its fleet. */
import { randomBytes, randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import {
  answerRequests,
  BlobError,
  Replica,
  type ReplicaEvent,
  TransportError,
  WeightsError,
} from '@burgeon/cluster'
import { type NatsFleet, natsFleet } from '@burgeon/cluster/nats'
import type { ApiKey, Running, Turns } from '@burgeon/server'
import { orStopped } from '../../sources/or-stopped.ts'
import type { KnownBroker } from './broker-options.ts'
import { answerLimit, subjects } from './publish-weights.ts'

/** Milliseconds between two looks for what was missed, and between two tries to begin. */
const lookEvery = 1000

/** Whom a replica follows. */
export interface FollowOptions {
  readonly name: string
  readonly broker: KnownBroker
  /** Other weights take the place of its own in a turn. */
  readonly turns: Turns
  readonly note: (text: string) => void
  readonly stop: AbortSignal
}

/** A replica that follows. */
export interface Following {
  readonly replica: Replica
  /** Its name for those who ask through a door. */
  readonly member: string
  /** Looks for what was missed, and answers what comes through doors with `running`, until it is stopped. */
  run(running: Running): Promise<void>
  /** Lets go of everything. */
  end(): Promise<void>
  /** The key by which requests come in that a door has let in; there is none where a server wants none. */
  readonly key: ApiKey
}

/**
 * Takes the weights of a learner that publishes, or those that it has left at the broker; waits where there are neither.
 * Null where it is stopped before.
 *
 * @throws TransportError if the broker cannot be reached, UnsupportedError without its packages.
 */
export async function followWeights(options: FollowOptions): Promise<Following | null> {
  const { name, broker, note, stop } = options
  const fleet = await natsFleet(name, broker.options)
  const replica = await begun(fleet, options)
  if (replica === null) {
    await fleet.close()
    return null
  }
  const member = randomUUID().slice(0, 8)
  const key: ApiKey = { key: randomBytes(24).toString('base64url'), scopes: ['read'] }
  // What was left by somebody who has gone is served at once.
  let isHeard = replica.behind !== null
  if (!isHeard) note(`${name} is not heard; its latest weights at the broker are served`)
  const look = async (): Promise<void> => {
    await replica.look()
    if ((replica.behind !== null) === isHeard) return
    isHeard = !isHeard
    note(isHeard ? `${name} is heard again` : `${name} is not heard; its latest weights here stay`)
  }
  return {
    ...{ replica, member, key },
    async run(running) {
      const answering = await answerRequests(
        async ({ method, path, headers, body }, signal) => {
          const request = new Request(`http://127.0.0.1${path}`, {
            ...{ method, signal },
            headers: { ...headers, host: '127.0.0.1', authorization: `Bearer ${key.key}` },
            ...(method !== 'GET' && method !== 'HEAD' && { body: new Uint8Array(body) }),
          })
          const response = await running.fetch(request)
          response.headers.set('x-burgeon-replica', member)
          return response
        },
        { transport: fleet.transport, subject: subjects.requests },
      )
      while (!stop.aborted) {
        await orStopped(wait(lookEvery), [stop])
        await look()
      }
      await answering.close()
    },
    async end() {
      await replica.close()
      await fleet.close()
    },
  }
}

/** Tries until the weights are there. */
async function begun(fleet: NatsFleet, { name, turns, note, stop }: FollowOptions): Promise<Replica | null> {
  const { transport, blobs } = fleet
  const onEvent = (event: ReplicaEvent): void => {
    if (event.kind === 'asked') note(`the whole of ${name} is asked for: ${event.why}`)
  }
  for (let isFirst = true; !stop.aborted; isFirst = false) {
    try {
      return await Replica.follow({
        ...{ transport, blobs, subject: subjects.weights, limit: answerLimit, onEvent },
        turn: (replace) => turns.take('generate', replace),
      })
    } catch (error) {
      const mayCome = [TransportError, BlobError, WeightsError].some((kind) => error instanceof kind)
      if (!mayCome) throw error
      if (isFirst) note(`waiting for somebody who publishes ${name}: ${(error as Error).message}`)
      await orStopped(wait(lookEvery), [stop])
    }
  }
  return null
}
