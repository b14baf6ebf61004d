import {
  checkArgument,
  checkOptions,
  checks,
  checkState,
  OptionError,
  shown,
  StateError,
} from '@burgeon/tensor'
import { EvaluationError, requireMeasurement } from '../errors.ts'
import { stateOfKind } from '../saved-state.ts'
import { type DomainMatrixOptions, type DomainMatrixState, matrixChecks } from './domain-matrix-state.ts'

/**
 * With what the present is compared. All three are in use under the one name "forgetting":
 * - `whenLearnt`: right after the domain was first learnt (diagonal − last; Lopez-Paz & Ranzato 2017, −BWT).
 * - `bestEver`: the best of all earlier evaluations (Chaudhry et al. 2018, section 3.2).
 * - `bestSinceLearnt`: the best of the earlier ones from the domain's own on.
 */
export type ForgettingReference = 'whenLearnt' | 'bestEver' | 'bestSinceLearnt'

type Row = Map<string, number>

/** Domains that a message names. */
const namedAtMost = 20

/**
 * R[evaluation][domain]: how well each domain was done after each stretch of learning, and every published
 * measure of forgetting and transfer from it. Measures are in the recorded unit, whichever way is better:
 * positive *forgetting* is worse, positive *transfer* is better.
 *
 * A domain may be learnt again: each change of `afterDomain` begins a new row, and a domain's own row is its
 * first.
 *
 * @example
 * const matrix = new DomainMatrix(['prose', 'code'])
 * matrix.record('prose', 'prose', 1.1)
 * matrix.record('code', 'prose', 1.4)
 * matrix.record('code', 'code', 0.9)
 * matrix.forgetting('whenLearnt') // 0.3
 */
export class DomainMatrix {
  readonly #better: 'lower' | 'higher'
  readonly #domains: Set<string> = new Set()
  #baseline: Row = new Map()
  readonly #rows: { after: string; values: Row }[] = []
  /** Each learnt domain's first row. */
  readonly #own: Map<string, number> = new Map()

  /** @param domains Distinct names. */
  constructor(domains: readonly string[], options: DomainMatrixOptions = {}) {
    checkArgument('DomainMatrix', 'domains', domains, checks.list('a list of names', checks.text))
    checkOptions('DomainMatrix', options, { better: checks.oneOf('lower', 'higher') })
    const { better = 'lower' } = options
    this.#better = better
    for (const domain of domains) this.addDomain(domain)
  }

  /** Makes room for a domain that the stream brought later. Throws an `OptionError` if the name is taken. */
  addDomain(domain: string): void {
    checkArgument('DomainMatrix: addDomain', 'domain', domain, checks.text)
    if (this.#domains.has(domain)) {
      throw new OptionError(
        `DomainMatrix: got domain '${domain}', which is there already; expected a new name.`,
      )
    }
    this.#domains.add(domain)
  }

