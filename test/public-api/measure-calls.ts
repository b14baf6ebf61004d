/** Right calls of what measures in `@burgeon/continual`: detectors, metrics, sinks. */
import { sgd } from '@burgeon/autograd/optim'
import * as api from '@burgeon/continual'
import { Gpt } from '@burgeon/gpt'
import { openReference } from '@burgeon/tensor/reference'
import type { CallsOf } from './call.ts'

const device = openReference()
const sizes = { context: 4, embed: 4, heads: 2, layers: 1, mlpHidden: 4 }
const model = (): Gpt => Gpt.create(sizes, { device, seed: 1 })
const batch = (): api.TokenBatch => api.batchOfTokens([1, 2, 3, 4, 5], 4, 'text')
const network = (): api.DenseNetwork => api.classifier({ inputs: 2, hidden: [3], classes: 2, device })
const rows = (): api.ExampleBatch => ({
  rows: 1,
  inputs: Float32Array.of(1, 2),
  targets: Float32Array.of(1),
  domains: ['a'],
})
const learner = new api.Learner({ model: model(), optimizer: sgd({ learningRate: 0.1 }) })
const report = await learner.observe(batch())
const matrix = (): api.DomainMatrix => {
  const made = new api.DomainMatrix(['a', 'b'])
  made.record('a', 'a', 1)
  return made
}

type Measures =
  | 'adaptiveWindowing'
  | 'cusum'
  | 'ddm'
  | 'eddm'
  | 'hddmAverage'
  | 'hddmWeighted'
  | 'kswin'
  | 'kernelTwoSample'
  | 'watching'
  | 'meanHiddenState'
  | 'pageHinkley'
  | 'standardized'
  | 'calibrationOf'
  | 'retainedCost'
  | 'ContinualEvaluation'
  | 'measurePlasticity'
  | 'recordOf'
  | 'callbackSink'
  | 'consoleSink'
  | 'csvSink'
  | 'jsonlSink'
  | 'tensorboardSink'
  | 'DomainMatrix'
  | 'byteShift'
  | 'scoreAlarms'
  | 'Prequential'

