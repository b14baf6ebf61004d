/** The loop of generation: reads all rows, writes a token of each, until every one has ended. */
import { BurgeonError } from '@burgeon/tensor'
import type { GptConfig } from '../config/gpt-config.ts'
import { formOf, startOfEnd } from '../patches/window.ts'
import type { GenerateOptions, GenerativeModel } from './generate-options.ts'
import type { GeneratedToken, GenerationRow } from './generation-row.ts'
import { speculate } from './speculation.ts'
import { type RowGroup, TokenReader } from './token-reader.ts'

/** A text has filled the context, and was not to go on. What was written has been given out. */
export class ContextFullError extends BurgeonError {
  override readonly name: string = 'ContextFullError'
}

/** Writes rows, in order of their index at each step. Frees everything at its end, also an early one. */
export async function* writeRows(
  model: GenerativeModel,
  rows: readonly GenerationRow[],
  options: GenerateOptions,
): AsyncGenerator<GeneratedToken, void, void> {
  if (rows.every(hasEnded) || options.signal?.aborted) return
  const isLive = options.weights === 'live'
  using reader = new TokenReader(model, isLive, options)
  using drafter = options.draft && new TokenReader(options.draft, isLive, { ...options, adapters: undefined })
  const groups = groupsOf(rows, reader.config, drafter !== undefined).map((each) => reader.group(each))
  const drafts = drafter ? groups.map((group) => drafter.group(group.rows)) : []
  try {
    while (!options.signal?.aborted) {
      groups.forEach(narrow)
      if (!drafter) groups.push(...apartByForm(groups, reader))
      const open = groups.filter((group) => group.rows.length > 0)
      if (open.length === 0) return
      groups.forEach((group, i) => makeRoom(group, drafts[i], reader.config, options))
      if (drafter) {
        for (const group of open) {
          const [row] = group.rows
          const draft = { reader: drafter, group: drafts[groups.indexOf(group)] }
          yield* speculate(row, { reader, group }, draft, options)
          yield* row.ending()
        }
      } else yield* oneStep(reader, open)
      // A CPU device never waits; without this nobody could abort anything.
      if (options.signal) await nextTurn()
    }
  } finally {
    for (const { cache } of [...groups, ...drafts]) cache[Symbol.dispose]()
  }
}

/** Whether nothing more comes of a row. */
export const hasEnded = ({ finish }: GenerationRow): boolean => finish !== undefined

/** What a model remembers of some rows: the part that generation itself changes. */
export interface RowCache {
  /** Forgets all but the first tokens of each row. */
  rewind(tokens: number): void
  /** Keeps some of the rows, in this order. */
  select(rows: readonly number[]): void
}

/** Rows with equally long windows, and what is remembered of them. */
export interface ReadRows<Cache extends RowCache = RowCache> {
  rows: readonly GenerationRow[]
  readonly cache: Cache
}

/** Rows whose windows have one form, or, if they are `apart`, each by itself. */
export function groupsOf(
  rows: readonly GenerationRow[],
  config: GptConfig,
  apart: boolean,
): GenerationRow[][] {
  const groups = new Map<string, GenerationRow[]>()
  for (const row of rows) {
    const key = apart ? String(row.index) : formOf(config, row.text, row.start)
    groups.set(key, [...(groups.get(key) ?? []), row])
  }
  return [...groups.values()]
}

/** Leaves out the rows that have ended. */
export function narrow(group: ReadRows): void {
  const kept = [...group.rows.keys()].filter((i) => !hasEnded(group.rows[i]))
  if (kept.length === group.rows.length) return
  group.rows = kept.map((i) => group.rows[i])
  if (kept.length > 0) group.cache.select(kept)
}

/**
 * Groups of the rows that have no longer the form of the others in theirs, since a piece began in some of
 * them: they are read once more.
 */
export function apartByForm(groups: readonly RowGroup[], reader: TokenReader): RowGroup[] {
  if (reader.config.patches === undefined) return []
  return groups.flatMap((group) => {
    if (group.rows.length < 2) return []
    const [kept, ...others] = groupsOf(group.rows, reader.config, false)
    if (others.length === 0) return []
    group.cache.select(kept.map((row) => group.rows.indexOf(row)))
    group.rows = kept
    return others.map((rows) => reader.group(rows))
  })
}

/** Where a window has outgrown the context, goes on with the second half of it, or throws. */
export function makeRoom(
  { rows, cache }: ReadRows,
  draft: ReadRows | undefined,
  config: GptConfig,
  { onContextFull = 'slide' }: GenerateOptions,
): void {
  const { context } = config
  if (rows.length === 0 || rows[0].places(config) <= context) return
  for (const row of rows) {
    const half = startOfEnd(config, row.text, Math.max(1, context >> 1))
    const start = half ?? startOfEnd(config, row.text, context)
    if (onContextFull === 'error' || start === undefined) {
      throw new ContextFullError(
        `generate: got a text that has filled the context of ${context} tokens; expected it to end before. ` +
          (start === undefined
            ? 'Its last piece fills it alone: ask for a shorter one.'
            : "Ask for fewer tokens, or say onContextFull: 'slide' or 'stop'."),
      )
    }
    row.start = start
  }
  cache.rewind(0)
  draft?.cache.rewind(0)
}

async function* oneStep(
  reader: TokenReader,
  groups: readonly RowGroup[],
): AsyncGenerator<GeneratedToken, void, void> {
  const rows = groups.flatMap((group) => group.rows)
  const logits = new Map<GenerationRow, ArrayLike<number>>()
  ;(await reader.read(groups)).forEach((each, i) => logits.set(rows[i], each))
  for (const row of rows.toSorted((a, b) => a.index - b.index))
    yield* row.next(logits.get(row) ?? [], reader.config)
}

/** Lets others run that wait for their turn. */
function nextTurn(): Promise<void> {
  const { setImmediate, setTimeout } = globalThis as unknown as {
    readonly setImmediate?: (run: () => void) => void
    readonly setTimeout: (run: () => void, wait: number) => void
  }
  return new Promise((resolve) => (setImmediate ? setImmediate(resolve) : setTimeout(resolve, 0)))
}
