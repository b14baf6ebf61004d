/** What explains a model: the part of the public list that is in this folder. */
export {
  type Cause,
  explain,
  type ExplainedToken,
  type ExplainOptions,
  type Explanation,
  type ToldExperience,
} from './explain.ts'
export type { Explained, TokenizedModel } from './question/explained.ts'
export type { Question, ReadToken, TextOrTokens } from './question/question.ts'
export {
  type AttentionFlow,
  attentionFlow,
  attentionPatterns,
  type FlowToken,
  type HeadAttention,
} from './inside/attention-flow.ts'
export { type DirectLogits, directLogits, type Writer } from './inside/direct-logits.ts'
export {
  type AttributedToken,
  type IntegratedGradients,
  integratedGradients,
  type IntegratedGradientsOptions,
} from './inside/integrated-gradients.ts'
export {
  type ExpectedToken,
  type LensLayer,
  logitLens,
  type LogitLensOptions,
} from './inside/logit-lens.ts'
export {
  type PathAttributions,
  pathAttributions,
  type PathOptions,
} from './inside/path-attributions.ts'
export type { Activation } from './patching/activation.ts'
export {
  type AttributionPatching,
  attributionPatch,
  type AttributionPatchOptions,
  type PatchEstimate,
} from './patching/attribution-patch.ts'
export { patch, type PatchEffect, type Patching, type PatchOptions } from './patching/patch.ts'
export type { Direction, PatchQuestion } from './patching/two-runs.ts'
export {
  type Influence,
  influence,
  type InfluenceOptions,
  type RowInfluence,
} from './experience/influence.ts'
export { rememberedRows } from './experience/remembered-rows.ts'
export {
  type LifeMoment,
  type Past,
  type PolicyChange,
  type RetracedLife,
  retrace,
} from './experience/retrace.ts'
export { type WhatIf, whatIf, type WhatIfOptions } from './experience/what-if.ts'
export { type WhyGrew, whyGrew } from './experience/why-grew.ts'
