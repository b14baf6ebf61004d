/** Right calls of what keeps rows and brings them back, of `@burgeon/continual`. Reaches inside gpt for a disk in memory. */
import * as api from '@burgeon/continual'
import { BytePairTokenizer, type Gpt } from '@burgeon/gpt'
import { memoryDisk } from '../../packages/gpt/src/testing/index.ts'
import { openReference } from '@burgeon/tensor/reference'
import { tinyModel as modelOn } from '../continual/tiny-learner.ts'
import type { CallsOf } from './call.ts'

const batch = (): api.TokenBatch => api.batchOfTokens([1, 2, 3, 4, 5], 4, 'text')

const tinyModel = (): Gpt => modelOn(openReference())

/** By export. */
export const rehearsalCalls: Pick<
  CallsOf<typeof api>,
  | 'balancedMemory'
  | 'greedyMemory'
  | 'lossAwareMemory'
  | 'reservoirMemory'
  | 'ringMemory'
  | 'surpriseMemory'
  | 'darkReplay'
  | 'interference'
  | 'uniform'
  | 'replay'
  | 'reservoirReplay'
  | 'ownTextReplay'
  | 'feedbackMemory'
  | 'answerFromText'
  | 'openExperience'
  | 'episodicMemory'
  | 'recallWhileWriting'
  | 'selfAssessment'
  | 'averagedWeights'
  | 'equalMassCalibrationError'
  | 'heldBack'
  | 'spellingOf'
> = {
  openExperience: [
    () => ({
      args: { disk: memoryDisk(), options: { segmentBytes: 100 } },
      run: api.openExperience,
      says: ['memory'],
    }),
  ],
  balancedMemory: [() => ({ args: { options: { by: 'class' as const } }, run: api.balancedMemory })],
  greedyMemory: [() => ({ args: { options: { by: 'class' as const } }, run: api.greedyMemory })],
  lossAwareMemory: [
    () => ({
      args: { options: { halfLife: 10, balanced: true, by: 'class' as const } },
      run: api.lossAwareMemory,
    }),
  ],
  reservoirMemory: [() => ({ args: {}, run: api.reservoirMemory })],
  ringMemory: [() => ({ args: { options: { by: 'class' as const } }, run: api.ringMemory })],
  surpriseMemory: [() => ({ args: { options: { by: 'class' as const } }, run: api.surpriseMemory })],
  darkReplay: [
    () => ({
      args: {
        options: {
          ...{ capacity: 2, memory: api.ringMemory(), share: 1, seed: 1 },
          ...{ alpha: 0.2, beta: 0, logits: 'f32' as const },
        },
      },
      run: api.darkReplay,
    }),
  ],
  interference: [() => ({ args: { options: { candidates: 3, rate: 0.1 } }, run: api.interference })],
  uniform: [() => ({ args: {}, run: api.uniform })],
  replay: [
    () => ({
      args: {
        options: { capacity: 2, memory: api.ringMemory(), retrieval: api.uniform(), share: 1, seed: 1 },
      },
      run: api.replay,
    }),
    () => ({ args: { options: { capacity: { bytes: 100 } } }, run: api.replay }),
  ],
  reservoirReplay: [
    () => ({ args: { options: { capacity: 2, share: 1, seed: 1 } }, run: api.reservoirReplay }),
  ],
  episodicMemory: [
    () => ({
      args: { options: { bytes: 2 ** 18, worth: () => 1 } },
      run: api.episodicMemory,
    }),
  ],
  recallWhileWriting: [
    () => ({
      args: { recall: api.episodicMemory({ bytes: 2 ** 18 }), tokenizer: new BytePairTokenizer() },
      run: api.recallWhileWriting,
    }),
  ],
  spellingOf: [
    () => ({ args: { vocabulary: 256, tokenizer: new BytePairTokenizer() }, run: api.spellingOf }),
  ],
  averagedWeights: [
    () => ({ args: { options: { decay: 0.9 } }, run: api.averagedWeights }),
    () => ({ args: { model: tinyModel() }, run: (own: Gpt) => api.averagedWeights().update(own) }),
    () => ({ args: { model: tinyModel() }, run: (own: Gpt) => api.averagedWeights().modelOf(own) }),
  ],
  selfAssessment: [() => ({ args: { options: { coverage: 0.9 } }, run: api.selfAssessment })],
  equalMassCalibrationError: [
    () => ({
      args: { confidences: [0.5, 1], right: [0, 1], bins: 2 },
      run: api.equalMassCalibrationError,
    }),
  ],
  heldBack: [
    () => ({
      args: { options: { share: 0.1, capacity: 2, every: 1, rows: 1, costShare: 0.1, by: 'place', seed: 1 } },
      run: api.heldBack,
    }),
  ],
  feedbackMemory: [
    () => ({
      args: {
        options: {
          ...{ capacity: 2, share: 0.5, beta: 0.1, likelihood: 0.3, trusted: ['a'] },
          beside: api.reservoirReplay({ capacity: 2 }),
        },
      },
      run: api.feedbackMemory,
    }),
  ],
  answerFromText: [
    () => ({
      args: { prompt: 'a', text: 'b', tokenizer: new BytePairTokenizer() },
      run: api.answerFromText,
    }),
  ],
  ownTextReplay: [
    () => ({
      args: {
        options: {
          ...{ text: batch(), rows: 2, share: 1, seed: 1 },
          beside: api.reservoirReplay({ capacity: 2 }),
        },
      },
      run: api.ownTextReplay,
    }),
  ],
}
