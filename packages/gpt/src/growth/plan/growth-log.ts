/**
 * The life of a model's sizes: what it was born as and every change since, appended and never rewritten,
 * except that what a pruning dropped can be let go. Plain data, in every checkpoint.
 */
import {
  type Check,
  checkArgument,
  checks,
  inversePlan,
  OptionError,
  type Plan,
  shown,
} from '@burgeon/tensor'
import { configFromState, isSameConfig } from '../../config/config-from-state.ts'
import type { GptConfig } from '../../config/gpt-config.ts'
import type { GrowthRequest } from '../requests/growth-request.ts'
import { parametersOf } from '../../config/block-size.ts'
import { withoutAdapter } from '../changes/block-edits.ts'
import { requestFromState } from '../requests/request-from-state.ts'
import { grownConfig, planGrowth } from './plan-growth.ts'

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
  /** Key of the random stream for new weights. */
  readonly key: readonly [number, number]
  /** As `GrowthRecord.logitsMoved`. */
  readonly logitsMoved: number
  /** The plan that takes it back, where it dropped numbers; elsewhere it follows from the request. */
  readonly undo?: Plan
  /**
   * Set once the numbers that it dropped were let go: then neither it nor any growth before it can be taken
   * back.
   */
  readonly undoLetGo?: true
}

/** One line of the log. */
export type GrowthEntry =
  | GrownEntry
  /** The latest growth that had not been taken back yet was. */
  | (Entry & { readonly kind: 'taken back' })
  /** See `mergeAdapter`: what was grown before can no longer be taken back. */
  | (Entry & { readonly kind: 'adapter merged'; readonly block: string })

/** The configuration that a model was born with, and its changes since. */
export interface GrowthLog {
  readonly birth: GptConfig
  readonly entries: readonly GrowthEntry[]
}

/** A model's growth log. */
export const aLog: Check<GrowthLog> = checks.role('a growth log', 'birth', 'entries')

/** A growth that can still be taken back, with the configuration from before it. */
export interface StandingGrowth {
  readonly entry: GrownEntry
  /** Its place in the log, from 0. */
  readonly at: number
  readonly configBefore: GptConfig
}

/** State of a model after a log. */
export interface Replay {
  readonly config: GptConfig
  /** Growths that can be taken back, earliest first. */
  readonly standing: readonly StandingGrowth[]
  /** Entries before this one cannot be taken back any more. */
  readonly barrier: number
}

/**
 * Lives the first `count` entries again, on configurations alone.
 *
 * @throws OptionError if an entry does not fit what is there: the log is damaged.
 */
export function replayGrowth(log: GrowthLog, count: number = log?.entries?.length): Replay {
  checkArgument('replayGrowth', 'log', log, aLog)
  checkArgument('replayGrowth', 'count', count, checks.integer({ from: 0 }))
  return replayed(log, count, () => {})
}

/**
 * The configuration that a model was born with, and that after each entry of its log.
 *
 * @throws OptionError if an entry does not fit what is there: the log is damaged.
 */
export function growthConfigs(log: GrowthLog): GptConfig[] {
  checkArgument('growthConfigs', 'log', log, aLog)
  const configs: GptConfig[] = []
  replayed(log, log.entries.length, (config) => configs.push(config))
  return configs
}

/** @param each Is called with the configuration at birth and after each entry. */
function replayed(
  { birth, entries }: GrowthLog,
  count: number,
  each: (config: GptConfig) => unknown,
): Replay {
  let config = configFromState(birth)
  let standing: StandingGrowth[] = []
  let barrier = 0
  each(config)
  for (const [at, entry] of entries.slice(0, count).entries()) {
    if (typeof entry !== 'object' || entry === null) throw damaged(at, 'is no entry')
    checkSize(entry.parametersBefore, config, at)
    if (entry.kind === 'grown') {
      const own = grownFromState(entry)
      standing.push({ entry: own, at, configBefore: config })
      config = grownConfig(config, own.request)
    } else if (entry.kind === 'taken back') {
      const last = standing.pop()
      if (last === undefined) throw damaged(at, 'takes back what nobody grew')
      config = last.configBefore
    } else if (entry.kind === 'adapter merged') {
      config = withoutAdapter(config, entry.block)
      ;[standing, barrier] = [[], at + 1]
    } else throw damaged(at, `is of kind ${shown((entry as { kind: unknown }).kind)}`)
    checkSize(entry.parametersAfter, config, at)
    each(config)
  }
  const letGo = standing.findLastIndex(({ entry }) => entry.undoLetGo === true)
  if (letGo >= 0) [standing, barrier] = [standing.slice(letGo + 1), standing[letGo].at + 1]
  return { config, standing, barrier }
}

