/** Bounds on what one request may ask for: nothing that comes from outside costs more than these. */
import { checkOptions, checks } from '@burgeon/tensor'

/** All of them are integers ≥ 1. */
export interface Limits {
  /** Bytes of a body. 1 MiB unless given. */
  readonly bodyBytes: number
  /** How deep lists and objects may lie in each other. 32 unless given. */
  readonly depth: number
  /** Prompts of a request. 16 unless given. */
  readonly prompts: number
  /** Answers to each prompt. 8 unless given. */
  readonly choices: number
  /** Tokens of an answer. 4,096 unless given. */
  readonly tokens: number
  /** Texts that end an answer. 16 unless given. */
  readonly stops: number
  /** Likeliest tokens whose log-probabilities are told. 20 unless given. */
  readonly alternatives: number
  /** Requests that are answered at the same time; more get 429. 64 unless given. */
  readonly inFlight: number
  /** Pictures and sounds of a talk. 16 unless given. */
  readonly pieces: number
  /** Documents of a lesson. 64 unless given. */
  readonly documents: number
  /** Parameters of the model times tokens of prompt and answer that are explained. 2²⁸ unless given. */
  readonly explained: number
  /** Clients that follow events at the same time; more get 429. 32 unless given. */
  readonly followers: number
}

const usual: Limits = {
  ...{ bodyBytes: 2 ** 20, depth: 32, prompts: 16, choices: 8, tokens: 4096, stops: 16 },
  ...{ alternatives: 20, inFlight: 64, documents: 64, followers: 32, pieces: 16 },
  explained: 2 ** 28,
}

/** Throws OptionError for limits that are none. */
export function limitsOf(who: string, given: Partial<Limits> = {}): Limits {
  const aLimit = checks.integer({ from: 1 })
  checkOptions(who, given, {
    ...{ bodyBytes: aLimit, depth: aLimit, prompts: aLimit, choices: aLimit, tokens: aLimit, stops: aLimit },
    ...{ alternatives: aLimit, inFlight: aLimit, documents: aLimit, followers: aLimit, pieces: aLimit },
    explained: aLimit,
  })
  return { ...usual, ...given }
}
