/** Labels that say in what context a row stands: tokens before it, which are read and never predicted. */
import {
  type Check,
  checkArgument,
  checkOptions,
  checks,
  checkState,
  fields,
  OptionError,
  type ParameterStore,
  type RandomStream,
  shown,
  type StateChecks,
  StateError,
} from '@burgeon/tensor'
import { requireSameOptions } from '../saved-state.ts'
import type { TokenBatch } from '../stream/batch.ts'
import { type LabelOf, LabelKinds } from './label-kinds.ts'

/** Which labels there are, and how they are learnt. */
export interface ContextLabelsOptions {
  /**
   * One to four kinds of labels by name, in the order in which they stand before a row. Default `{ domain }`,
   * the domain of the row.
   */
  readonly kinds?: Readonly<Record<string, LabelOf>>
  /** Probability that a label of a row that is learnt is left out, in [0, 1). Default 0.15. */
  readonly drop?: number
  /** Probability that a row is learnt without any, in [0, 1). Default 0.1. */
  readonly dropAll?: number
  /** Labels at most, ≥ 1: rows whose label would be one more go without. Default 64. */
  readonly limit?: number
}

/**
 * Labels of a text by kind, such as `{ domain: 'german' }`. Where that of the first kind is left out, it is
 * inferred which one the text has.
 */
export type GivenLabels = Readonly<Record<string, string>>

/** A label and its row of the vocabulary. */
export interface ContextLabel {
  readonly kind: string
  readonly name: string
  readonly token: number
}

/** A label that has no token yet. */
type NewLabel = Omit<ContextLabel, 'token'>

/** A context that a text may stand in. */
export interface TextContext {
  /** The label of the first kind. */
  readonly name: string
  /** Those of all its labels, to stand before the text. */
  readonly tokens: readonly number[]
}

/** Tokens that stand before each row of a batch. */
export type TokensBefore = readonly (readonly number[])[]

interface State {
  readonly kinds: string
  readonly labels: readonly ContextLabel[]
  /** How often each label came of late. */
  readonly recent: readonly number[]
}

/** Contexts that are inferred among, at most. */
const mostContexts = 8
/** What is left of how often a label came, after a step. */
const fading = 0.99
const aShare = checks.number({ from: 0, below: 1 })
const givenLabels: Check<GivenLabels> = checks.object('labels by kind, such as { domain: "german" }')

/** A part of a learner; see `contextLabels`. */
export class ContextLabels {
  readonly name: string
  /** Most tokens that stand before a row: one of each kind. */
  readonly slots: number
  readonly #kinds: LabelKinds
  readonly #options: { readonly drop: number; readonly dropAll: number; readonly limit: number }
  #labels: readonly ContextLabel[] = []
  #recent: readonly number[] = []

  constructor(options: ContextLabelsOptions) {
    checkOptions('contextLabels', options, {
      kinds: checks.object('functions of a row by the kind of label that they give'),
      drop: aShare,
      dropAll: aShare,
      limit: checks.integer({ from: 1 }),
    })
    const { kinds = { domain: ({ domain }) => domain }, drop = 0.15, dropAll = 0.1, limit = 64 } = options
    this.#kinds = new LabelKinds(kinds)
    this.#options = { drop, dropAll, limit }
    this.slots = this.#kinds.names.length
    this.name = `labels of ${this.#kinds.names.join(', ')}`
  }

  /** Labels that there may be. */
  get limit(): number {
    return this.#options.limit
  }

  /** Those that have a token, in the order of their tokens. */
  get labels(): readonly ContextLabel[] {
    return this.#labels
  }

  /**
   * The tokens of some labels, in the order in which they stand before a text.
   *
   * @throws OptionError for a kind that is none, or a label that no row had.
   */
  tokensOf(given: GivenLabels): number[] {
    checkArgument('ContextLabels: tokensOf', 'given', given, givenLabels)
    for (const [kind, name] of Object.entries(given)) {
      if (this.#tokenOf(kind, name) !== undefined) continue
      const known = this.#labels.map((label) => `${label.kind} ${shown(label.name)}`)
      throw new OptionError(
        `contextLabels: got ${kind} ${shown(name)} as given; expected labels that were learnt: ${known.join(', ') || 'there are none yet'}.`,
      )
    }
    return this.#kinds.names.flatMap((kind) => this.#tokenOf(kind, given[kind]) ?? [])
  }

  /**
   * The contexts that a text may stand in: with a label of the first kind one, without one for each label of
   * that kind; of more than eight those that came most often of late. None while there are no labels.
   *
   * @throws OptionError as `tokensOf`.
   */
  contextsOf(given: GivenLabels = {}): TextContext[] {
    const tokens = this.tokensOf(given)
    const [first] = this.#kinds.names
    const own: string | undefined = given[first]
    if (own !== undefined) return [{ name: own, tokens }]
    const known = this.#labels
      .map(({ kind, name }, i) => ({ kind, name, recent: this.#recent[i] }))
      .filter(({ kind }) => kind === first)
    const likely =
      known.length > mostContexts
        ? known.toSorted((a, b) => b.recent - a.recent).slice(0, mostContexts)
        : known
    return likely.map(({ name }) => ({ name, tokens: this.tokensOf({ ...given, [first]: name }) }))
  }

  /** Place of a label of the first kind among all that there are; −1 where it is none. */
  placeOf(name: string): number {
    const [first] = this.#kinds.names
    return this.#labels.findIndex((label) => label.kind === first && label.name === name)
  }

  /** Takes note of which labels come. */
  note(batch: TokenBatch): void {
    const rows = this.#kinds.namesIn(batch)
    this.#recent = this.#labels.map(({ kind, name }, label) => {
      const at = this.#kinds.names.indexOf(kind)
      const share = rows.filter((names) => names[at] === name).length / rows.length
      return fading * this.#recent[label] + share
    })
  }

  /** The tokens before each row of a batch. */
  before(batch: TokenBatch): TokensBefore {
    return this.#kinds
      .namesIn(batch)
      .map((names) => this.#kinds.names.flatMap((kind, i) => this.#tokenOf(kind, names[i]) ?? []))
  }

  /**
   * The same, some left out: each label, and of some rows all.
   *
   * @param random As many draws for a row with labels as for one without.
   */
  someBefore(batch: TokenBatch, random: RandomStream): TokensBefore {
    const { drop, dropAll } = this.#options
    return this.#kinds.namesIn(batch).map((names) => {
      const hasNone = random.uniform() < dropAll
      return this.#kinds.names.flatMap((kind, i) => {
        const isLeftOut = random.uniform() < drop
        return isLeftOut || hasNone ? [] : (this.#tokenOf(kind, names[i]) ?? [])
      })
    })
  }