/** Bytes of what prunings dropped and can bring back. */
export function keptBytesOf(log: GrowthLog): number {
  checkArgument('keptBytesOf', 'log', log, aLog)
  return log.entries.reduce((total, entry) => total + keptBytesIn(entry), 0)
}

function keptBytesIn(entry: GrowthEntry): number {
  const { kept, changes } = (entry.kind === 'grown' && entry.undo) || { changes: [] }
  const values = changes.map((change) =>
    change.kind === 'add' ? change.initial : change.kind === 'resize' ? change.fresh : null,
  )
  return bytesIn(kept) + bytesIn(values)
}

function bytesIn(value: unknown): number {
  if (ArrayBuffer.isView(value)) return value.byteLength
  if (typeof value !== 'object' || value === null) return 0
  return Object.values(value).reduce<number>((total, own) => total + bytesIn(own), 0)
}

/**
 * The log with no more of what prunings dropped than so many bytes. The latest pruning that stands always
 * keeps its own; of earlier ones the oldest are let go first. What was taken back needs nothing any more.
 */
export function withinKept({ birth, entries }: GrowthLog, maxBytes: number): GrowthLog {
  let standing: number[] = []
  for (const [i, { kind }] of entries.entries()) {
    if (kind === 'grown') standing.push(i)
    else if (kind === 'taken back') standing.pop()
    else standing = []
  }
  const own = [...entries]
  const letGo = (i: number, isMarked: boolean): void => {
    const entry = own[i]
    if (entry.kind !== 'grown') return
    const { undo: _, ...others } = entry
    own[i] = { ...others, ...(isMarked && { undoLetGo: true }) }
  }
  const keeps = (i: number): boolean => keptBytesIn(own[i]) > 0
  const stands = new Set(standing)
  for (const i of own.keys()) if (keeps(i) && !stands.has(i)) letGo(i, false)
  let total = keptBytesOf({ birth, entries: own })
  for (const i of standing.filter(keeps).slice(0, -1)) {
    if (total <= maxBytes) break
    total -= keptBytesIn(own[i])
    letGo(i, true)
  }
  return { birth, entries: own }
}

function checkSize(said: number, config: GptConfig, at: number): void {
  const is = parametersOf(config)
  if (said !== is) throw damaged(at, `says ${said} parameters where there are ${is}`)
}

/** The plan that takes a growth back. */
export function undoOf({ entry, configBefore }: StandingGrowth): Plan {
  return entry.undo ?? inversePlan(planGrowth(configBefore, entry.request, entry.key).plan)
}

/** A growth of a saved log, also of one of an earlier version. */
export const grownFromState = (entry: GrownEntry): GrownEntry => ({
  ...entry,
  request: requestFromState(entry.request),
})

/** @throws OptionError for an invalid log, or one that does not lead to `config`. */
export function logFromState(saved: GrowthLog, config: GptConfig): GrowthLog {
  if (!Array.isArray(saved?.entries)) throw damaged(0, 'is missing')
  if (!isSameConfig(replayGrowth(saved).config, config))
    throw damaged(saved.entries.length, 'does not lead to the sizes of the model')
  const entries = saved.entries.map((entry) => (entry.kind === 'grown' ? grownFromState(entry) : entry))
  return { birth: configFromState(saved.birth), entries }
}

function damaged(at: number, what: string): OptionError {
  return new OptionError(
    `growth log: entry ${at} ${what}; expected the life of this model. Is the file whole?`,
  )
}
