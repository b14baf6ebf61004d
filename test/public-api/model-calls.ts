/** Right calls of what `@burgeon/continual` has for models and examples. */
import { sgd } from '@burgeon/autograd/optim'
import * as api from '@burgeon/continual'
import { Gpt } from '@burgeon/gpt'
import { openReference } from '@burgeon/tensor/reference'
import type { CallsOf } from './call.ts'

const device = openReference()
const model = (): Gpt => Gpt.create({ context: 4, embed: 4, heads: 2, layers: 1, mlpHidden: 4 }, { device })
const batch = (): api.TokenBatch => api.batchOfTokens([1, 2, 3, 4, 5], 4, 'text')
const denseState = await api.classifier({ inputs: 2, hidden: [3], classes: 2, device }).toState()
const labelled = { rows: 2, inputs: Float32Array.of(1, 2, 3, 4), targets: Float32Array.of(0, 1) }

const denseWeights = () => api.denseFromState(denseState, device).parameters.tensors()

export const modelCalls = {
  evaluateExamples: [
    () => ({
      args: {
        model: api.denseFromState(denseState, device),
        examples: { ...labelled, domains: ['a', 'a'] },
        options: { among: [0, 1], rows: 1, weights: denseWeights() },
      },
      run: api.evaluateExamples,
    }),
  ],
  learnTasks: [
    () => ({
      args: {
        learner: new api.Learner({ model: api.denseFromState(denseState, device), optimizer: sgd(0.1) }),
        stream: api.splitTasks(labelled, { tasks: [[0], [1]], rows: 1 }),
        test: labelled,
        options: { sink: api.callbackSink(() => {}), weights: (own: object) => own },
      },
      run: api.learnTasks,
    }),
  ],
  learnMemory: [
    () => ({
      args: {
        learner: new api.Learner({ model: api.denseFromState(denseState, device), optimizer: sgd(0.1) }),
        memory: api.replay({ capacity: 2 }),
        options: { epochs: 1, rows: 2, seed: 1 },
      },
      run: api.learnMemory,
    }),
  ],
  splitTasks: [
    () => ({
      args: {
        data: labelled,
        options: { tasks: [[0], [1]], scenario: 'class', rows: 1, epochs: 1, seed: 1 },
      },
      run: api.splitTasks,
    }),
    () => ({
      args: { data: labelled, options: { tasks: [[0], [1]], rows: 1, batches: 1 } },
      run: api.splitTasks,
    }),
  ],
  blurredTasks: [
    () => ({
      args: {
        data: labelled,
        options: { tasks: [[0], [1]], scenario: 'class', rows: 1, batches: 2, fade: 1, seed: 1 },
      },
      run: api.blurredTasks,
    }),
  ],
  taskEnds: [() => ({ args: { stream: { boundaries: [1, 2] } }, run: api.taskEnds })],
  classifier: [
    () => ({
      args: { options: { inputs: 2, hidden: [3], classes: 2, initial: 'he', seed: 1, device } },
      run: api.classifier,
    }),
    () => ({
      args: {
        options: {
          inputs: 4,
          convolution: { height: 2, width: 2, channels: 1, filters: 2, kernelSize: 2, stride: 1 },
          classes: 2,
          device,
        },
      },
      run: api.classifier,
    }),
  ],
  regressor: [
    () => ({
      args: { options: { inputs: 2, hidden: [3], outputs: 1, initial: 'he', seed: 1, device } },
      run: api.regressor,
    }),
  ],
  denseFromState: [() => ({ args: { state: denseState, device }, run: api.denseFromState })],
  widenHidden: [
    () => ({
      args: {
        model: api.denseFromState(denseState, device),
        request: { layer: 0, to: 4, how: 'split' },
        options: { mirrors: [], key: [1, 2] },
      },
      run: api.widenHidden,
    }),
  ],
  widerHidden: [() => ({ args: { options: { share: 0.5, how: 'split' } }, run: api.widerHidden })],
  passOf: [
    () => ({
      args: { model: model(), batch: batch(), weights: model().parameters.tensors(), freshRows: 1 },
      run: api.passOf,
      says: ['forward'],
    }),
  ],
} satisfies Partial<CallsOf<typeof api>>
