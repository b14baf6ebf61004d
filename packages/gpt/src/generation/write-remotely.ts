/** The loop of generation with a model that is elsewhere: `writeRows`, but for what only one here can do. */
import { OptionError } from '@burgeon/tensor'
import type { GenerateOptions } from './generate-options.ts'
import type { GeneratedToken, GenerationRow } from './generation-row.ts'
import { groupsOf, hasEnded, makeRoom, narrow, type ReadRows, type RowCache } from './write-rows.ts'
import type { RemoteModel, RemoteReading } from './remote/remote-model.ts'

/** What is known here of a cache that is elsewhere. */
class RemoteCache implements RowCache {
  length = 0
  /** Rows of the group as it is there that go on; null for all. */
  kept: readonly number[] | null = null

  rewind(tokens: number): void {
    this.length = Math.min(this.length, tokens)
  }

  select(rows: readonly number[]): void {
    this.kept = rows.map((row) => this.kept?.[row] ?? row)
  }
}

/** Throws OptionError for options, or a model, that want the model here. */
export function checkRemote(
  { config }: RemoteModel,
  { draft, adapters, weights = 'snapshot' }: GenerateOptions,
): void {
  const wrong = [
    draft !== undefined && 'a draft',
    adapters !== undefined && 'adapters',
    weights !== 'snapshot' && `weights '${weights}'`,
    config.patches !== undefined && 'a patch front',
  ].find((what) => what !== false)
  if (wrong === undefined) return
  throw new OptionError(
    `generate: got ${wrong} with a model that is elsewhere; expected none: it reads tokens alone, by itself, with the weights of the first token.`,
  )
}

/** Writes rows, in order of their index at each step. What the model holds for them is freed at the end. */
export async function* writeRemotely(
  model: RemoteModel,
  rows: readonly GenerationRow[],
  options: GenerateOptions,
): AsyncGenerator<GeneratedToken, void, void> {
  if (rows.every(hasEnded) || options.signal?.aborted) return
  const groups = groupsOf(rows, model.config, false).map((each) => ({ rows: each, cache: new RemoteCache() }))
  const { config } = model
  const sizes = groups.map((group) => group.rows.length)
  const reading = await model.beginReading(sizes, options.cacheFormat ?? 'f32')
  try {
    while (!options.signal?.aborted) {
      groups.forEach(narrow)
      if (groups.every((group) => group.rows.length === 0)) return
      for (const group of groups) makeRoom(group, undefined, config, options)
      const read = groups.flatMap((group, i) => (group.rows.length > 0 ? [readGroup(reading, group, i)] : []))
      const logits = new Map((await Promise.all(read)).flat())
      for (const row of [...logits.keys()].toSorted((a, b) => a.index - b.index)) {
        yield* row.next(logits.get(row) as ArrayLike<number>, config)
      }
    }
  } finally {
    await reading.end()
  }
}

/** The logits of the rows of a group, after what is new of their texts. */
async function readGroup(
  reading: RemoteReading,
  { rows, cache }: ReadRows<RemoteCache>,
  group: number,
): Promise<(readonly [GenerationRow, ArrayLike<number>])[]> {
  const { length: from, kept } = cache
  const tokens = Int32Array.from(rows.flatMap(({ text, start }) => text.slice(start + from)))
  const logits = await reading.read({ group, rows: kept, from, tokens })
  cache.kept = null
  cache.length = rows[0].window
  const V = logits.length / rows.length
  return rows.map((row, i) => [row, logits.subarray(i * V, (i + 1) * V)] as const)
}
