/** Explanations of what a model would answer. */
import type { Turn } from '../turns.ts'

/** An answer that is to be explained. */
export interface AskedWhy {
  readonly prompt: string
  readonly answer: string
  /** An answer of as many tokens, instead of which it is given. */
  readonly instead?: string
  /** Experiences that are told, at most. */
  readonly experiences: number
}

/** A token, and what it does for the answer. */
interface WhyToken {
  readonly token: number
  readonly text: string
  /** In logits. */
  readonly attribution: number
  /** Share of the attention that flows to it. */
  readonly attention: number
}

/** A part of the model. */
interface WhyPart {
  readonly block: string
  readonly part: string
  readonly head?: number
}

/** Why a model answers so. Plain data; what is null is not known. */
export interface ServedExplanation {
  readonly bytes: readonly WhyToken[]
  readonly answer: readonly { readonly token: number; readonly text: string }[]
  readonly score: number
  readonly baselineScore: number
  readonly logProbability: number
  readonly layers: readonly {
    readonly block: string
    readonly logProbability: number
    readonly ranks: readonly number[]
    readonly likeliest: readonly {
      readonly token: number
      readonly text: string
      readonly probability: number
    }[]
  }[]
  readonly writers: readonly (WhyPart & { readonly logits: number })[]
  readonly causes: readonly (WhyPart & { readonly effect: number; readonly share: number | null })[]
  readonly experiences:
    | readonly {
        readonly id: number | null
        readonly source: string | null
        readonly domain: string
        readonly text: string
        readonly score: number
      }[]
    | null
  readonly recalled:
    | readonly {
        readonly id: number | null
        readonly source: string | null
        readonly domain: string
        readonly bytes: string
        readonly weight: number
      }[]
    | null
  /** By how much each fails to add up. */
  readonly gaps: Readonly<Record<'bytes' | 'writers' | 'attention', number>> & {
    readonly experiences: number | null
  }
}

/**
 * Explains an answer of the model as it is when the first turn comes.
 *
 * @param turn Every piece of the work goes through it, so that generation goes on in between.
 */
export type ServedExplain = (asked: AskedWhy, turn: Turn) => Promise<ServedExplanation>