/** By export. */
export const measureCalls: Pick<CallsOf<typeof api>, Measures> = {
  adaptiveWindowing: [
    () => ({
      args: { options: { delta: 0.1, clock: 1, gracePeriod: 1, minWindow: 1 } },
      run: api.adaptiveWindowing,
    }),
    () => ({
      args: { value: 1 },
      run: (v: number) => api.adaptiveWindowing().update(v),
      says: ['ADWIN'],
    }),
  ],
  cusum: [
    () => ({ args: { options: { mode: 'up', threshold: 1, slack: 1, minSamples: 2 } }, run: api.cusum }),
    () => ({ args: { value: 1 }, run: (v: number) => api.cusum().update(v), says: ['CUSUM'] }),
  ],
  ddm: [
    () => ({ args: { options: { threshold: 1, minSamples: 1 } }, run: api.ddm }),
    () => ({ args: { value: 1 }, run: (v: number) => api.ddm().update(v), says: ['DDM'] }),
  ],
  eddm: [
    () => ({ args: { options: { beta: 0.5, minSamples: 1 } }, run: api.eddm }),
    () => ({ args: { value: 1 }, run: (v: number) => api.eddm().update(v), says: ['EDDM'] }),
  ],
  hddmAverage: [
    () => ({ args: { options: { mode: 'up', confidence: 0.1 } }, run: api.hddmAverage }),
    () => ({ args: { value: 1 }, run: (v: number) => api.hddmAverage().update(v), says: ['HDDM-A'] }),
  ],
  hddmWeighted: [
    () => ({ args: { options: { mode: 'up', confidence: 0.1, lambda: 0.1 } }, run: api.hddmWeighted }),
    () => ({ args: { value: 1 }, run: (v: number) => api.hddmWeighted().update(v), says: ['HDDM-W'] }),
  ],
  kswin: [
    () => ({ args: { options: { alpha: 0.1, window: 8, recent: 4, seed: 1 } }, run: api.kswin }),
    () => ({ args: { value: 1 }, run: (v: number) => api.kswin().update(v), says: ['KSWIN'] }),
  ],
  kernelTwoSample: [
    () => ({
      args: { options: { threshold: 1, recent: 5, past: 6, clock: 1, permutations: 50, seed: 1 } },
      run: api.kernelTwoSample,
    }),
    () => ({
      args: { vector: [1, 2] },
      run: (v: number[]) => api.kernelTwoSample().update(v),
      says: ['kernel two-sample test'],
    }),
  ],
  watching: [
    () => ({
      args: {
        signal: () => 1,
        detector: api.cusum(),
        options: { name: 'one', direction: 'both' },
      },
      run: api.watching,
    }),
  ],
  meanHiddenState: [
    () => ({ args: { context: { model: model(), fresh: batch() } }, run: api.meanHiddenState }),
  ],
  pageHinkley: [
    () => ({
      args: { options: { mode: 'up', threshold: 1, delta: 1, alpha: 1, minSamples: 1 } },
      run: api.pageHinkley,
    }),
    () => ({
      args: { value: 1 },
      run: (v: number) => api.pageHinkley().update(v),
      says: ['Page–Hinkley'],
    }),
  ],
  standardized: [
    () => ({
      args: { inner: api.pageHinkley(), options: { decay: 0.9, warmUp: 2 } },
      run: api.standardized,
    }),
    () => ({
      args: { value: 1 },
      run: (v: number) => api.standardized(api.pageHinkley()).update(v),
      says: ['standardised'],
    }),
  ],
  calibrationOf: [
    () => ({
      args: { options: { scores: [0.5, 0.5], labels: [1], classes: 2, scale: 'probabilities', bins: 2 } },
      run: api.calibrationOf,
    }),
  ],
  retainedCost: [
    () => ({
      args: { options: { accuracy: 0.5, unprotected: 0.25, flops: 2, unprotectedFlops: 1, stateBytes: 4 } },
      run: api.retainedCost,
    }),
  ],
  ContinualEvaluation: [
    () => ({
      args: { options: { better: 'lower' } },
      run: (...args: ConstructorParameters<typeof api.ContinualEvaluation>) =>
        new api.ContinualEvaluation(...args),
    }),
    () => ({
      args: { step: 1, learning: 'a', values: { a: 1 } },
      run: (...args: Parameters<api.ContinualEvaluation['record']>) =>
        new api.ContinualEvaluation().record(...args),
    }),
    () => ({
      args: { state: new api.ContinualEvaluation().toState() },
      run: api.ContinualEvaluation.fromState,
      says: ['continual-evaluation'],
    }),
  ],
  measurePlasticity: [
    () => ({
      args: { model: model(), batch: batch() },
      run: (m: Gpt, rows: api.TokenBatch) => api.measurePlasticity(m, rows),
    }),
    () => ({
      args: { model: network(), batch: rows() },
      run: (m: api.DenseNetwork, some: api.ExampleBatch) => api.measurePlasticity(m, some),
      says: ['dense'],
    }),
  ],
  recordOf: [() => ({ args: { report }, run: api.recordOf })],
  callbackSink: [() => ({ args: { take: () => {} }, run: api.callbackSink })],
  consoleSink: [
    () => ({ args: { print: () => {}, options: { every: 1, scalars: ['loss'] } }, run: api.consoleSink }),
  ],
  csvSink: [
    () => ({ args: { output: { write: () => {} }, options: { columns: ['loss'] } }, run: api.csvSink }),
  ],
  jsonlSink: [() => ({ args: { output: { write: () => {} } }, run: api.jsonlSink })],
  tensorboardSink: [
    () => ({ args: { output: { write: () => {} }, options: { now: () => 0 } }, run: api.tensorboardSink }),
  ],
  DomainMatrix: [
    () => ({
      args: { domains: ['a'], options: { better: 'lower' } },
      run: (...args: ConstructorParameters<typeof api.DomainMatrix>) => new api.DomainMatrix(...args),
    }),
    () => ({ args: { domain: 'new' }, run: (name: string) => matrix().addDomain(name) }),
    () => ({
      args: { afterDomain: 'a', domain: 'b', value: 1 },
      run: (...args: Parameters<api.DomainMatrix['record']>) => matrix().record(...args),
      says: ['DomainMatrix'],
    }),
    () => ({
      args: { reference: 'whenLearnt' },
      run: (r: api.ForgettingReference) => matrix().forgetting(r),
    }),
    () => ({ args: { evaluation: 0, domain: 'a' }, run: (e: number, d: string) => matrix().value(e, d) }),
  ],
  byteShift: [
    () => ({
      args: { options: { recent: 8, past: 16, tolerance: 0.1, threshold: 9, warmUp: 1 } },
      run: api.byteShift,
    }),
  ],
  scoreAlarms: [
    () => ({ args: { options: { changes: [1], alarms: [2], within: 3 } }, run: api.scoreAlarms }),
  ],
  Prequential: [
    () => ({
      args: { options: { fade: 0.9 } },
      run: (options: api.PrequentialOptions) => new api.Prequential(options),
    }),
    () => ({
      args: { loss: 1, tokens: 1, domain: 'a' },
      run: (...args: Parameters<api.Prequential['record']>) => new api.Prequential().record(...args),
    }),
  ],
}
