/**
 * Texts that begin and end when they like, and are written together: a pass of the model reads the next token
 * of every one (continuous batching; Yu et al. 2022, "Orca", section 4.1).
 */
import { checkArgument, checkOptions, type ChecksOf, checks, OptionError } from '@burgeon/tensor'
import {
  generateChecks,
  type GenerateOptions,
  type GenerativeModel,
  modelCheck,
  type Prompt,
  tokensOfPrompts,
} from '../generate-options.ts'
import { type Generated, type GeneratedToken, GenerationRow } from '../generation-row.ts'
import { type RowGroup, TokenReader } from '../token-reader.ts'
import { apartByForm, groupsOf, makeRoom, narrow } from '../write-rows.ts'

/** As those of `generate`, but for what a single text alone can have. */
export type PooledOptions = Omit<GenerateOptions, 'draft' | 'draftTokens' | 'adapters' | 'weights'>

/** Some prompts of one caller, and what was written of them. */
export interface PooledGeneration {
  /** Whether every row has ended. */
  readonly isDone: boolean
  /** All of it, also before its end. */
  results(): Generated[]
  /** Ends it, and frees what it holds; a second call does nothing. */
  end(): void
}

/** What a step came to for one of the generations: its tokens, or the error that ended it. */
export type PooledStep = { readonly tokens: readonly GeneratedToken[] } | { readonly error: unknown }

/** Weights of one moment, for all who began then. */
interface SharedReader {
  readonly reader: TokenReader
  readonly cacheFormat: GenerateOptions['cacheFormat']
  users: number
}

interface Member extends PooledGeneration {
  readonly rows: readonly GenerationRow[]
  readonly groups: RowGroup[]
  readonly options: PooledOptions
  readonly shared: SharedReader
}

const ofOneText = ['draft', 'draftTokens', 'adapters', 'weights']
const pooledChecks = Object.fromEntries(
  Object.entries(generateChecks).filter(([name]) => !ofOneText.includes(name)),
) as ChecksOf<PooledOptions>

/**
 * A pool of generations of one model. Each is written by the weights that the model had when it began,
 * whatever it learns meanwhile, and as it would be alone, up to the last bits of its logits. Those that began
 * with the same weights share a pass; after learning the next ones have a pass of their own.
 *
 * @example
 * ```ts
 * const pool = new GenerationPool(model)
 * const some = [pool.begin(['Once'], { tokens: 8, tokenizer: byteTokenizer })]
 * while (some.some(({ isDone }) => !isDone)) await pool.step(some)
 * ```
 */
export class GenerationPool {
  readonly #model: GenerativeModel
  readonly #readers = new Set<SharedReader>()

  /** @throws OptionError for what is no model. */
  constructor(model: GenerativeModel) {
    checkArgument('GenerationPool', 'model', model, modelCheck)
    this.#model = model
  }

  /** Snapshots of weights that are held now: one while nothing was learnt. */
  get snapshots(): number {
    return this.#readers.size
  }

  /**
   * Begins to write; nothing is computed before the first step.
   *
   * @param beside Another generation of this pool, which has not ended: it begins with the weights of that
   *   one, and shares its passes. With those of this moment unless given.
   * @throws OptionError for no prompts, an empty one, options outside their range, and a generation that has
   *   ended or is written otherwise.
   */
  begin(prompts: readonly Prompt[], options: PooledOptions, beside?: PooledGeneration): PooledGeneration {
    checkArgument('GenerationPool.begin', 'prompts', prompts, checks.list('a list of prompts', aPrompt))
    checkOptions('GenerationPool.begin', options, pooledChecks)
    if (prompts.length === 0) {
      throw new OptionError('GenerationPool.begin: got no prompts; expected one or more.')
    }
    const { cacheFormat } = options
    const held = beside === undefined ? undefined : this.#readerOf(beside, cacheFormat)
    const { config } = held?.reader ?? this.#model
    const rows = tokensOfPrompts({ config }, prompts, options).map(
      (tokens, row) => new GenerationRow(row, tokens, config, options),
    )
    const shared = held ?? this.#readerFor(cacheFormat)
    if (held) held.users++
    let groups: RowGroup[]
    try {
      groups = groupsOf(rows, config, false).map((each) => shared.reader.group(each))
    } catch (error) {
      this.#letGo(shared)
      throw error
    }
    let isHeld = true
    const member: Member = {
      ...{ rows, groups, options, shared },
      get isDone() {
        return rows.every(({ finish }) => finish !== undefined)
      },
      results: () => rows.map((row) => row.result()),
      end: () => {
        if (!isHeld) return
        isHeld = false
        for (const row of rows) row.finish ??= 'aborted'
        for (const { cache } of groups) cache[Symbol.dispose]()
        this.#letGo(shared)
      },
    }
    return member
  }

