/** Text that the model wrote itself, come back from outside. */
import { type Check, checkOptions, checks, checkState, type StateChecks } from '@burgeon/tensor'
import { stateOfKind } from '../saved-state.ts'
import { ownSource } from '../stream/origin.ts'
import type { Guard } from './guard.ts'
import { bytesOfText, shinglesOf } from './phrases/shingles.ts'

/** What counts as its own. */
export interface OwnOutputOptions {
  /** Share of a text that may be the model's own words, from 0 to 1; with more it is refused. Default 0.5. */
  readonly most?: number
  /** Bytes of its own text that are known, the latest ones, ≥ 1,024. Default 262,144. */
  readonly bytes?: number
}

interface State {
  readonly kind: 'own output'
  /** Digests of what it wrote, oldest first. */
  readonly digests: Uint32Array
}

const savedDigests: Check<Uint32Array> = {
  expected: 'digests in a Uint32Array',
  accepts: (value): value is Uint32Array => value instanceof Uint32Array,
}
const stateChecks: StateChecks<State> = { kind: checks.oneOf('own output'), digests: savedDigests }

/** Bytes of a shingle, and of how many shingles one is kept: of those whose digest says so. */
const [length, oneOf] = [16, 4]
const reason = 'the model wrote it itself'

/**
 * Refuses texts that are mostly what the model wrote: a model that learns its own output loses what is rare
 * (Shumailov et al. 2024, model collapse). What it wrote is known by digests of 16 bytes each, of which those
 * that are divisible by four are kept (winnowing by value; Manber 1994), never by its text. A learner notes
 * what `answer` writes; whoever generates elsewhere says so (`learner.door.noteOwn`). Its own dreams, which
 * have the source `self`, pass. A real text that the model had written word for word before is refused, too.
 *
 * @throws OptionError for a number outside its range.
 */
export function ownOutput(options: OwnOutputOptions = {}): Guard {
  checkOptions('ownOutput', options, {
    most: checks.number({ from: 0, to: 1 }),
    bytes: checks.integer({ from: 1024 }),
  })
  const { most = 0.5, bytes: known = 262_144 } = options
  const room = Math.floor(known / oneOf)
  // In the order in which they came: a digest that comes again becomes the latest.
  let digests = new Set<number>()
  const sampled = (text: string): Uint32Array =>
    shinglesOf(bytesOfText(text), length).filter((digest) => digest % oneOf === 0)
  return {
    name: 'own output',
    reasons: [reason],
    admit({ text, source }) {
      const found = sampled(text)
      if (source === ownSource || found.length === 0) return { verdict: 'learn' }
      const own = found.reduce((sum, digest) => sum + (digests.has(digest) ? 1 : 0), 0)
      return own > most * found.length ? { verdict: 'refuse', reasons: [reason] } : { verdict: 'learn' }
    },
    noteOwn(text) {
      for (const digest of sampled(text)) {
        digests.delete(digest)
        digests.add(digest)
      }
      if (digests.size > room) digests = new Set([...digests].slice(-room))
    },
    toState: (): State => ({ kind: 'own output', digests: Uint32Array.from(digests) }),
    restore(saved) {
      const state = checkState('own output', stateOfKind<State>(saved, 'own output'), stateChecks)
      digests = new Set(state.digests.subarray(-room))
    },
  }
}