  /** Labels of a batch that have no token yet, in the order in which they come; no more than there may be. */
  newIn(batch: TokenBatch): NewLabel[] {
    const found = new Map<string, NewLabel>()
    for (const names of this.#kinds.namesIn(batch)) {
      this.#kinds.names.forEach((kind, i) => {
        const name = names[i]
        if (name === undefined || this.#tokenOf(kind, name) !== undefined) return
        found.set(JSON.stringify([kind, name]), { kind, name })
      })
    }
    return [...found.values()].slice(0, this.#options.limit - this.#labels.length)
  }

  /** Adds labels, whose tokens follow each other from `first` on. */
  add(labels: readonly NewLabel[], first: number): void {
    checkArgument('ContextLabels: add', 'labels', labels, checks.list('a list of labels', aNewLabel))
    checkArgument('ContextLabels: add', 'first', first, checks.count)
    this.#labels = [...this.#labels, ...labels.map((label, i) => ({ ...label, token: first + i }))]
    this.#recent = this.#labels.map((_, i) => this.#recent[i] ?? 0)
  }

  /** Plain data. */
  toState(): State {
    return { kinds: this.#kindNames, labels: this.#labels, recent: this.#recent }
  }

  /**
   * @throws StateError for an invalid state, of other kinds, or with tokens that the model has not; it is
   *   unchanged then.
   */
  restore(state: unknown, parameters: ParameterStore): void {
    const saved = checkState<State>(this.name, state, stateChecks)
    requireSameOptions(this.name, { kinds: this.#kindNames }, saved)
    const [rows] = parameters.get('embed.token.weight').tensor.shape
    const stray = saved.labels.find(({ token }) => token >= rows)
    if (stray) {
      throw new StateError(
        `${this.name}: got token ${stray.token} for ${stray.kind} ${shown(stray.name)}; expected one of the ${rows} of the model.`,
      )
    }
    if (saved.recent.length !== saved.labels.length) {
      throw new StateError(
        `${this.name}: got ${saved.recent.length} numbers for ${saved.labels.length} labels; expected one for each.`,
      )
    }
    this.#labels = saved.labels
    this.#recent = saved.recent
  }

  get #kindNames(): string {
    return this.#kinds.names.join(', ')
  }

  #tokenOf(kind: string, name: string | undefined): number | undefined {
    return this.#labels.find((label) => label.kind === kind && label.name === name)?.token
  }
}

const aNewLabel = fields<NewLabel>('a label', { kind: checks.text, name: checks.text })
const aLabel = fields<ContextLabel>('a label with its token', {
  kind: checks.text,
  name: checks.text,
  token: checks.count,
})
const stateChecks: StateChecks<State> = {
  kinds: checks.text,
  labels: checks.list('labels with their tokens', aLabel),
  recent: checks.list('how often each came', checks.number({ from: 0 })),
}

/**
 * Labels before rows, by which a model tells apart what it reads (Keskar et al. 2019; of sources: Gao et al.
 * 2025). Each label of a row is a token before it, a row of the vocabulary that is added after the step that
 * saw the first such row, as the mean of the labels there are; the first is the mean of up to 256 tokens.
 * They are read and never predicted: no loss counts them, and their probability is 0 for good.
 *
 * Rows keep all their text: they are at most the context less one token for each kind. While learning, labels
 * are left out at random, so that the model can do without. Rows that are rehearsed or held back keep their
 * labels, for these come of their domain and origin. Belongs to one learner.
 *
 * @throws OptionError for options outside their ranges.
 * @example
 * ```ts
 * const context = contextLabels({
 *   kinds: { domain: ({ domain }) => domain, source: ({ origin }) => origin?.source },
 * })
 * const learner = new Learner({ model, optimizer: adamw({ learningRate: 1e-3 }), strategy: { context } })
 * ```
 */
export const contextLabels = (options: ContextLabelsOptions = {}): ContextLabels => new ContextLabels(options)
