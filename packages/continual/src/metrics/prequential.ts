import { checkArgument, checkOptions, checks, checkState, fields, type StateChecks } from '@burgeon/tensor'
import { requireMeasurement } from '../errors.ts'
import { entriesOf, stateOfKind } from '../saved-state.ts'

/**
 * Bits per byte of a loss in nats per token: nats / ln 2 / bytes per token.
 *
 * @param bytesPerToken > 0; 1 unless given, as where every token is a byte.
 */
export function bitsPerByte(nats: number, bytesPerToken = 1): number {
  checkArgument('bitsPerByte', 'nats', nats, checks.number({ infinite: true }))
  checkArgument('bitsPerByte', 'bytesPerToken', bytesPerToken, checks.number({ above: 0 }))
  return nats / Math.LN2 / bytesPerToken
}

/** How fast older losses fade. */
export interface PrequentialOptions {
  /** Factor on the weight of older records from record to record, in (0, 1]. 0.99 unless given. */
  readonly fade?: number
}

/** Losses of tokens that were predicted before they were learnt, in the unit they were recorded in. */
export interface PrequentialReading {
  readonly tokens: number
  /** Mean over all tokens. */
  readonly mean: number
  /** Mean over tokens of which the recent count more. */
  readonly faded: number
}

interface Running extends PrequentialReading {
  readonly fadedTokens: number
}

/** State of a `Prequential`, as plain data. */
export interface PrequentialState {
  readonly kind: 'prequential'
  readonly options: Required<PrequentialOptions>
  readonly overall: Running
  readonly domains: readonly (readonly [name: string, running: Running])[]
}

const aRunning = fields<Running>('a running loss', {
  tokens: checks.number({ from: 0 }),
  mean: checks.number(),
  faded: checks.number(),
  fadedTokens: checks.number({ from: 0 }),
})

const stateChecks: StateChecks<PrequentialState> = {
  kind: checks.oneOf('prequential'),
  options: checks.object('options'),
  overall: aRunning,
  domains: entriesOf('running losses by domain', aRunning),
}

const nothing: Running = { tokens: 0, mean: 0, faded: 0, fadedTokens: 0 }

/**
 * The running loss of test-then-train, overall and by domain; the faded mean weighs by fading factors (Gama,
 * Sebastião & Rodrigues 2013, section 3.2) and by tokens. Domains fade by their own records, so one that
 * rests keeps its reading.
 *
 * @example
 * const prequential = new Prequential()
 * prequential.record(1.4, 256, 'prose') // nats per token, tokens, domain
 * bitsPerByte(prequential.overall()!.faded)
 */
export class Prequential {
  readonly #options: Required<PrequentialOptions>
  #overall: Running = nothing
  readonly #domains: Map<string, Running> = new Map()

  constructor(options: PrequentialOptions = {}) {
    checkOptions('Prequential', options, { fade: checks.number({ above: 0, to: 1 }) })
    const { fade = 0.99 } = options
    this.#options = { fade }
  }

  /**
   * Takes the mean loss of some tokens.
   *
   * @param tokens How many, > 0; 1 unless given.
   * @throws SignalError if the loss is not a finite number; nothing is recorded then.
   */
  record(loss: number, tokens = 1, domain?: string): void {
    const value = requireMeasurement('Prequential', loss)
    checkArgument('Prequential: record', 'tokens', tokens, checks.number({ above: 0 }))
    if (domain !== undefined) checkArgument('Prequential: record', 'domain', domain, checks.text)
    this.#overall = this.#after(this.#overall, value, tokens)
    if (domain !== undefined) {
      this.#domains.set(domain, this.#after(this.#domains.get(domain) ?? nothing, value, tokens))
    }
  }

  /** Null before the first record. */
  overall(): PrequentialReading | null {
    return readingOf(this.#overall)
  }

  /** Null for a domain without a record. */
  ofDomain(name: string): PrequentialReading | null {
    return readingOf(this.#domains.get(name) ?? nothing)
  }

  /** In the order in which they first came. */
  domains(): string[] {
    return [...this.#domains.keys()]
  }

  #after(before: Running, loss: number, added: number): Running {
    const tokens = before.tokens + added
    const fadedTokens = before.fadedTokens * this.#options.fade + added
    return {
      tokens,
      mean: before.mean + (loss - before.mean) * (added / tokens),
      faded: before.faded + (loss - before.faded) * (added / fadedTokens),
      fadedTokens,
    }
  }

  toState(): PrequentialState {
    return {
      kind: 'prequential',
      options: this.#options,
      overall: this.#overall,
      domains: [...this.#domains],
    }
  }

  /**
   * Takes a state that `toState` gave. Throws a `StateError` if it is another's or damaged, `OptionError` for
   * options out of range.
   */
  static fromState(state: unknown): Prequential {
    const saved = stateOfKind<PrequentialState>(state, 'prequential')
    const { options, overall, domains } = checkState<PrequentialState>(saved.kind, saved, stateChecks)
    const prequential = new Prequential(options)
    prequential.#overall = overall
    for (const [name, running] of domains) prequential.#domains.set(name, running)
    return prequential
  }
}

function readingOf({ tokens, mean, faded }: Running): PrequentialReading | null {
  return tokens > 0 ? { tokens, mean, faded } : null
}