  /**
   * Writes a token of every row that has not ended. A generation that has ended frees what it holds.
   *
   * @param some Of this pool, each once.
   * @returns In the same order, what came. One that fails leaves the others as they are.
   */
  async step(some: readonly PooledGeneration[]): Promise<PooledStep[]> {
    const members = some as readonly Member[]
    const steps = new Map<Member, PooledStep>()
    const fail = (member: Member, error: unknown): void => {
      steps.set(member, { error })
      member.end()
    }
    const ready = members.filter((member) => {
      if (member.options.signal?.aborted) member.end()
      if (member.isDone) return false
      try {
        const { reader } = member.shared
        member.groups.forEach(narrow)
        member.groups.push(...apartByForm(member.groups, reader))
        for (const group of member.groups) makeRoom(group, undefined, reader.config, member.options)
        return true
      } catch (error) {
        fail(member, error)
        return false
      }
    })
    for (const shared of new Set(ready.map((member) => member.shared))) {
      const together = ready.filter((member) => member.shared === shared)
      const groups = together.flatMap((member) => member.groups.filter(({ rows }) => rows.length > 0))
      const rows = groups.flatMap((group) => group.rows)
      try {
        const read = await shared.reader.read(groups)
        const logits = new Map(rows.map((row, i) => [row, read[i]]))
        for (const member of together) {
          try {
            steps.set(member, { tokens: tokensOf(member, logits) })
          } catch (error) {
            fail(member, error)
          }
        }
      } catch (error) {
        for (const member of together) fail(member, error)
      }
    }
    for (const member of members) if (member.isDone) member.end()
    return members.map((member) => steps.get(member) ?? { tokens: [] })
  }

  #readerOf(beside: PooledGeneration, cacheFormat: GenerateOptions['cacheFormat']): SharedReader {
    const { shared } = beside as Partial<Member>
    if (shared !== undefined && this.#readers.has(shared) && shared.cacheFormat === cacheFormat) return shared
    throw new OptionError(
      'GenerationPool.begin: got a generation to begin beside whose weights are held no longer, or whose cache has ' +
        'another format; expected one of this pool that has not ended.',
    )
  }

  #readerFor(cacheFormat: GenerateOptions['cacheFormat']): SharedReader {
    for (const shared of this.#readers) {
      if (shared.cacheFormat !== cacheFormat || !shared.reader.isCurrent) continue
      shared.users++
      return shared
    }
    const format = cacheFormat === undefined ? {} : { cacheFormat }
    const made = { reader: new TokenReader(this.#model, false, format), cacheFormat, users: 1 }
    this.#readers.add(made)
    return made
  }

  #letGo(shared: SharedReader): void {
    shared.users--
    if (shared.users > 0) return
    this.#readers.delete(shared)
    shared.reader[Symbol.dispose]()
  }
}

function tokensOf(
  { rows, shared }: Member,
  logits: ReadonlyMap<GenerationRow, ArrayLike<number>>,
): GeneratedToken[] {
  return rows.flatMap((row) => {
    const own = logits.get(row)
    return own === undefined ? [] : row.next(own, shared.reader.config)
  })
}

const aPrompt = checks.either(checks.tokens, checks.text)
