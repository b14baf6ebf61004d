/** How the leader of the stages reaches one of them: bytes there, bytes back. */
import { type Check, checkArgument, checks } from '@burgeon/tensor'
import { largeRequests, respondLarge } from '../seams/large-requests.ts'
import type { Subscription, Transport } from '../seams/transport.ts'
import { StageWorker } from './stage-worker.ts'

/** The way to a stage: in this process, in another, or on another machine. */
export interface StageLink {
  /**
   * Sends a message and resolves with the answer. Messages of one link are handled in order.
   *
   * @throws An error if the stage cannot be reached, or is gone.
   */
  ask(payload: Uint8Array): Promise<Uint8Array>
}

/** Check of a link. */
export const aStageLink: Check<StageLink> = checks.role<StageLink>('a link, such as localLink(worker)', 'ask')

/** Check of a worker. */
export const aStageWorker: Check<StageWorker> = checks.instance('a StageWorker', StageWorker)

/** The way to a stage in this process. */
export function localLink(worker: StageWorker): StageLink {
  checkArgument('localLink', 'worker', worker, aStageWorker)
  return { ask: (payload) => worker.answer(payload) }
}

/**
 * The way to a stage over a transport, where `answerStage` answers on the same subject.
 *
 * @throws OptionError for arguments that are none.
 */
export function transportLink(transport: Transport, subject: string): StageLink {
  return { ask: largeRequests(transport, subject) }
}

/**
 * Has a stage answer its leader over a transport, until the subscription is closed.
 *
 * @throws OptionError for arguments that are none, TransportError if the transport is closed.
 */
export async function answerStage(
  worker: StageWorker,
  transport: Transport,
  subject: string,
): Promise<Subscription> {
  checkArgument('answerStage', 'worker', worker, aStageWorker)
  return respondLarge(transport, subject, (payload) => worker.answer(payload))
}
