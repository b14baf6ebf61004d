/** Assessment by the predictions that a learner makes anyway, before it learns. */
import {
  checkOptions,
  checks,
  checkState,
  fields,
  optional,
  shown,
  type StateChecks,
  StateError,
} from '@burgeon/tensor'
import { entriesOf, requireSameOptions } from '../saved-state.ts'
import type { Assessed, AssessedStep, Assessment, AssessmentSummary, Certainty } from './assessment.ts'
import { setWithin } from './calibration/conformal-level.ts'
import { anAccount, DomainAccount, type DomainAccountState } from './calibration/domain-account.ts'
import { softmaxAt } from './calibration/softmax-at.ts'
import { aSlice, SliceAccount, type SliceState } from './weakness/slice-account.ts'
import { type ExpectationsState, expectationChecks, fitTogether } from './weakness/expectations.ts'
import { isSliceKey, Slices, type SlicedPrediction } from './weakness/weaknesses.ts'

/** What is promised. */
export interface SelfAssessmentOptions {
  /** How often a set is to hold what comes, in (0, 1). Default 0.9. */
  readonly coverage?: number
}

interface State {
  readonly coverage: number
  /** The one that was read last comes last. */
  readonly domains: readonly (readonly [string, DomainAccountState])[]
  readonly slices: readonly (readonly [string, SliceState])[]
  /** None in what an earlier version saved. */
  readonly expectations?: ExpectationsState
  /** Slices that had risen at the last look. */
  readonly risen: readonly string[]
}

/** Most domains that an account is kept of; the one that was longest not read goes first. */
const mostDomains = 32

const stateChecks: StateChecks<State> = {
  coverage: checks.number({ above: 0, below: 1 }),
  domains: entriesOf('domains and their calibration', anAccount),
  slices: entriesOf('slices of the stream', aSlice),
  expectations: optional(fields('clusters of what was expected', expectationChecks)),
  risen: checks.list('names of slices', checks.text),
}

/**
 * Keeps account of a learner's predictions, which it makes before it learns, so that what it is judged by was
 * never learnt:
 *
 *  - a temperature for each domain (Guo et al. 2017), by a step of gradient descent on its loss with each
 *    batch: ln β ← ln β − 0.02·β·mean(E_p[z] − z_y), β = 1/T;
 *  - sets of tokens that hold what comes as often as `coverage` says, whatever the stream does: adaptive
 *    conformal inference (Gibbs and Candès 2021), for each domain by itself;
 *  - calibration error and loss, with and without the temperature, of the latest 2,000 predictions;
 *  - slices of the stream (domain, source, class of bytes, and contexts in which much the same is expected,
 *    in clusters of predictions) that cost more than the model expected of itself:
 *    −ln p less the entropy of p, by steps, at a false discovery rate of 5 % among all slices.
 *
 * A domain that is new begins with the temperature and sets of the one before. It costs two softmaxes of each
 * prediction, and reads the outputs of the model: a tenth of a second for each thousand predictions of a
 * vocabulary of 50,000.
 *
 * @throws OptionError for a coverage outside (0, 1).
 * @example
 * ```ts
 * const assessment = selfAssessment({ coverage: 0.9 })
 * const learner = new Learner({ model, optimizer: adamw({ learningRate: 1e-3 }), strategy: { assessment } })
 * const { certainty } = await learner.predict('The king of ')
 * console.log(certainty?.set.length, certainty?.coverage) // how many tokens, and how often they were right
 * console.log(assessment.summary().weakest[0]) // { slice: 'domain german, digits', excess: 0.41, z: 6.2, … }
 * ```
 */
export function selfAssessment(options: SelfAssessmentOptions = {}): Assessment {
  checkOptions('selfAssessment', options, { coverage: checks.number({ above: 0, below: 1 }) })
  return new SelfAssessment(options.coverage ?? 0.9)
}

class SelfAssessment implements Assessment {
  readonly name: string
  readonly #coverage: number
  #domains = new Map<string, DomainAccount>()
  #slices = new Slices()
  #risen: readonly string[] = []

  constructor(coverage: number) {
    this.#coverage = coverage
    this.name = `self-assessment, sets of ${coverage}`
  }

