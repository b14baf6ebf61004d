/** Many machines: what they take, and how they speak to each other. */
export { BlobError, ClusterError, LogError, TransportError } from './errors.ts'
export { dismissWorker } from './learners/dismiss-worker.ts'
export { Coordinator, type ClusterPlace, type CoordinatorTurn } from './learners/coordinator.ts'
export type { Course, KeptState, OpenRound } from './learners/course.ts'
export {
  type AcceptedUpdate,
  type BornEntry,
  type ClosedEntry,
  type ClusterEntry,
  entryFromBytes,
  type GrownEntry,
  type JoinedEntry,
  type KeptEntry,
  type LeftEntry,
  type RefusedUpdate,
  type RemovedEntry,
  type RoundEntry,
  type UpdateEntry,
} from './learners/entries.ts'
export {
  bytesOfOuter,
  type Numbers,
  outerFromBytes,
  type OuterState,
  versionOf,
} from './learners/outer/outer-state.ts'
export { bytesOfUpdate, type UpdateForm, updateFromBytes } from './learners/outer/update.ts'
export type { Run } from './learners/runs.ts'
export type { ClusterSettings } from './learners/settings.ts'
export {
  type ClusterSurvey,
  surveyAfter,
  surveyCluster,
  type SurveyedRefusal,
  type SurveyedRound,
  type SurveyedWorker,
} from './learners/survey.ts'
export { type ReplayedCluster, replayCluster } from './learners/replay-cluster.ts'
export { sharedGradients, type SharedGradientsOptions } from './learners/synchronous/shared-gradients.ts'
export { ClusterWorker, type WorkerOptions, type WorkerTurn } from './learners/worker.ts'
export {
  type Assumptions,
  type PlannedDevice,
  type Precision,
  usualAssumptions,
} from './plan/assumptions.ts'
export {
  makePlan,
  type Plan,
  type PlannedExchange,
  type PlannedSplit,
  type PlanQuestion,
} from './plan/make-plan.ts'
export type { PlannedMemory } from './plan/memory.ts'
export {
  type ProductSplit,
  splitProducts,
  type SplitParameter,
  type SplitSum,
} from './plan/product-split.ts'
export { plannedModel, type PlannedSizes } from './plan/planned-model.ts'
export { type PlanSimulationQuestion, type SimulatedWay, simulatePlan } from './plan/simulate-plan.ts'
export {
  type Partitions,
  type RoundSeconds,
  simulateRounds,
  type Simulation,
  type SimulationQuestion,
  type WorkerFailures,
} from './plan/simulate-rounds.ts'
export { aDigest, type Blobs, someBlobs } from './seams/blobs.ts'
export { digestOf } from './seams/digest.ts'
export {
  aLog,
  type Appended,
  type AppendEntryOptions,
  type Log,
  type LogEntry,
  type ReadLogOptions,
} from './seams/log.ts'
export { type InProcessNetwork, inProcessNetwork } from './seams/memory/in-process-network.ts'
export { memoryBlobs } from './seams/memory/memory-blobs.ts'
export { memoryLog } from './seams/memory/memory-log.ts'
export { type AskLarge, largeRequests, respondLarge } from './seams/large-requests.ts'
export { maxPayload } from './seams/payload.ts'
export {
  aTransport,
  type Message,
  type RequestOptions,
  type SubscribeOptions,
  type Subscription,
  type Transport,
} from './seams/transport.ts'
export * from './fleet/index.ts'
export * from './shards/index.ts'
