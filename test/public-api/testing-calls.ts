/** Right calls of `@burgeon/tensor/testing` and `@burgeon/continual/testing`. */
import {
  byteShift,
  kernelTwoSample,
  recycleDormant,
  everySteps,
  chooseAmong,
  episodicMemory,
  forgetAtMost,
  freezeConverged,
  growOnPlateau,
  gradientParts,
  heldBack,
  laMaml,
  onlineEwc,
  pageHinkley,
  provenance,
  rehearsalJob,
  reservoirReplay,
  selfAssessment,
} from '@burgeon/continual'
import * as continualApi from '@burgeon/continual/testing'
import { keyFromSeed, type OpName, RandomStream, tensor, withEngine } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import * as api from '@burgeon/tensor/testing'
import type { Call, CallsOf } from './call.ts'

const device = openReference()
const random = (): RandomStream => new RandomStream(keyFromSeed(1)).named('calls')
const opNames = Object.keys(api.opCases) as OpName[]

/** A call of `checkOp` with the first case that is drawn for an op. */
function checked(op: OpName): () => Call {
  return () => {
    const { inputs, attrs } = api.opCases[op].draw(random())
    return {
      args: { device, reference: device, op, inputs, options: attrs, tolerance: 4 },
      run: api.checkOp,
      // The op itself says what is wrong with its inputs and attributes, together.
      says: [op, 'tensor'],
      takes: op === 'fill' ? { 'options.value': ['NaN'] } : {},
    }
  }
}

export const tensorTestingCalls: CallsOf<typeof api> = {
  allClose: [() => ({ args: { actual: [1], expected: [1], tolerance: 0.1 }, run: api.allClose })],
  largestDifference: [() => ({ args: { actual: [1], expected: [1] }, run: api.largestDifference })],
  drawExpression: [
    () => ({
      args: { random: random(), options: { inputs: 2, scalars: 1, depth: 3, smooth: true } },
      run: api.drawExpression,
    }),
  ],
  opCases: opNames.flatMap((op) => [
    () => ({ args: { random: random() }, run: api.opCases[op].draw }),
    () => ({ args: { random: random() }, run: api.opCases[op].edges }),
  ]),
  checkOp: opNames.map(checked),
  statements: [
    () => ({
      args: { name: 'a part', promises: [['keeps its word', () => null]] },
      run: api.statements,
    }),
  ],
  complaintOf: [() => ({ args: { tried: () => Promise.resolve(null) }, run: api.complaintOf })],
  takenStates: [() => ({ args: { restore: () => {}, toState: () => null }, run: api.takenStates })],
  takenStatesAsync: [
    () => ({
      args: { restore: () => {}, toState: () => null, own: null },
      run: api.takenStatesAsync,
      takes: { own: ['anything'] },
    }),
  ],
  copied: 'takes any state',
  isSame: 'takes any two values',
  noStates: 'a list',
  RoundingBounds: [
    () => ({
      args: { below: new api.RoundingBounds({ run: () => [] }) },
      run: (below: ConstructorParameters<typeof api.RoundingBounds>[0]) => new api.RoundingBounds(below),
    }),
    () => ({
      args: { tensor: tensor([1, 2], { device }) },
      run: (of: Parameters<api.RoundingBounds['of']>[0]) => new api.RoundingBounds({ run: () => [] }).of(of),
    }),
    () => ({
      args: { op: 'reshape', inputs: [tensor([1, 2], { device })], attrs: { shape: [2, 1] } },
      run: (...args: Parameters<api.RoundingBounds['run']>) =>
        withEngine(
          (below) => new api.RoundingBounds(below),
          (bounds) => bounds.run(...args),
        ),
      says: ['reshape'],
    }),
  ],
}

export const continualTestingCalls: CallsOf<typeof continualApi> = {
  checkGradientExchange: [
    () => ({ args: { make: () => [gradientParts(2)] }, run: continualApi.checkGradientExchange }),
  ],
  checkDriftDetector: [
    () => ({
      args: {
        make: () => pageHinkley(),
        options: { noise: 0.1, jump: 1, quiet: 200, delay: 100, directions: ['up'] },
      },
      run: continualApi.checkDriftDetector,
    }),
  ],
  checkAssessment: [
    () => ({
      args: { make: () => selfAssessment(), coverage: 0.9 },
      run: continualApi.checkAssessment,
    }),
  ],
  checkRehearsal: [
    () => ({ args: { make: () => reservoirReplay({ capacity: 2 }) }, run: continualApi.checkRehearsal }),
  ],
  checkPenalty: [
    () => ({ args: { make: () => onlineEwc({ strength: 1 }) }, run: continualApi.checkPenalty }),
  ],
  checkFreezing: [
    () => ({
      args: { make: () => freezeConverged({ every: 1, patience: 2 }), steps: 4 },
      run: continualApi.checkFreezing,
    }),
  ],
  checkLookAhead: [
    () => ({
      args: { make: () => laMaml({ rate: 0.1, rateOfRates: 0.1 }), options: { learnsRates: true } },
      run: continualApi.checkLookAhead,
    }),
  ],
  checkStreamWatch: [
    () => ({
      args: { make: () => byteShift({ warmUp: 64 }), options: { quiet: 640, delay: 640 } },
      run: continualApi.checkStreamWatch,
    }),
  ],
  checkSleepJob: [
    () => ({
      args: {
        make: () => rehearsalJob({ rows: 2, steps: 1 }),
        expectation: { acts: true, strategy: () => ({}) },
      },
      run: continualApi.checkSleepJob,
    }),
  ],
  checkUpkeep: [
    () => ({
      args: {
        make: () => recycleDormant({ every: 2 }),
        options: { steps: 6, acts: true, model: 'dense network' },
      },
      run: continualApi.checkUpkeep,
    }),
  ],
  checkVectorDetector: [
    () => ({
      args: {
        make: () => kernelTwoSample({ recent: 10, past: 20 }),
        options: { components: 2, quiet: 40, delay: 40, changes: ['mean'] },
      },
      run: continualApi.checkVectorDetector,
    }),
  ],
  checkTrigger: [
    () => ({ args: { trigger: everySteps(3), options: { acts: true } }, run: continualApi.checkTrigger }),
  ],
  checkRecall: [
    () => ({
      args: { make: () => episodicMemory({ bytes: 2 ** 18 }) },
      run: continualApi.checkRecall,
    }),
  ],
  checkGuard: [
    () => ({
      args: {
        make: () => provenance(),
        expectation: { catches: [{ text: 'a', source: 'b', domain: 'c' }], stateBytes: 1000 },
      },
      run: continualApi.checkGuard,
    }),
  ],
  checkProbes: [() => ({ args: { make: () => heldBack({ share: 0.1 }) }, run: continualApi.checkProbes })],
  checkChoice: [
    () => ({
      args: { choice: chooseAmong({ arms: { usual: {}, eager: { rate: 2 } } }) },
      run: continualApi.checkChoice,
    }),
  ],
  checkController: [
    () => ({
      args: { controller: forgetAtMost() },
      run: continualApi.checkController,
    }),
  ],
  checkGrowthPolicy: [
    () => ({
      args: {
        policy: growOnPlateau({ window: 100, patience: 200 }),
        options: { asksIn: ['plateau'], silentIn: ['falling'], mayExceedBudget: true },
      },
      run: continualApi.checkGrowthPolicy,
    }),
  ],
}