  update({ logits, vocabulary, targets, rows, bytesOf }: AssessedStep): Assessed {
    const length = targets.length / rows.length
    const byDomain = new Map<string, number[]>()
    for (const [i, target] of targets.entries()) {
      if (target < 0) continue
      const { domain } = rows[Math.floor(i / length)]
      const own = byDomain.get(domain)
      if (own) own.push(i)
      else byDomain.set(domain, [i])
    }
    const sliced: SlicedPrediction[] = []
    const held: (boolean | null)[] = Array.from(targets, () => null)
    for (const [domain, places] of byDomain) {
      const begins = places.map((i) => i * vocabulary)
      const came = places.map((i) => targets[i])
      const judged = this.#accountOf(domain).update(logits, vocabulary, begins, came)
      judged.forEach(({ excess, isHeld, best, sketch }, i) => {
        held[places[i]] = isHeld
        const { source } = rows[Math.floor(places[i] / length)]
        const [bytes, likeliest] = [bytesOf(came[i]), bytesOf(best)]
        sliced.push({ domain, source, bytes, likeliest, sketch, excess })
      })
    }
    this.#slices.add(sliced)
    const risen = this.#slices.weakest().filter(({ hasRisen }) => hasRisen)
    const fresh = risen.filter(({ slice }) => !this.#risen.includes(slice))
    this.#risen = risen.map(({ slice }) => slice)
    return { held, risen: fresh }
  }

  /** The account of a domain, which is the one that was read last from now on. */
  #accountOf(domain: string): DomainAccount {
    const alpha = 1 - this.#coverage
    const account =
      this.#domains.get(domain) ?? [...this.#domains.values()].at(-1)?.heir(alpha) ?? new DomainAccount(alpha)
    this.#domains.delete(domain)
    this.#domains.set(domain, account)
    const [oldest] = this.#domains.keys()
    if (this.#domains.size > mostDomains) this.#domains.delete(oldest)
    return account
  }

  certaintyOf(logits: ArrayLike<number>, domain?: string): Certainty {
    const named =
      domain !== undefined && this.#domains.has(domain) ? domain : [...this.#domains.keys()].at(-1)
    const account =
      (named === undefined ? undefined : this.#domains.get(named)) ?? new DomainAccount(1 - this.#coverage)
    const { temperature, coverage, threshold } = account
    const { probabilities } = softmaxAt(logits, 0, logits.length, 1 / temperature)
    return {
      next: probabilities,
      set: setWithin(probabilities, threshold),
      coverage,
      temperature,
      domain: named ?? null,
    }
  }

  summary(): AssessmentSummary {
    const calibration = Object.fromEntries(
      [...this.#domains].map(([domain, account]) => [domain, account.summary()]),
    )
    return { calibration, weakest: this.#slices.weakest() }
  }

  toState(): State {
    return {
      coverage: this.#coverage,
      domains: [...this.#domains].map(([domain, account]) => [domain, account.toState()]),
      slices: [...this.#slices.entries()].map(([key, account]) => [key, account.toState()]),
      expectations: this.#slices.expectations(),
      risen: this.#risen,
    }
  }

  restore(state: unknown): void {
    const { coverage, domains, slices, expectations, risen } = checkState<State>(
      this.name,
      state,
      stateChecks,
    )
    requireSameOptions(this.name, { coverage: this.#coverage }, { coverage })
    const wrong = slices.find(([key]) => !isSliceKey(key))
    if (wrong)
      throw new StateError(
        `${this.name}: got the slice ${shown(wrong[0])}; expected a domain, a source, a class of bytes and a cluster.`,
      )
    if (expectations !== undefined && !fitTogether(expectations)) {
      throw new StateError(`${this.name}: the clusters of what was expected do not fit together.`)
    }
    const alpha = 1 - this.#coverage
    this.#domains = new Map(domains.map(([domain, own]) => [domain, new DomainAccount(alpha, own)]))
    this.#slices = new Slices(
      slices.map(([key, own]) => [key, new SliceAccount(own)]),
      expectations,
    )
    this.#risen = risen
  }
}
