/** Public functions whose results need no saved state. */

/** Functions that make nothing with a state of its own, by name. */
export const stateless: readonly string[] = [
  // optim
  ...[
    'privacyOf',
    'applyUpdates',
    'checkpoint',
    'clipByGlobalNorm',
    'clipByValue',
    'decayWeights',
    'grad',
    'hvp',
  ],
  ...['infiniteSchedule', 'jacobian', 'jvp', 'pullBack', 'reWarmedCosine', 'recordTape', 'scheduleOf'],
  ...['stateless', 'stopGradient', 'sumOfAbsoluteGradients', 'sumOfSquaredGradients', 'valueAndGrad', 'vjp'],
  ...['warmUp', 'warmUpCosine', 'warmUpStableDecay'],
  // continual; a growth policy keeps nothing itself, the learner keeps its state
  ...['answerFromText', 'recallWhileWriting', 'spellingOf'],
  // Explanations look, and change nothing.
  ...['attentionFlow', 'attentionPatterns', 'attributionPatch', 'directLogits', 'explain', 'influence'],
  ...['integratedGradients', 'logitLens', 'patch', 'pathAttributions', 'rememberedRows', 'retrace'],
  ...['whatIf', 'whyGrew'],
  ...['adapt', 'afterDrift', 'anil', 'anyOf', 'batchOfTokens', 'batches', 'bitsPerByte', 'bitsPerByteOf'],
  'equalMassCalibrationError',
  ...['budgeted', 'compose', 'copiesOf', 'dryRun', 'everySteps', 'evaluateText', 'eventFromState'],
  ...['extendJournal', 'firstOf'],
  // A network is a model; damaged ones are refused in `test/models`.
  ...['classifier', 'denseFromState', 'regressor', 'widenHidden', 'widerHidden'],
  ...['blurredTasks', 'evaluateExamples', 'learnMemory', 'learnTasks', 'splitTasks', 'taskEnds'],
  ...['empiricalFisherInformation', 'exactFisherInformation', 'fisherInformation', 'fomaml'],
  ...['growByCompute', 'growByGradient', 'growByTrial', 'growthTrialsIn'],
  ...['growOnConflict', 'growOnDrift', 'growOnPlateau'],
  ...['chooseAmong', 'dryRunChoice', 'dryRunControl', 'forgetAtMost', 'saturationsIn'],
  ...['checkHealth', 'consolidationJob', 'dreamJob', 'memoryJob', 'rehearsalJob', 'sleep'],
  // Jobs of a sleep.
  ...['checkHealth', 'consolidationJob', 'dreamJob', 'memoryJob', 'rehearsalJob', 'sleep'],
  // An exchange lasts as long as a step; a machine that comes back has the weights that all have.
  ...['gradientParts', 'meanGradients'],
  // A mixture lasts as long as a text, a signal no longer than a step.
  'contextMixture',
  'inferredContext',
  ...[
    'growOnSaturation',
    'growOnSchedule',
    'joinBatches',
    'maml',
    'onApproval',
    'meanLoss',
    'measureBlocks',
    'gradMaxRequest',
  ],
  ...['measurementsIn', 'metaSgd', 'neverTrigger', 'onDrift', 'partImportance', 'passOf', 'pruneDormant'],
  ...['reptile', 'savedPart', 'savedPartNames', 'scoreAlarms', 'writeOwnText'],
  ...['calibrationOf', 'meanHiddenState', 'measurePlasticity', 'recordOf', 'retainedCost', 'watching'],
  // A sink keeps what it writes elsewhere.
  ...['callbackSink', 'consoleSink', 'csvSink', 'jsonlSink', 'tensorboardSink'],
  ...['interference', 'uniform'],
  // A door keeps its account in the state of a learner; damage is refused in `test/guard`.
  ...['guards', 'provenance', 'personalData', 'personalStream', 'findPersonalData', 'redactPersonalData'],
  ...['novelRepetition', 'observeWithin', 'ownOutput', 'sourceShare'],
  ...['outputFilter', 'policyGuard', 'readPolicy', 'checkPolicy'],
  // A journal keeps everything on its disk; damage there is refused in `test/experience`.
  'openExperience',
  // A log is on disk, and a checkpoint holds its place.
  ...['openAuditLog', 'readAudit', 'verifyAudit', 'auditHeadAt', 'checkInclusion', 'checkConsistency'],
]
