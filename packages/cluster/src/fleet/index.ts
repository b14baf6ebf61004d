/** Replicas that follow a learner. */
export {
  answerFleet,
  askFleet,
  type AskFleetOptions,
  type FleetAnswer,
  type FleetOptions,
} from './answering.ts'
export {
  type AnswerRequest,
  answerRequests,
  type AnswerRequestsOptions,
} from './relay/answer-requests.ts'
export type { RelayedRequest } from './relay/frames.ts'
export { RequestRelay, type RequestRelayOptions } from './relay/request-relay.ts'
export { Replica, type ReplicaEvent, type ReplicaOptions } from './replica.ts'
export { WeightsError } from './weights-error.ts'
export {
  type AnnounceOptions,
  type Announced,
  WeightsSource,
  type WeightsSourceOptions,
} from './weights-source.ts'
export type { Announcement } from './weights-message.ts'
