/** How a cluster learns together; the same for all, and in its log. */
import { checkOptions, type ChecksOf, checks } from '@burgeon/tensor'
import type { UpdateForm } from './outer/update.ts'

/** Settings of a cluster. */
export interface ClusterSettings {
  /** Most records that a worker learns between two outer steps, H, an integer ≥ 1. Default 50. */
  readonly localSteps?: number
  /** Rate of the outer step, > 0. Default 0.7. */
  readonly rate?: number
  /** Nesterov momentum of the outer step, in [0, 1). Default 0.9. */
  readonly momentum?: number
  /**
   * How updates are written. What `int8` and `top-k` leave out a worker adds to its next update (error
   * feedback). Default `f32`.
   */
  readonly form?: UpdateForm
  /** Share of the numbers that `top-k` sends, in (0, 1]. Default 0.05. */
  readonly share?: number
  /**
   * How many times the median of its round and of the latest accepted ones the norm of an update may be, > 1.
   * Default 4.
   */
  readonly outlier?: number
  /** Rounds after which the shared state is kept whole, for those who come later. Default 10. */
  readonly keepEvery?: number
  /**
   * States kept whole that stay, an integer ≥ 1, with all updates since the first of them; what is older the
   * coordinator removes. Default 2. A cluster whose log does not say it keeps everything.
   */
  readonly keepStates?: number
}

const settingChecks: ChecksOf<ClusterSettings> = {
  localSteps: checks.integer({ from: 1, to: 10_000 }),
  rate: checks.number({ above: 0 }),
  momentum: checks.number({ from: 0, below: 1 }),
  form: checks.oneOf('f32', 'int8', 'top-k'),
  share: checks.number({ above: 0, to: 1 }),
  outlier: checks.number({ above: 1 }),
  keepEvery: checks.integer({ from: 1 }),
  keepStates: checks.integer({ from: 1 }),
}

/** The settings, each with its default unless given. Throws OptionError for others. */
export function clusterSettings(who: string, settings: ClusterSettings): Required<ClusterSettings> {
  checkOptions(who, settings, settingChecks)
  const { localSteps = 50, rate = 0.7, momentum = 0.9, form = 'f32', share = 0.05 } = settings
  const { outlier = 4, keepEvery = 10, keepStates = 2 } = settings
  return { localSteps, rate, momentum, form, share, outlier, keepEvery, keepStates }
}
