/** `@burgeon/continual`: learning from a stream. The public list, nothing else. */
export { orthogonalTo, type OrthogonalToOptions } from './adapters/orthogonal-to.ts'
export { fineTune, type FineTuneOptions, type FineTuning } from './adapters/fine-tune.ts'
export type {
  Assessed,
  AssessedRow,
  AssessedStep,
  Assessment,
  AssessmentSummary,
  Certainty,
} from './assess/assessment.ts'
export type { CalibrationScores, DomainCalibration } from './assess/calibration/domain-calibration.ts'
export { equalMassCalibrationError } from './assess/calibration/equal-mass-error.ts'
export { selfAssessment, type SelfAssessmentOptions } from './assess/self-assessment.ts'
export type { Weakness } from './assess/weakness/weaknesses.ts'
export * from './audit/index.ts'
export {
  averagedWeights,
  type AveragedWeightsOptions,
  type WeightAverage,
} from './averaging/weight-average.ts'
export * from './drift/index.ts'
export { AuditError, EvaluationError, ExperienceError, ExplanationError } from './errors.ts'
export { GuardError, PolicyError, SignalError } from './errors.ts'
export type { AdmittedExperience, Experience } from './experience/experience.ts'
export type { ExperienceJournal, ExperienceJournalOptions } from './experience/experience-journal.ts'
export type { CompactOptions, TidiedJournal } from './experience/experience-journal.ts'
export { openExperience } from './experience/open-experience.ts'
export * from './explain/index.ts'
export { freezeConverged, type FreezeConvergedOptions } from './freezing/freeze-converged.ts'
export type { Freezing } from './freezing/freezing.ts'
export * from './growth/policies/on-approval.ts'
export { budgeted, type GrowthLimits } from './growth/policies/budgeted.ts'
export { type DryGrowth, type DryRunInput, dryRun } from './growth/dry-run.ts'
export { firstOf } from './growth/policies/first-of.ts'
export { type ComputeOptions, growByCompute } from './growth/policies/grow-by-compute.ts'
export { type GradientOptions, growByGradient } from './growth/policies/grow-by-gradient.ts'
export { growOnConflict, type GrowOnConflictOptions } from './growth/policies/grow-on-conflict.ts'
export { growOnDrift, type GrowOnDriftOptions } from './growth/policies/grow-on-drift.ts'
export { growByTrial, type GrowByTrialOptions } from './growth/policies/grow-by-trial.ts'
export type { GrowthTrial } from './growth/growth-trial.ts'
export { growOnPlateau, type PlateauOptions } from './growth/policies/grow-on-plateau.ts'
export { growOnSaturation, type SaturationOptions } from './growth/policies/grow-on-saturation.ts'
export { growOnSchedule, type ScheduledGrowth } from './growth/policies/grow-on-schedule.ts'
export * from './guard/index.ts'
export {
  type GrowthBudget,
  type GrowthDecision,
  type GrowthPolicy,
  type GrowthSignals,
  lossWindow,
  neverGrow,
} from './growth/growth-policy.ts'
export { gradMaxRequest, type GradMaxOptions } from './growth/measure/grad-max-request.ts'
export { measureBlocks } from './growth/measure/measure-blocks.ts'
export type { BlockSignals, Measurement } from './growth/measure/measurement.ts'
export { type PartImportance, partImportance } from './growth/measure/part-importance.ts'
export { pruneDormant, type PruneDormantOptions } from './growth/policies/prune-dormant.ts'
export { chooseAmong, type ChooseAmongOptions, type JudgeOptions } from './choice/choose-among.ts'
export type { Choice, ChoiceDecision, ChoiceSignals } from './choice/choice.ts'
export { type DryChoice, dryRunChoice } from './choice/dry-run-choice.ts'
export type { TrialPlan } from './upkeep/trying.ts'
export type { TriedArm, TrialOutcome } from './journal/trials/trial-outcome.ts'
export type { TriedRequests } from './journal/trials/tried-requests.ts'
export {
  type ContextLabel,
  type ContextLabels,
  contextLabels,
  type ContextLabelsOptions,
  type GivenLabels,
  type TextContext,
} from './context/context-labels.ts'
export type { LabelOf } from './context/label-kinds.ts'
export { inferredContext } from './context/inferred-context.ts'
export { type ContextMixture, contextMixture, type ContextMixtureOptions } from './context/context-mixture.ts'
export type { ControlDecision, Controller, ControlSignals } from './control/controller.ts'
export { type DryControlInput, type DryDecision, dryRunControl } from './control/dry-run-control.ts'
export { forgetAtMost } from './control/forget-at-most.ts'
export type { Knobs } from './control/knobs.ts'
export { type EffectLimit, type LimitedStep, observeWithin } from './limits/observe-within.ts'
export type { Fork } from './fork/fork.ts'
export { heldBack, type HeldBackOptions } from './probes/held-back.ts'
export type { MeasureRows, Probes, RowBits } from './probes/probes.ts'
export type { DomainLoss, ProbeLosses } from './journal/probe-losses.ts'
export { evaluateText, type EvaluateOptions, type TextEvaluation } from './evaluate-text.ts'
export { eventFromState, type EventOf, type JournaledGrowth, type LearnerEvent } from './journal/event.ts'
export { extendJournal } from './journal/extend-journal.ts'
export { growthTrialsIn } from './journal/growth-trials-in.ts'
export { measurementsIn } from './journal/measurements-in.ts'
export type { SleepReport, SleptJob } from './journal/sleep/sleep-report.ts'
export { saturationsIn } from './journal/saturations-in.ts'
export type { StepReport } from './journal/step-report.ts'
export { Learner } from './learner.ts'
export type { LearnerOptions, RestoredModelOptions, RestoredOptions } from './learner-options.ts'
export type { ForgetWhat, Forgotten } from './learning/forget.ts'
export type { JudgedRehearsal, RehearseOptions, RehearseReport } from './learning/rehearse.ts'
export {
  type FieldsByRole,
  type LearnerState,
  type PartState,
  type SavedLearner,
  savedPart,
  savedPartNames,
  type TrialState,
} from './learner-state.ts'
export { adapt, type AdaptOptions, type TaskLoss } from './meta/adapt.ts'
export { type LaMamlOptions, laMaml } from './meta/la-maml.ts'
export { LearnedRates, type LearnedRatesOptions } from './meta/learned-rates.ts'
export type { LookAhead, LookAheadGradients } from './meta/look-ahead.ts'
export { anil, fomaml, maml } from './meta/maml.ts'
export { type MetaSgdGradients, metaSgd } from './meta/meta-sgd.ts'
export { copiesOf, type MetaOptions, type MetaGradients, type MetaTask } from './meta/meta-task.ts'
export { reptile } from './meta/reptile.ts'
export { type AlarmRun, type AlarmScore, scoreAlarms, type ScoredAlarm } from './metrics/alarm-score.ts'
export { type Calibration, type CalibrationInput, calibrationOf } from './metrics/calibration.ts'
export {
  ContinualEvaluation,
  type ContinualEvaluationOptions,
  type StabilityGap,
} from './metrics/continual-evaluation.ts'
export type { DomainMatrixOptions } from './metrics/domain-matrix-state.ts'
export { DomainMatrix, type ForgettingReference } from './metrics/domain-matrix.ts'
export {
  evaluateExamples,
  type EvaluateExamplesOptions,
  type ExampleEvaluation,
} from './metrics/evaluate-examples.ts'
export {
  bitsPerByte,
  Prequential,
  type PrequentialOptions,
  type PrequentialReading,
  type PrequentialState,
} from './metrics/prequential.ts'
export {
  classifier,
  type ClassifierOptions,
  denseFromState,
  type DenseForwardOptions,
  type DenseNetwork,
  type DenseOptions,
  type DenseState,
  regressor,
  type RegressorOptions,
} from './model/dense-network.ts'
export type { DenseInitial } from './model/dense-initial.ts'
export type { DenseSizes } from './model/dense-sizes.ts'
export type { Convolution } from './model/convolution.ts'
export type { LayeredModel } from './model/hidden/of-model.ts'
export type { BatchOf, Model } from './model/model.ts'
export { type Pass, passOf } from './model/pass.ts'
export type { NetworkGrowth } from './model/grow-network.ts'
export {
  episodicMemory,
  type EpisodicMemory,
  type EpisodicMemoryOptions,
} from './memory/episodic/episodic-memory.ts'
export type { ReadText, Recall, RecallUpkeep, Recollection } from './memory/recall.ts'
export { type RecallWhileWriting, recallWhileWriting } from './memory/recall-while-writing.ts'
export type { Recalled } from './memory/recalled.ts'
export type { EpisodeFacts } from './memory/episodic/retention.ts'
export { type Spelling, spellingOf, type TokenShare } from './memory/spelling.ts'
export {
  type HiddenRequest,
  type WidenHidden,
  widerHidden,
  type WiderHiddenOptions,
} from './model/hidden-request.ts'
export { widenHidden, type WidenOptions } from './model/widen-hidden.ts'
export { measurePlasticity, type PlasticitySigns } from './metrics/measure-plasticity.ts'
export { type RetainedCost, type RetainedInput, retainedCost } from './metrics/retained-cost.ts'
export {
  ewc,
  type EwcOptions,
  onlineEwc,
  type OnlineEwcOptions,
} from './penalty/elastic-weight-consolidation.ts'
export {
  empiricalFisherInformation,
  exactFisherInformation,
  fisherInformation,
  type FisherKind,
} from './penalty/fisher-information.ts'
export { type MasOptions, memoryAwareSynapses } from './penalty/memory-aware-synapses.ts'
export type { Part } from './part.ts'
export { type L2Options, l2ToPrevious } from './penalty/l2-to-previous.ts'
export { l2ToInitial } from './penalty/l2-to-initial.ts'
export { learningWithoutForgetting, type LwfOptions } from './penalty/learning-without-forgetting.ts'
export { synapticIntelligence, type SynapticIntelligenceOptions } from './penalty/synaptic-intelligence.ts'
export type { Penalty, WeightChange } from './penalty/penalty.ts'
export { aGem, type AGemOptions } from './projection/a-gem.ts'
export { gem, type GemOptions } from './projection/gem.ts'
export { type OgdOptions, orthogonalGradientDescent } from './projection/orthogonal-gradient-descent.ts'
export type { Projection, RowMemory } from './projection/projection.ts'
export { bitsPerByteOf, meanLoss, type Prediction } from './predict.ts'
export { type Answer, answerFromText } from './rehearsal/feedback/answer.ts'
export type { AnswerOptions, WrittenAnswer } from './learning/answer.ts'
export {
  type FeedbackFrom,
  type FeedbackMemory,
  type FeedbackMemoryOptions,
  feedbackMemory,
} from './rehearsal/feedback/feedback-memory.ts'
export type { FeedbackKind } from './rehearsal/feedback/feedback-record.ts'
export type { FeedbackStatus, FeedbackSummary } from './rehearsal/feedback/feedback-summary.ts'
export { ownTextReplay, type OwnTextReplayOptions } from './rehearsal/own-text-replay.ts'
export { balancedMemory } from './rehearsal/memory/balanced-memory.ts'
export { greedyMemory } from './rehearsal/memory/greedy-memory.ts'
export { type LossAwareOptions, lossAwareMemory } from './rehearsal/memory/loss-aware-memory.ts'
export type { Memory, MemoryView, RememberedRow } from './rehearsal/memory/memory.ts'
export { reservoirMemory } from './rehearsal/memory/reservoir-memory.ts'
export { ringMemory } from './rehearsal/memory/ring-memory.ts'
export { surpriseMemory } from './rehearsal/memory/surprise-memory.ts'
export type { Rehearsal } from './rehearsal/rehearsal.ts'
export { type DarkReplayOptions, darkReplay } from './rehearsal/dark-replay.ts'
export { type Replay, type ReplayOptions, replay } from './rehearsal/replay.ts'
export type { Candidates, Retrieval } from './rehearsal/retrieval/retrieval.ts'
export { interference, type InterferenceOptions } from './rehearsal/retrieval/interference.ts'
export { uniform } from './rehearsal/retrieval/uniform.ts'
export { Reservoir } from './rehearsal/memory/reservoir.ts'
export { type ReservoirReplayOptions, reservoirReplay } from './rehearsal/reservoir-replay.ts'
export type { RecallContext, RehearseContext, StepContext } from './journal/step-context.ts'
export {
  continualBackpropagation,
  type ContinualBackpropagationOptions,
} from './plasticity/continual-backpropagation.ts'
export { recycleDormant, type RecycleDormantOptions } from './plasticity/recycle-dormant.ts'
export { shrinkAndPerturb, type ShrinkAndPerturbOptions } from './plasticity/shrink-and-perturb.ts'
export { checkHealth, type CheckHealthOptions } from './health/check-health.ts'
export type { HealthFinding, HealthRecord, HealthReport } from './journal/sleep/health-finding.ts'
export { healthJob } from './sleep/jobs/health-job.ts'
export { consolidationJob } from './sleep/jobs/consolidation-job.ts'
export { dreamJob, type DreamJobOptions } from './sleep/jobs/dream-job.ts'
export { growthJob } from './sleep/jobs/growth-job.ts'
export type { ExperienceOf } from './sleep/jobs/repair/repair-ways.ts'
export { repairJob, type RepairJobOptions } from './sleep/jobs/repair/repair-job.ts'
export { memoryJob } from './sleep/jobs/memory-job.ts'
export { rehearsalJob, type RehearsalJobOptions } from './sleep/jobs/rehearsal-job.ts'
export { type Sleep, sleep, type SleepOptions } from './sleep/sleep.ts'
export type { SleepNowOptions } from './sleep/night/sleeping.ts'
export type { HeldRow, JobDone, SleepContext, SleepJob, SleepParts } from './sleep/sleep-job.ts'
export { callbackSink } from './sinks/callback-sink.ts'
export type { SinkOutput } from './sinks/output-sink.ts'
export { recordOf, type Sink, SinkError, type SinkRecord } from './sinks/sink.ts'
export { type TensorboardSinkOptions, tensorboardSink } from './sinks/tensorboard/tensorboard-sink.ts'
export {
  consoleSink,
  type ConsoleSinkOptions,
  csvSink,
  type CsvSinkOptions,
  jsonlSink,
} from './sinks/text-sinks.ts'
export * from './exchange/gradient-exchange.ts'
export { compose } from './strategy/compose.ts'
export type { ModelStrategy, NetworkStrategy, Strategy, StrategyOf } from './strategy/strategy.ts'
export {
  type Batch,
  batchOfTokens,
  type ExampleBatch,
  joinBatches,
  padding,
  type TokenBatch,
} from './stream/batch.ts'
export type { BatchTensors } from './stream/batch-tensors.ts'
export type { DomainFactors } from './stream/domain-factors.ts'
export { batches, type Chunk, type PlacedBatch } from './stream/batcher.ts'
export { type Origin, type Origins, ownSource } from './stream/origin.ts'
export { type BlurOptions, type BlurredStream, blurredTasks } from './stream/scenarios/blurred-tasks.ts'
export { learnMemory, type LearnMemoryOptions } from './stream/scenarios/learn-memory.ts'
export { learnTasks, type LearnTasksOptions } from './stream/scenarios/learn-tasks.ts'
export {
  type IncrementalScenario,
  type LabelledExamples,
  type SplitOptions,
  splitTasks,
  type Task,
  taskEnds,
  type TaskStream,
} from './stream/scenarios/split-tasks.ts'
export { writeOwnText, type OwnTextOptions } from './stream/write-own-text.ts'
export {
  afterDrift,
  anyOf,
  everySteps,
  neverTrigger,
  onDrift,
  type Trigger,
  type TriggerSignals,
} from './trigger.ts'
export type { Upkeep } from './upkeep/upkeep.ts'
export {
  fixedVocabulary,
  type GrowingVocabulary,
  growingVocabulary,
  type VocabularyOptions,
  type WantedTokens,
} from './vocabulary/growing-vocabulary.ts'
