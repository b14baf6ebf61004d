/** The life of a model's sizes: what it was born as and every change since, appended and never rewritten. Plain data, in every checkpoint. */
import { inverse, OptionError, type Plan } from '@burgeon/tensor'
import { configFromState, type GptConfig } from '../gpt-config.ts'
import type { GrowthRequest } from './growth-request.ts'
import { parametersOf } from '../block-size.ts'
import { grownConfig } from './grown-config.ts'
import { withoutAdapter } from './planned-growth.ts'
import { planGrowth } from './plan-growth.ts'

interface Entry {
  /** One line for people: `block b2: mlpHidden 256 → 384`. */
  readonly summary: string
  /** Learnt numbers before and after. */
  readonly parametersBefore: number
  readonly parametersAfter: number
}

/** A growth, or a pruning, that stood the test. */
export interface GrownEntry extends Entry {
  readonly kind: 'grown'
  readonly request: GrowthRequest
  /** Of the random stream for new weights. */
  readonly key: readonly [number, number]
  /** As `GrowthRecord.logitsMoved`. */
  readonly logitsMoved: number
  /** What takes it back, where it dropped numbers; elsewhere it follows from the request. */
  readonly undo?: Plan
}

/** One line of the log. */
export type GrowthEntry =
  | GrownEntry
  /** The latest growth that had not been taken back yet was. */
  | (Entry & { readonly kind: 'taken back' })
  /** See `mergeAdapter`: what was grown before can no longer be taken back. */
  | (Entry & { readonly kind: 'adapter merged'; readonly block: string })

/** What a model was born as, and what became of it. */
export interface GrowthLog {
  readonly birth: GptConfig
  readonly entries: readonly GrowthEntry[]
}

/** A growth that can still be taken back, with the configuration from before it. */
export interface StandingGrowth {
  readonly entry: GrownEntry
  /** Its place in the log, from 0. */
  readonly at: number
  readonly configBefore: GptConfig
}

/** Where a log leads. */
export interface Replay {
  readonly config: GptConfig
  /** What can be taken back, earliest first. */
  readonly standing: readonly StandingGrowth[]
  /** Entries before this one cannot be taken back any more. */
  readonly barrier: number
}

/**
 * Lives the first `count` entries again, on configurations alone.
 *
 * @throws OptionError if an entry does not fit what is there: the log is damaged.
 */
export function replay({ birth, entries }: GrowthLog, count: number = entries.length): Replay {
  let config = configFromState(birth)
  let standing: StandingGrowth[] = []
  let barrier = 0
  for (const [at, entry] of entries.slice(0, count).entries()) {
    if (typeof entry !== 'object' || entry === null) throw damaged(at, 'is no entry')
    checkSize(entry.parametersBefore, config, at)
    if (entry.kind === 'grown') {
      standing.push({ entry, at, configBefore: config })
      config = grownConfig(config, entry.request)
    } else if (entry.kind === 'taken back') {
      const last = standing.pop()
      if (last === undefined) throw damaged(at, 'takes back what nobody grew')
      config = last.configBefore
    } else if (entry.kind === 'adapter merged') {
      config = withoutAdapter(config, entry.block)
      ;[standing, barrier] = [[], at + 1]
    } else throw damaged(at, `is of kind ${String((entry as { kind: unknown }).kind)}`)
    checkSize(entry.parametersAfter, config, at)
  }
  return { config, standing, barrier }
}

function checkSize(said: number, config: GptConfig, at: number): void {
  const is = parametersOf(config)
  if (said !== is) throw damaged(at, `says ${said} parameters where there are ${is}`)
}

/** What takes a growth back. */
export function undoOf({ entry, configBefore }: StandingGrowth): Plan {
  return entry.undo ?? inverse(planGrowth(configBefore, entry.request, entry.key).plan)
}

/** @throws OptionError if it is no log, or does not lead to `config`. */
export function logFromState(saved: GrowthLog, config: GptConfig): GrowthLog {
  if (!Array.isArray(saved?.entries)) throw damaged(0, 'is missing')
  const after = JSON.stringify(configFromState(replay(saved).config))
  if (after !== JSON.stringify(configFromState(config)))
    throw damaged(saved.entries.length, 'does not lead to the sizes of the model')
  return { birth: configFromState(saved.birth), entries: [...saved.entries] }
}

function damaged(at: number, what: string): OptionError {
  return new OptionError(
    `growth log: entry ${at} ${what}; expected the life of this model. Is the file whole?`,
  )
}
