import {
  checkArgument,
  checkOptions,
  checks,
  checkState,
  fields,
  OptionError,
  type StateChecks,
  StateError,
} from '@burgeon/tensor'
import { EvaluationError, requireMeasurement } from '../errors.ts'
import { count, entriesOf, none, stateOfKind } from '../saved-state.ts'

/** Which way is better. */
export interface ContinualEvaluationOptions {
  /** `lower` for losses, `higher` for accuracies. `lower` unless given. */
  readonly better?: 'lower' | 'higher'
}

/** A dip of one domain while another was learnt. */
export interface StabilityGap {
  /** The domain that was known. */
  readonly domain: string
  /** The domain that was learnt meanwhile. */
  readonly learning: string
  /** Its value when the other began to be learnt. */
  readonly before: number
  /** The worst value meanwhile, and the step of it. */
  readonly worst: number
  readonly worstStep: number
  /** Its value at the end, or now. */
  readonly after: number
  /** By how much it got worse and better again: from `worst` to the worse of `before` and `after`; ≥ 0. */
  readonly depth: number
}

/** A dip as it is kept. */
type Gap = Omit<StabilityGap, 'depth'>

interface State {
  readonly kind: 'continual-evaluation'
  readonly options: Required<ContinualEvaluationOptions>
  readonly steps: number
  readonly meansTotal: number
  readonly lastStep: number | null
  readonly learning: string | null
  readonly learnt: readonly string[]
  readonly present: readonly (readonly [string, number])[]
  readonly worst: readonly (readonly [string, number])[]
  readonly gaps: readonly Gap[]
}

const byName = entriesOf('values by domain', checks.number())
const aGap = fields<Gap>('a dip', {
  domain: checks.text,
  learning: checks.text,
  before: checks.number(),
  worst: checks.number(),
  worstStep: checks.number(),
  after: checks.number(),
})
const stateChecks: StateChecks<State> = {
  kind: checks.oneOf('continual-evaluation'),
  options: checks.object('options'),
  steps: count,
  meansTotal: checks.number(),
  lastStep: checks.either(none, count),
  learning: checks.either(none, checks.text),
  learnt: checks.list('a list of names', checks.text),
  present: byName,
  worst: byName,
  gaps: checks.list('dips', aGap),
}

/**
 * Evaluations after every step, or every few of them (De Lange, van de Ven & Tuytelaars 2023): what a matrix
 * with a row for each domain does not show, for a domain may be lost at a change and be back when the next
 * row is taken. Keeps a few numbers for each domain and change, whatever the number of steps.
 *
 * @example
 * const evaluation = new ContinualEvaluation({ better: 'higher' })
 * evaluation.record(1, 'prose', { prose: 0.8 })
 * evaluation.record(2, 'code', { prose: 0.5, code: 0.4 })
 * evaluation.record(3, 'code', { prose: 0.7, code: 0.8 })
 * evaluation.worstCase() // ½·0.8 + ½·0.5 = 0.65
 */
export class ContinualEvaluation {
  readonly #better: 'lower' | 'higher'
  #steps = 0
  #meansTotal = 0
  #lastStep: number | null = null
  /**
   * Domains in the order in which they were first learnt; the last one of the list need not be the present
   * one.
   */
  #learnt: string[] = []
  #present = new Map<string, number>()
  /** The worst value of each domain since another has been learnt. */
  #worst = new Map<string, number>()
  #gaps: Gap[] = []
  #learning: string | null = null

  /** Throws OptionError for an option that does not exist. */
  constructor(options: ContinualEvaluationOptions = {}) {
    checkOptions('ContinualEvaluation', options, { better: checks.oneOf('lower', 'higher') })
    this.#better = options.better ?? 'lower'
  }

  /**
   * Takes the values of all domains that were learnt so far, the present one among them, after a step.
   *
   * @param step A whole number, greater than that of the record before.
   * @param learning The domain that is learnt at this step.
   * @throws OptionError for a step that is not later, SignalError for a value that is not finite,
   *   EvaluationError where a domain is missing; nothing is recorded then.
   */
  record(step: number, learning: string, values: Readonly<Record<string, number>>): void {
    const who = 'ContinualEvaluation: record'
    checkArgument(who, 'step', step, count)
    checkArgument(who, 'learning', learning, checks.text)
    checkArgument(who, 'values', values, checks.record('values by domain', checks.anyNumber))
    if (this.#lastStep !== null && !(step > this.#lastStep)) {
      throw new OptionError(`${who}: got step ${step}; expected one after ${this.#lastStep}.`)
    }
    const learnt = this.#learnt.includes(learning) ? this.#learnt : [...this.#learnt, learning]
    const now = learnt.map((domain): [string, number] => {
      if (!Object.hasOwn(values, domain)) {
        throw new EvaluationError(
          `${who}: step ${step} has no value of '${domain}', which was learnt before; expected one of every domain learnt so far.`,
        )
      }
      return [domain, requireMeasurement('ContinualEvaluation', values[domain])]
    })
    this.#follow(step, learning, now)
    this.#learnt = learnt
    this.#present = new Map(now)
    this.#steps++
    this.#meansTotal += mean(now.map(([, value]) => value))
    this.#lastStep = step
    this.#learning = learning
  }

