/** Right calls of what explains, of `@burgeon/continual`. */
import * as api from '@burgeon/continual'
import { sgd } from '@burgeon/autograd/optim'
import { Gpt } from '@burgeon/gpt'
import { sum, type Tensor, tensor } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import type { CallsOf } from './call.ts'

const device = openReference()
const model = (): Gpt => Gpt.create({ context: 8, embed: 4, heads: 2, layers: 1 }, { device, seed: 1 })
const question = { prompt: 'ab', answer: 'c', instead: 'd' }
const takes = {
  'question.prompt': ['string', 'array'],
  'question.answer': ['string', 'array'],
  'question.instead': ['string', 'array'],
  'question.corrupt': ['string', 'array'],
  'options.baseline': ['string', 'array'],
} as const

const learner = (): api.Learner => new api.Learner({ model: model(), optimizer: sgd(0.1) })
const rows = (): api.TokenBatch => ({
  ...api.batchOfTokens([1, 2, 3, 4, 5], 4, 'text'),
  origins: [{ id: 1, source: 'a', domain: 'text', at: 0, trust: 1 }],
})
const growing = (): api.Strategy => ({
  growth: api.growOnSchedule([{ step: 1, request: { kind: 'growContext', to: 12 } }]),
})
const state = await new api.Learner({ model: model(), optimizer: sgd(0.1), strategy: growing() }).toState()
const begin = (): api.Learner =>
  api.Learner.fromState(structuredClone(state), { optimizer: sgd(0.1), strategy: growing(), device })
const past: api.Past = { moments: [{ step: 0, begin }], observed: [rows()] }
const lived = begin()
await lived.observe(rows())
const life = await api.retrace(lived, past)

/** By export. */
export const explainCalls = {
  attentionPatterns: [
    () => ({
      args: { explained: model(), text: 'ab' },
      run: api.attentionPatterns,
      takes: { text: ['string', 'array'] },
    }),
  ],
  attentionFlow: [() => ({ args: { explained: model(), question }, run: api.attentionFlow, takes })],
  directLogits: [() => ({ args: { explained: model(), question }, run: api.directLogits, takes })],
  logitLens: [
    () => ({ args: { explained: model(), question, options: { likeliest: 1 } }, run: api.logitLens, takes }),
  ],
  integratedGradients: [
    () => ({
      args: { explained: model(), question, options: { nodes: 4, maxGap: 1, baseline: 'ba' } },
      run: api.integratedGradients,
      takes,
    }),
  ],
  explain: [
    () => ({
      args: {
        explained: model(),
        prompt: 'ab',
        answer: 'c',
        options: {
          ...{ instead: 'd', baseline: 'ba', corrupt: 'cb', rows: rows(), checkpoints: [model()] },
          recall: api.episodicMemory({ bytes: 262_144 }),
          ...{ experiences: 1, closely: 1, turn: (piece: () => unknown) => piece() },
        },
      },
      run: api.explain,
      says: ['integratedGradients', 'patch'],
      takes: {
        ...{
          prompt: ['string', 'array'],
          answer: ['string', 'array'],
          'options.instead': ['string', 'array'],
        },
        ...{ 'options.baseline': ['string', 'array'], 'options.corrupt': ['string', 'array'] },
      },
    }),
  ],
  influence: [
    () => ({
      args: { checkpoints: [learner()], question, rows: rows(), options: { closely: 1 } },
      run: api.influence,
      takes,
    }),
  ],
  rememberedRows: [() => ({ args: { learner: learner(), rows: 4 }, run: api.rememberedRows })],
  retrace: [() => ({ args: { learner: lived, past }, run: api.retrace })],
  whatIf: [
    () => ({
      args: { life, question, options: { without: { ids: [1] } } },
      run: api.whatIf,
      takes,
      says: ['forget'],
    }),
  ],
  whyGrew: [() => ({ args: { life, index: 0, question }, run: api.whyGrew, takes })],
  pathAttributions: [
    () => ({
      args: {
        f: (x: Tensor) => sum(x, { axes: [1] }),
        from: tensor([0, 0], { device }),
        to: tensor([1, 2], { device }),
        options: { nodes: 2, maxGap: 1 },
      },
      run: api.pathAttributions,
    }),
  ],
  patch: [
    () => ({
      args: {
        explained: model(),
        question: { ...question, corrupt: 'cb' },
        options: { activations: [{ block: 'b0', part: 'mlp' }], direction: 'noise' },
      },
      run: api.patch,
      takes,
    }),
  ],
  attributionPatch: [
    () => ({
      args: { explained: model(), question: { ...question, corrupt: 'cb' }, options: { measured: 1 } },
      run: api.attributionPatch,
      takes,
    }),
  ],
} as const satisfies Partial<CallsOf<typeof api>>