  /** Domains in the order of their columns. */
  get domains(): string[] {
    return [...this.#domains]
  }

  /** Domain that had been learnt last before each row. */
  get evaluations(): string[] {
    return this.#rows.map(({ after }) => after)
  }

  /**
   * Takes the value of `domain` after `afterDomain` was learnt.
   *
   * @throws OptionError for an unknown name, SignalError for a value that is not a finite number,
   *   EvaluationError if this evaluation has that domain already.
   */
  record(afterDomain: string, domain: string, value: number): void {
    this.#known(afterDomain, 'afterDomain')
    this.#known(domain)
    const last = this.#rows.at(-1)
    const row = last?.after === afterDomain ? last : { after: afterDomain, values: new Map() }
    fill(row.values, domain, value, `after '${afterDomain}'`)
    if (row !== last) this.#add(row)
  }

  /** Takes the value of `domain` before anything was learnt; forward transfer is measured against it. */
  recordBaseline(domain: string, value: number): void {
    this.#known(domain)
    fill(this.#baseline, domain, value, 'before learning')
  }

  /** R[evaluation][domain], null where it was not recorded. */
  value(evaluation: number, domain: string): number | null {
    this.#known(domain)
    checkArgument('DomainMatrix: value', 'evaluation', evaluation, checks.integer({ from: 0 }))
    return this.#rows[evaluation]?.values.get(domain) ?? null
  }

  /** Mean of the last row over all domains learnt so far; null before the first row. */
  finalMean(): number | null {
    const last = this.#rows.length - 1
    return mean([...this.#own.keys()].map((domain) => this.#cell(last, domain)))
  }

  /**
   * Mean over all rows of the mean over the domains learnt by then: average incremental accuracy (Rebuffi et
   * al. 2017, section 4) where each row follows a new domain; null before the first row.
   */
  averageMean(): number | null {
    const means = this.#rows.map((_, row) => {
      const learnt = [...this.#own].filter(([, own]) => own <= row)
      return mean(learnt.map(([domain]) => this.#cell(row, domain))) as number
    })
    return mean(means)
  }

  /**
   * Mean of every domain right after it was first learnt (learning accuracy, Riemer et al. 2019, section 6):
   * how well new things can be learnt, whatever becomes of them; null before the first row.
   */
  learntMean(): number | null {
    return mean([...this.#own].map(([domain, own]) => this.#cell(own, domain)))
  }

  /** Mean forgetting over the domains learnt before the last row; null if there are none. */
  forgetting(reference: ForgettingReference): number | null {
    checkReference('forgetting', reference)
    return mean(this.#learntBeforeLast().map((domain) => this.#forgettingOf(domain, reference)))
  }

  /** Forgetting of one domain; null if it was first learnt in the last row or not yet. */
  forgettingOf(domain: string, reference: ForgettingReference): number | null {
    this.#known(domain)
    checkReference('forgettingOf', reference)
    return this.#isLearntBeforeLast(domain) ? this.#forgettingOf(domain, reference) : null
  }

  /**
   * BWT (Lopez-Paz & Ranzato 2017, eq. 3): what later learning did to earlier domains; null before the
   * second.
   */
  backwardTransfer(): number | null {
    const forgotten = this.forgetting('whenLearnt')
    return forgotten === null ? null : 0 - forgotten
  }

  /**
   * FWT (Lopez-Paz & Ranzato 2017, eq. 4): how much better than untrained each domain was just before it was
   * learnt; null before the second domain. Needs the baseline of every domain but the first.
   */
  forwardTransfer(): number | null {
    const later = [...this.#own].filter(([, own]) => own > 0)
    return mean(
      later.map(([domain, own]) => {
        const untrained = this.#baseline.get(domain)
        if (untrained !== undefined) return this.#gain(this.#cell(own - 1, domain), untrained)
        throw new EvaluationError(
          `DomainMatrix: forward transfer needs '${domain}' of the untrained model. Call recordBaseline('${domain}', …).`,
        )
      }),
    )
  }

  #add(row: { after: string; values: Row }): void {
    if (!this.#own.has(row.after)) this.#own.set(row.after, this.#rows.length)
    this.#rows.push(row)
  }

  #isLearntBeforeLast(domain: string): boolean {
    return (this.#own.get(domain) ?? Infinity) < this.#rows.length - 1
  }

  #learntBeforeLast(): string[] {
    return [...this.#own.keys()].filter((domain) => this.#isLearntBeforeLast(domain))
  }

  #forgettingOf(domain: string, reference: ForgettingReference): number {
    const last = this.#rows.length - 1
    const own = this.#own.get(domain) as number
    const from = reference === 'bestEver' ? 0 : own
    // Chaudhry et al. leave the last row out of the maximum, so that getting better counts as negative
    // forgetting.
    const until = reference === 'whenLearnt' ? own + 1 : last
    const now = this.#cell(last, domain)
    const lost = []
    for (let i = from; i < until; i++) lost.push(this.#gain(this.#cell(i, domain), now))
    return lost.reduce((a, b) => Math.max(a, b), -Infinity)
  }

  /** How much better `value` is than `other`. */
  #gain(value: number, other: number): number {
    return this.#better === 'higher' ? value - other : other - value
  }

  #cell(evaluation: number, domain: string): number {
    const value = this.#rows[evaluation].values.get(domain)
    if (value !== undefined) return value
    const { after } = this.#rows[evaluation]
    throw new EvaluationError(
      `DomainMatrix: row ${evaluation} (after '${after}') has no value of '${domain}', which this measure needs. ` +
        `Evaluate '${domain}' after learning '${after}', or ask for a measure that does without.`,
    )
  }

  #known(domain: string, name = 'domain'): void {
    if (this.#domains.has(domain)) return
    throw new OptionError(
      `DomainMatrix: got ${name} ${shown(domain)}; expected one of ${named([...this.#domains])}.`,
    )
  }

  toState(): DomainMatrixState {
    return {
      kind: 'domain-matrix',
      options: { better: this.#better },
      domains: this.domains,
      baseline: [...this.#baseline],
      evaluations: this.#rows.map(({ after, values }) => ({ after, values: [...values] })),
    }
  }

  /**
   * Takes a state that `toState` gave. Throws a `StateError` if it is another's or damaged, `OptionError` for
   * options out of range.
   */
  static fromState(state: unknown): DomainMatrix {
    const saved = stateOfKind<DomainMatrixState>(state, 'domain-matrix')
    checkState<DomainMatrixState>(saved.kind, saved, matrixChecks)
    const rows = [saved.baseline, ...saved.evaluations.map(({ values }) => values)]
    const used = [...rows.flat().map(([domain]) => domain), ...saved.evaluations.map(({ after }) => after)]
    const known = new Set(saved.domains)
    const lost = used.find((domain) => !known.has(domain))
    if (lost !== undefined) {
      throw new StateError(
        `domain-matrix: the saved state has a value of '${lost}'; expected one of ${named(saved.domains)}. Is the file whole?`,
      )
    }
    const matrix = new DomainMatrix(saved.domains, saved.options)
    matrix.#baseline = new Map(saved.baseline)
    for (const { after, values } of saved.evaluations) matrix.#add({ after, values: new Map(values) })
    return matrix
  }
}

function checkReference(method: string, reference: ForgettingReference): void {
  const all = checks.oneOf('whenLearnt', 'bestEver', 'bestSinceLearnt')
  checkArgument(`DomainMatrix: ${method}`, 'reference', reference, all)
}

/** Names for a message, of very many the first. */
function named(domains: readonly string[]): string {
  const more = domains.length - namedAtMost
  return domains.slice(0, namedAtMost).join(', ') + (more > 0 ? `, and ${more} more` : '')
}

function fill(row: Row, domain: string, value: number, when: string): void {
  const checked = requireMeasurement('DomainMatrix', value)
  if (row.has(domain)) {
    throw new EvaluationError(
      `DomainMatrix: '${domain}' ${when} is ${row.get(domain)} already; got ${value}. Record each evaluation once.`,
    )
  }
  row.set(domain, checked)
}

function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length
}
