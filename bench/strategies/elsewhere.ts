/** What `@burgeon/continual` exports beside the parts of the table, and who shows it. */

/** Names of functions, by what shows what they do; a new one has to be here or in `strategyParts`. */
export const elsewhere: Readonly<Record<string, readonly string[]>> = {
  'bench -- drift: detectors find a change, and protect nothing': [
    ...['adaptiveWindowing', 'byteShift', 'cusum', 'ddm', 'eddm', 'hddmAverage', 'hddmWeighted', 'kswin'],
    ...['kernelTwoSample', 'meanHiddenState', 'pageHinkley', 'scoreAlarms', 'standardized', 'watching'],
  ],
  'bench -- growth, -- small-start, -- where: policies make models larger or smaller': [
    ...[
      'onApproval',
      'budgeted',
      'dryRun',
      'firstOf',
      'growByCompute',
      'growByGradient',
      'growOnDrift',
      'growOnPlateau',
    ],
    ...['growOnSaturation', 'growOnSchedule', 'measureBlocks', 'measurementsIn', 'partImportance'],
    ...['gradMaxRequest', 'pruneDormant', 'widenHidden', 'widerHidden'],
  ],
  'bench -- vocabulary': ['fixedVocabulary', 'growingVocabulary'],
  'test/context: a signal that detectors watch': ['inferredContext'],
  'bench -- context-labels: rows of several domains': ['contextLabels', 'contextMixture'],
  'bench -- adapters: no byte of the model changes': ['fineTune'],
  'test/adapters: penalties of an adapter': ['orthogonalTo'],
  'bench -- meta: learning to learn from tasks, outside a learner': [
    ...['adapt', 'anil', 'copiesOf', 'fomaml', 'maml', 'metaSgd', 'reptile'],
  ],
  'triggers say when; parts here are consolidated by one': [
    ...['afterDrift', 'anyOf', 'everySteps', 'neverTrigger', 'onDrift', 'taskEnds'],
  ],
  'test/probes: rows that are held back, by which it is measured what is known': ['heldBack'],
  'bench -- recall: remembers beside the weights, and changes none of them': [
    ...['episodicMemory', 'recallWhileWriting', 'spellingOf'],
  ],
  'test/control: decides how much is rehearsed, and protects nothing by itself': [
    ...['dryRunControl', 'forgetAtMost', 'growOnConflict', 'saturationsIn'],
  ],
  'bench -- choice, -- growth-trial: choose among ways to learn, or to grow': [
    ...['chooseAmong', 'dryRunChoice', 'growByTrial', 'growthTrialsIn'],
  ],
  'test/sleep: works between two steps, and keeps what does no harm': [
    ...[
      'checkHealth',
      'consolidationJob',
      'dreamJob',
      'memoryJob',
      'growthJob',
      'healthJob',
      'rehearsalJob',
      'sleep',
    ],
  ],
  'bench -- self-knowledge: knows how sure it may be, and repairs itself asleep': [
    ...['repairJob', 'selfAssessment'],
  ],
  'bench -- cluster: gradients of machines that take each step together': ['gradientParts', 'meanGradients'],
  'bench -- averaging: answers with weights averaged over steps': ['averagedWeights'],
  'test/guard: judge texts before anything keeps them': [
    ...['guards', 'novelRepetition', 'observeWithin', 'ownOutput', 'provenance', 'sourceShare'],
    ...['findPersonalData', 'personalData', 'personalStream', 'redactPersonalData'],
    ...['checkPolicy', 'outputFilter', 'policyGuard', 'readPolicy'],
  ],
  'bench -- feedback: feedback on answers is learnt': ['answerFromText', 'feedbackMemory'],
  'test/audit: what changed a life, and proofs of it': [
    ...['openAuditLog', 'readAudit', 'verifyAudit', 'auditHeadAt', 'checkInclusion', 'checkConsistency'],
  ],
  'test/experience: what was admitted to be learnt': ['openExperience'],
  'bench -- explain: looks, and changes nothing': [
    ...['attentionFlow', 'attentionPatterns', 'attributionPatch', 'directLogits', 'explain', 'influence'],
    ...['integratedGradients', 'logitLens', 'patch', 'pathAttributions', 'rememberedRows', 'retrace'],
    ...['whatIf', 'whyGrew'],
  ],
  'no part of a learner': [
    ...['batchOfTokens', 'batches', 'bitsPerByte', 'bitsPerByteOf', 'blurredTasks', 'calibrationOf'],
    ...['classifier', 'compose', 'denseFromState', 'empiricalFisherInformation', 'evaluateExamples'],
    'equalMassCalibrationError',
    ...['evaluateText', 'eventFromState', 'exactFisherInformation', 'extendJournal', 'fisherInformation'],
    ...[
      'joinBatches',
      'learnMemory',
      'learnTasks',
      'meanLoss',
      'measurePlasticity',
      'passOf',
      'recordOf',
      'regressor',
    ],
    ...['retainedCost', 'savedPart', 'savedPartNames', 'splitTasks', 'writeOwnText'],
    ...['callbackSink', 'consoleSink', 'csvSink', 'jsonlSink', 'tensorboardSink'],
  ],
}
