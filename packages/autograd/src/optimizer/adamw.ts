import {
  adamwUpdate,
  type Mirror,
  OptionError,
  type ParameterStore,
  type PlainTensor,
  TensorMirror,
} from '@burgeon/tensor'
import type { GradientTransform } from './gradient-transform.ts'
import { type Schedule, scheduleOf } from './schedule.ts'

/** How `adamw` shall step. */
export interface AdamwOptions {
  /** Positive, or a schedule over the steps of the run. */
  readonly learningRate: number | Schedule
  /** In [0, 1); 0.9 unless given. */
  readonly beta1?: number
  /** In [0, 1); 0.999 unless given. */
  readonly beta2?: number
  /** Positive; 1e-8 unless given. */
  readonly epsilon?: number
  /** Decoupled weight decay, ≥ 0; 0.01 unless given. */
  readonly weightDecay?: number
  /** Which parameters decay; all unless given. */
  readonly decays?: (path: string) => boolean
}

interface AdamwState {
  readonly steps: Readonly<Record<string, number>>
  readonly first: Readonly<Record<string, PlainTensor>>
  readonly second: Readonly<Record<string, PlainTensor>>
}

/**
 * Adam with decoupled weight decay (Loshchilov & Hutter 2019, algorithm 2).
 *
 * Bias correction counts the steps of each parameter since its own birth, so a block that was added late starts its
 * moments like a young one.
 */
export function adamw(options: AdamwOptions): GradientTransform {
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0.01, decays = () => true } = options
  for (const [name, beta] of [
    ['beta1', beta1],
    ['beta2', beta2],
  ] as const) {
    if (!(beta >= 0 && beta < 1))
      throw new OptionError(`adamw: got ${name} ${beta}; expected 0 ≤ ${name} < 1.`)
  }
  if (!(epsilon > 0 && weightDecay >= 0)) {
    throw new OptionError(
      `adamw: got epsilon ${epsilon} and weightDecay ${weightDecay}; expected epsilon > 0 and weightDecay ≥ 0.`,
    )
  }
  const rate = scheduleOf(options.learningRate)
  const first = new TensorMirror('adamw first moment', 'gradient')
  const second = new TensorMirror('adamw second moment', 'squaredGradient')
  const steps = new Map<string, number>()
  // A parameter that is removed and comes back later under the same path starts young again.
  const ages: Mirror = {
    name: 'adamw steps',
    remap: (plan) => () => {
      for (const change of plan.changes) if (change.kind === 'remove') steps.delete(change.path)
    },
  }
  return {
    name: 'adamw',
    mirrors: [first, second, ages],
    transform(gradients, { parameters, step }) {
      const learningRate = rate(step)
      const updates = Object.entries(gradients).map(([path, gradient]) => {
        const age = (steps.get(path) ?? 0) + 1
        steps.set(path, age)
        const decay = decays(path) ? weightDecay : 0
        const attrs = { learningRate, beta1, beta2, epsilon, weightDecay: decay, step: age }
        const [m, v] = [first.getOrZero(path, gradient), second.getOrZero(path, gradient)]
        return [path, adamwUpdate(parameters[path], gradient, m, v, attrs)] as const
      })
      return Object.fromEntries(updates)
    },
    toState: async (): Promise<AdamwState> => ({
      steps: Object.fromEntries(steps),
      first: await first.toState(),
      second: await second.toState(),
    }),
    restore(state: unknown, parameters: ParameterStore) {
      const saved = state as AdamwState
      first.restore(saved.first, parameters)
      second.restore(saved.second, parameters)
      steps.clear()
      for (const [path, age] of Object.entries(saved.steps)) steps.set(path, age)
    },
  }
}
