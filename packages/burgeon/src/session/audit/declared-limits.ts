/** What is declared of a life before it lives: the limits of its changes, which its audit log holds from the first entry on. */
import { createHash } from 'node:crypto'
import type { LifeSettings } from '../life/life-settings.ts'

/** Limits of what may become of a life. Plain data. */
export interface DeclaredLimits {
  /** Max parameters that it may grow to. */
  readonly maxParameters: number
  /** Steps over which a plateau is looked for; 0 never grows. */
  readonly plateau: number
  readonly learningRate: number
  /** Max tokens of its vocabulary. */
  readonly vocabulary: number
  /** Steps from one sleep to the next; null where it never sleeps by itself. */
  readonly sleepEvery: number | null
  /** SHA-256 of the JSON of what guards it, in hexadecimal; null where nothing does. */
  readonly guard: string | null
}

/** The limits that a life has now. */
export const limitsOf = ({
  maxParameters,
  plateau,
  learningRate,
  vocabulary = 256,
  sleepEvery,
  guard,
}: LifeSettings): DeclaredLimits => ({
  ...{ maxParameters, plateau, learningRate, vocabulary },
  sleepEvery: sleepEvery ?? null,
  guard: guard === undefined ? null : createHash('sha256').update(JSON.stringify(guard)).digest('hex'),
})
