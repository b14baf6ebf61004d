/** A model that learns, over HTTP. */
export { type App, type AppOptions, type Connection, createApp } from './app.ts'
export { ApiError, type ErrorBody } from './http/api-error.ts'
export type { Limits } from './limits.ts'
export { type ApiKey, type Scope, scopes } from './security/keys.ts'
export { connectMcp, type ConnectedMcp, type ConnectMcpOptions } from './mcp/connect-mcp.ts'
export { loadMcp, type McpSdk } from './mcp/load-mcp.ts'
export { type LetIn, serveDoor, type ServeDoorOptions } from './door.ts'
export type { ListenOptions, Running } from './http/listen.ts'
export { serve, type ServeOptions } from './serve.ts'
export type { ServedFollowing } from './served/served-following.ts'
export type { Learnt, Lesson, ServedModel, Teacher, Transcript } from './served/served-model.ts'
export type { AuditedExperience, AuditedGrowth, AuditedHead, ServedAudit } from './served/served-audit.ts'
export type { ServedControl, StoppedBy, WaitingApproval } from './served/served-control.ts'
export type { ServedOutput } from './served/served-output.ts'
export type { CheckpointFacts, RolledBack, ServedCheckpoints } from './served/served-checkpoints.ts'
export type { AskedWhy, ServedExplain, ServedExplanation } from './served/served-explain.ts'
export type {
  FeedbackEntry,
  FeedbackKind,
  FeedbackAdmission,
  FeedbackOutcome,
  ServedFeedback,
  WrittenAnswer,
} from './served/served-feedback.ts'
export type {
  GrowthOutcome,
  GrowthPlan,
  ServedGrowth,
  SizeCost,
  WaitingRequest,
} from './served/served-growth.ts'
export type { LifeEvent, LifeSaved, LifeSoFar, LifeStep, ServedLife, Told } from './served/served-life.ts'
export type { RecalledPassage, ServedRecall } from './served/served-recall.ts'
export type {
  DrawnHow,
  ForetoldColumn,
  ForetoldHow,
  KnownSense,
  SentPiece,
  ServedSenses,
  TokenWriter,
  WrittenPiece,
} from './served/served-senses.ts'
export { type Turn, Turns, type TurnsOptions, type Work } from './turns.ts'
