/** The loop of generation: reads all rows, writes a token of each, until every one has ended. */
import { BurgeonError } from '@burgeon/tensor'
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
  const groups = groupsOf(rows, drafter !== undefined).map((each) => reader.group(each))
  const drafts = drafter ? groups.map((group) => drafter.group(group.rows)) : []
  try {
    while (!options.signal?.aborted) {
      groups.forEach(narrow)
      const open = groups.filter((group) => group.rows.length > 0)
      if (open.length === 0) return
      groups.forEach((group, i) => makeRoom(group, drafts[i], reader.config.context, options))
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

const hasEnded = ({ finish }: GenerationRow): boolean => finish !== undefined

/** Rows whose windows are equally long, or, if they are `apart`, each by itself. */
export function groupsOf(rows: readonly GenerationRow[], apart: boolean): GenerationRow[][] {
  const groups = new Map<number, GenerationRow[]>()
  for (const row of rows) {
    const key = apart ? row.index : row.window
    groups.set(key, [...(groups.get(key) ?? []), row])
  }
  return [...groups.values()]
}

/** Leaves out the rows that have ended. */
export function narrow(group: RowGroup): void {
  const kept = [...group.rows.keys()].filter((i) => !hasEnded(group.rows[i]))
  if (kept.length === group.rows.length) return
  group.rows = kept.map((i) => group.rows[i])
  if (kept.length > 0) group.cache.select(kept)
}

/** Where a window has outgrown the context, goes on with the second half of it, or throws. */
export function makeRoom(
  { rows, cache }: RowGroup,
  draft: RowGroup | undefined,
  context: number,
  { onContextFull = 'slide' }: GenerateOptions,
): void {
  if (rows.length === 0 || rows[0].window <= context) return
  if (onContextFull === 'error') {
    throw new ContextFullError(
      `generate: got a text that has filled the context of ${context} tokens; expected it to end before. ` +
        "Ask for fewer tokens, or say onContextFull: 'slide' or 'stop'.",
    )
  }
  for (const row of rows) row.start = row.text.length - Math.max(1, context >> 1)
  cache.length = 0
  if (draft) draft.cache.length = 0
}

async function* oneStep(
  reader: TokenReader,
  groups: readonly RowGroup[],
): AsyncGenerator<GeneratedToken, void, void> {
  const rows = groups.flatMap((group) => group.rows)
  const { context } = reader.config
  const logits = new Map<GenerationRow, ArrayLike<number>>()
  ;(await reader.read(groups)).forEach((each, i) => logits.set(rows[i], each))
  for (const row of rows.toSorted((a, b) => a.index - b.index))
    yield* row.next(logits.get(row) ?? [], context)
}

/** Lets others run that wait for their turn. */
function nextTurn(): Promise<void> {
  const { setImmediate, setTimeout } = globalThis as unknown as {
    readonly setImmediate?: (run: () => void) => void
    readonly setTimeout: (run: () => void, wait: number) => void
  }
  return new Promise((resolve) => (setImmediate ? setImmediate(resolve) : setTimeout(resolve, 0)))
}
