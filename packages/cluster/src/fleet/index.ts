/** Replicas that follow a learner. */
export {
  answerFleet,
  askFleet,
  type AskFleetOptions,
  type FleetAnswer,
  type FleetOptions,
} from './answering.ts'
export { Replica, type ReplicaEvent, type ReplicaOptions } from './replica.ts'
export { WeightsError } from './weights-error.ts'
export {
  type AnnounceOptions,
  type Announced,
  WeightsSource,
  type WeightsSourceOptions,
} from './weights-source.ts'
export type { Announcement } from './weights-message.ts'
