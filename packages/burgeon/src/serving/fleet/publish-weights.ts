/** Publishes the weights of a life as it learns. */
import { setTimeout as wait } from 'node:timers/promises'
import { WeightsSource } from '@burgeon/cluster'
import { type NatsFleet, natsFleet } from '@burgeon/cluster/nats'
import type { ServedModel, Turns } from '@burgeon/server'
import { BurgeonError } from '@burgeon/tensor'
import type { HeldPolicy } from '../../models/held-policy.ts'
import { orStopped } from '../../sources/or-stopped.ts'
import { writeParts } from './attached-parts.ts'
import type { KnownBroker } from './broker-options.ts'

/** Subject of what is announced, and of the requests that doors send on. */
export const subjects = { weights: 'weights', requests: 'requests' } as const

/** Ends the wait for an answer of a process that may have gone: ten seconds. */
export const answerLimit = (): AbortSignal => AbortSignal.timeout(10_000)

/** What is published. */
export interface PublishOptions {
  readonly name: string
  readonly broker: KnownBroker
  /** Seconds from one version to the next. */
  readonly every: number
  readonly turns: Turns
  readonly policy: () => HeldPolicy | undefined
  readonly note: (text: string) => void
}

/** Weights that are being published. */
export interface Publishing {
  /** Publishes what has changed, until it is stopped. */
  run(stop: AbortSignal): Promise<void>
  /** Publishes the last weights, and leaves them at the broker. */
  end(): Promise<void>
}

/**
 * Begins to publish. Between two steps the weights of that moment are shared, which costs nothing; what has changed is
 * then sent while learning goes on. Where the broker is away, it is said, and tried again.
 *
 * @throws TransportError, BlobError if the broker cannot be reached, UnsupportedError without its packages,
 *   WeightsError where another learner publishes under this name.
 */
export async function publishWeights(served: ServedModel, options: PublishOptions): Promise<Publishing> {
  const { name, broker, every, turns, policy, note } = options
  const fleet = await natsFleet(name, broker.options)
  const momentOf = () => {
    const { model, tokenizer } = served
    const { size } = model.parameters
    return {
      model,
      tokenizer,
      size,
      tokens: tokenizer.vocabulary,
      step: served.step(),
      rehearsed: served.rehearsed?.(),
    }
  }
  type Moment = ReturnType<typeof momentOf>
  const partsOf = ({ tokenizer }: Moment): Uint8Array =>
    writeParts({ tokenizer, endTokens: served.endTokens, policy: policy() })
  let last = momentOf()
  const source = await opened(fleet, served, { step: last.step, attachment: partsOf(last) })
  let isAway = false

  const publish = async (): Promise<void> => {
    const before = last
    const announcing = await turns.take('generate', async () => {
      const now = momentOf()
      const isSame = (Object.keys(now) as (keyof Moment)[]).every((key) => now[key] === before[key])
      if (isSame) return Promise.resolve(null)
      last = now
      const hasNewTokens = now.tokenizer !== before.tokenizer || now.tokens !== before.tokens
      const { step, model } = now
      const announced = source.announce({ step, model, ...(hasNewTokens && { attachment: partsOf(now) }) })
      // Waited for outside: learning goes on.
      return Promise.resolve({ announced })
    })
    try {
      await announcing?.announced
      if (isAway) note(`weights are published as ${name} again`)
      isAway = false
    } catch (error) {
      if (!(error instanceof BurgeonError)) throw error
      // As if it had not been tried: the next time it is.
      last = { ...last, step: -1, tokens: -1 }
      if (!isAway) note(`weights are not published as ${name}: ${error.message}; it is tried again`)
      isAway = true
    }
  }
  return {
    async run(stop) {
      while (!stop.aborted) {
        await orStopped(wait(every * 1000), [stop])
        await publish()
      }
    },
    async end() {
      await publish()
      await source.close({ keepsBlobs: true }).catch(() => {})
      await fleet.close()
    },
  }
}

/** A source that has removed what one before it left. Closes the connection where it cannot be. */
async function opened(
  fleet: NatsFleet,
  { model }: ServedModel,
  first: { readonly step: number; readonly attachment: Uint8Array },
): Promise<WeightsSource> {
  const { transport, blobs } = fleet
  try {
    const source = await WeightsSource.open(model, {
      ...{ transport, blobs, subject: subjects.weights, limit: answerLimit },
      ...first,
    })
    await source.removeOthers()
    return source
  } catch (error) {
    await fleet.close()
    throw error
  }
}