  #follow(step: number, learning: string, now: readonly (readonly [string, number])[]): void {
    const begins = learning !== this.#learning
    for (const [domain, value] of now) {
      if (domain === learning) continue
      const worst = this.#worst.get(domain)
      this.#worst.set(domain, worst === undefined ? value : this.#worse(worst, value))
      const at = this.#gaps.findLastIndex((gap) => gap.domain === domain)
      if (begins) {
        const before = this.#present.get(domain) as number
        this.#gaps.push({
          domain,
          learning,
          before,
          worst: this.#worse(before, value),
          worstStep: step,
          after: value,
        })
      } else {
        const gap = this.#gaps[at]
        const isWorse = this.#isWorse(value, gap.worst)
        this.#gaps[at] = { ...gap, after: value, ...(isWorse && { worst: value, worstStep: step }) }
      }
    }
  }

  /** Steps recorded. */
  get steps(): number {
    return this.#steps
  }

  /** Mean over the last record; null before the first. */
  finalMean(): number | null {
    return this.#steps === 0 ? null : mean([...this.#present.values()])
  }

  /**
   * Mean over all records of their means: average any-time accuracy (Caccia et al. 2022, section 4), of
   * whatever was recorded; null before the first.
   */
  anytimeMean(): number | null {
    return this.#steps === 0 ? null : this.#meansTotal / this.#steps
  }

  /**
   * min-ACC (De Lange et al. 2023, eq. 4): mean over the domains other than the present one of their worst
   * value since another has been learnt; null before there is one.
   */
  worstMean(): number | null {
    const before = this.#learnt.filter((domain) => domain !== this.#learning)
    return before.length === 0 ? null : mean(before.map((domain) => this.#worst.get(domain) as number))
  }

  /**
   * WC-ACC (De Lange et al. 2023, eq. 5): the present domain as it is and the k − 1 others at their worst,
   * 1/k·R[present] + (1 − 1/k)·min-ACC; null before the first record.
   */
  worstCase(): number | null {
    if (this.#learning === null) return null
    const own = this.#present.get(this.#learning) as number
    const others = this.worstMean()
    const share = 1 / this.#learnt.length
    return others === null ? own : share * own + (1 - share) * others
  }

  /** Every dip so far, in order: what a change of domain cost for a while, though it came back. */
  gaps(): StabilityGap[] {
    return this.#gaps.map(({ domain, learning, before, worst, worstStep, after }) => {
      const depth = Math.abs(this.#worse(before, after) - worst)
      return { domain, learning, before, worst, worstStep, after, depth }
    })
  }

  /** Mean depth of all dips; null before the first. */
  stabilityGap(): number | null {
    return this.#gaps.length === 0 ? null : mean(this.gaps().map(({ depth }) => depth))
  }

  #isWorse(value: number, other: number): boolean {
    return this.#better === 'higher' ? value < other : value > other
  }

  #worse(a: number, b: number): number {
    return this.#isWorse(a, b) ? a : b
  }

  toState(): State {
    return {
      kind: 'continual-evaluation',
      options: { better: this.#better },
      steps: this.#steps,
      meansTotal: this.#meansTotal,
      lastStep: this.#lastStep,
      learning: this.#learning,
      learnt: [...this.#learnt],
      present: [...this.#present],
      worst: [...this.#worst],
      gaps: [...this.#gaps],
    }
  }

  /**
   * Takes a state that `toState` gave. Throws a `StateError` if it is another's or damaged, `OptionError` for
   * options out of range.
   */
  static fromState(state: unknown): ContinualEvaluation {
    const saved = stateOfKind<State>(state, 'continual-evaluation')
    const { options, learnt, present, worst, ...own } = checkState<State>(saved.kind, saved, stateChecks)
    const [values, lowest] = [new Map(present), new Map(worst)]
    const isWhole =
      own.learning === null
        ? learnt.length === 0
        : learnt.includes(own.learning) &&
          learnt.every((name) => values.has(name) && (name === own.learning || lowest.has(name)))
    if (!isWhole) {
      throw new StateError(
        'continual-evaluation: the saved state lacks a domain that was learnt; expected its last and its worst value.',
      )
    }
    const evaluation = new ContinualEvaluation(options)
    evaluation.#steps = own.steps
    evaluation.#meansTotal = own.meansTotal
    evaluation.#lastStep = own.lastStep
    evaluation.#learning = own.learning
    evaluation.#learnt = [...learnt]
    evaluation.#present = values
    evaluation.#worst = lowest
    evaluation.#gaps = [...own.gaps]
    return evaluation
  }
}

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length
