/** Limits on what one source, and all that are not trusted together, say. */
import { checkOptions, checks, checkState, fields, type StateChecks } from '@burgeon/tensor'
import { count, entriesOf, stateOfKind } from '../saved-state.ts'
import { ownSource } from '../stream/origin.ts'
import type { Guard } from './guard.ts'
import { bytesOfText } from './phrases/shingles.ts'

/** Shares of bytes, and of what. */
export interface SourceShareOptions {
  /** Most that one source has of the latest texts, from 0 to 1. Default 0.05. */
  readonly window?: number
  /** Most that one source has of all texts of the life, from 0 to 1. Default 0.02. */
  readonly life?: number
  /** Most that all sources which are not trusted have together, of either, from 0 to 1. Default 0.25. */
  readonly together?: number
  /** Texts that count as the latest, ≥ 1. Default 1,000. */
  readonly texts?: number
  /**
   * Bytes that each of these may have however little the others say, ≥ 0: at the beginning of a life any text
   * is a large share. Default 4,096.
   */
  readonly free?: number
}

interface Said {
  readonly source: string
  readonly bytes: number
  readonly isTrusted: boolean
}

interface State {
  readonly kind: 'source share'
  readonly latest: readonly Said[]
  /** Bytes of the life, and of those that are not trusted. */
  readonly all: number
  readonly untrusted: number
  readonly sources: readonly (readonly [source: string, bytes: number])[]
}

const aSaid = fields<Said>('a text', { source: checks.text, bytes: count, isTrusted: checks.boolean })
const stateChecks: StateChecks<State> = {
  kind: checks.oneOf('source share'),
  latest: checks.list('the latest texts', aSaid),
  all: count,
  untrusted: count,
  sources: entriesOf('bytes by source', count),
}

/** Sources of which it is known what they have said in a life; those that said least are let go of. */
const mostSources = 4096
/** Characters of the name of a source that tell it apart. */
const nameLength = 200

const oneReason = 'one source says too much'
const allReason = 'untrusted sources say too much'

/**
 * Keeps a source that is not trusted from saying too much: of the latest texts, of all of a life, and all
 * such sources together, for an attack that comes from many names is still one. What goes beyond is kept
 * apart, and counts for nothing. Texts of trust 1, as those before it in `guards(…)` left it, have no limit,
 * and are what the shares are of.
 *
 * @throws OptionError for a share outside 0 to 1, or a number outside its range.
 * @example
 * ```ts
 * const guard = guards(provenance({ sources: { mail: 1 } }), sourceShare({ window: 0.05, life: 0.02 }))
 * ```
 */
export function sourceShare(options: SourceShareOptions = {}): Guard {
  const share = checks.number({ from: 0, to: 1 })
  checkOptions('sourceShare', options, {
    ...{ window: share, life: share, together: share },
    texts: checks.integer({ from: 1 }),
    free: checks.integer({ from: 0 }),
  })
  const { window = 0.05, life = 0.02, together = 0.25, texts = 1000, free = 4096 } = options
  let latest: Said[] = []
  let [all, untrusted] = [0, 0]
  let sources = new Map<string, number>()
  const exceeds = (own: number, whole: number, bytes: number, most: number): boolean =>
    own + bytes > Math.max(free, most * (whole + bytes))
  const reasonFor = (source: string, bytes: number): string | null => {
    const sum = (isMeant: (said: Said) => boolean): number =>
      latest.reduce((total, said) => total + (isMeant(said) ? said.bytes : 0), 0)
    const lately = sum(() => true)
    const own = sum((said) => said.source === source)
    if (exceeds(own, lately, bytes, window)) return oneReason
    if (exceeds(sources.get(source) ?? 0, all, bytes, life)) return oneReason
    const others = sum(({ isTrusted }) => !isTrusted)
    if (exceeds(others, lately, bytes, together)) return allReason
    return exceeds(untrusted, all, bytes, together) ? allReason : null
  }
  return {
    name: 'source share',
    reasons: [oneReason, allReason],
    admit({ text, source: given, trust = 1 }) {
      if (given === ownSource) return { verdict: 'learn' }
      const [source, bytes, isTrusted] = [given.slice(0, nameLength), bytesOfText(text).length, trust === 1]
      const reason = isTrusted ? null : reasonFor(source, bytes)
      if (reason !== null) return { verdict: 'quarantine', reasons: [reason] }
      latest = [...latest, { source, bytes, isTrusted }].slice(-texts)
      all += bytes
      if (!isTrusted) {
        untrusted += bytes
        sources.set(source, (sources.get(source) ?? 0) + bytes)
        if (sources.size > 2 * mostSources) sources = loudest(sources)
      }
      return { verdict: 'learn' }
    },
    toState: (): State => ({ kind: 'source share', latest, all, untrusted, sources: [...sources] }),
    restore(saved) {
      const state = checkState('source share', stateOfKind<State>(saved, 'source share'), stateChecks)
      latest = state.latest.slice(-texts)
      ;({ all, untrusted } = state)
      sources = new Map(state.sources)
    },
  }
}

/** Those that said most. */
const loudest = (sources: ReadonlyMap<string, number>): Map<string, number> =>
  new Map([...sources].toSorted(([, a], [, b]) => b - a).slice(0, mostSources))
