/** Where a life comes from: what made it, and what it has read so far. Plain data for the checkpoint. */
import { type Check, checks, fields, optional } from '@burgeon/tensor'
import type { SourcePosition, SourceRead } from '../../sources/source-read.ts'

/** Text that is never learnt, to measure on. */
export interface HeldOutText {
  readonly name: string
  readonly bytes: Uint8Array
}

/** The commands that make lives. Each overwrites its own only. */
export type LifeMaker = 'first-life' | 'learn' | 'cluster'

export interface LifeOrigin {
  /** Unknown in checkpoints of an older burgeon. */
  maker: LifeMaker | 'unknown'
  /** What was read, source by source; the last one is the latest. */
  sources: readonly { readonly label: string; readonly read: SourceRead }[]
  /** Text of these sources that is never learnt, to measure on. */
  heldOut: readonly { readonly name: string; readonly base64: string }[]
  /** What a guard has let in of a source of text and is not learnt yet; nothing of a life without a guard. */
  judged?: { readonly label: string; readonly waiting: readonly JudgedText[] } | undefined
  /** The cluster whose shared model it is, as far as it has followed; none of a life of one machine. */
  cluster?: FollowedCluster | undefined
  /** What was learnt of the journal of experience; none of a life that never read records. */
  experience?: ExperienceRead | undefined
}

/** How far the life in a folder has followed a cluster. */
export interface FollowedCluster {
  readonly name: string
  /** Digest of the shared state that it began with. */
  readonly born: string
  /** Records learnt by then; the step of the life, as long as it has not gone on by itself. */
  readonly learnt: number
}

/** A piece of text that a guard has let in. */
export interface JudgedText {
  readonly domain: string
  readonly base64: string
  /** Where it lay as it came, and where what comes after it lies. */
  readonly from: Required<SourcePosition>
  readonly end: Required<SourcePosition>
  /** From 0 to 1. */
  readonly trust: number
}

/** A place in the journal of experience, and what is known of its records. */
export interface ExperienceRead {
  /** Number of the first experience that is not wholly learnt. */
  readonly next: number
  /** Bytes of it that are learnt. */
  readonly bytes: number
  /** As `seenRecords` saves it. */
  readonly seen: unknown
}

const aCount = checks.integer({ from: 0 })
const aRead: Check<SourceRead> = fields('what was read of a source', {
  passes: checks.number({ from: 0, infinite: true }),
  pass: aCount,
  files: checks.list('a list of files', checks.role('a file { name, bytes, sha256 }', 'name', 'bytes')),
  heldOut: checks.list('a list of ranges', checks.role('a range { file, from, to }', 'file', 'from', 'to')),
})

const aPlace: Check<Required<SourcePosition>> = fields('a place { file, offset, pass }', {
  file: checks.text,
  offset: aCount,
  pass: aCount,
})

/** An origin, for a caller and for a checkpoint. */
export const anOrigin: Check<LifeOrigin> = fields('the origin of a life', {
  maker: checks.oneOf('first-life', 'learn', 'cluster', 'unknown'),
  sources: checks.list(
    'a list of sources { label, read }',
    fields('a source', { label: checks.text, read: aRead }),
  ),
  heldOut: checks.list(
    'a list of texts { name, base64 }',
    fields('a text', { name: checks.text, base64: checks.text }),
  ),
  judged: optional(
    fields('what a guard has let in', {
      label: checks.text,
      waiting: checks.list(
        'a list of pieces',
        fields<JudgedText>('a piece', {
          ...{ domain: checks.text, base64: checks.text, from: aPlace, end: aPlace },
          trust: checks.number({ from: 0, to: 1 }),
        }),
      ),
    }),
  ),
  cluster: optional(
    fields<FollowedCluster>('a cluster', { name: checks.text, born: checks.text, learnt: aCount }),
  ),
  experience: optional(
    fields('what was learnt of a journal', { next: aCount, bytes: aCount, seen: checks.anything }),
  ),
})

/** Sources that are remembered. Who comes back to an older one reads it anew. */
const maxSources = 16

/** Texts that are measured: the first ones, so that forgetting is seen. */
const maxHeldOutTexts = 8

export function newOrigin(maker: LifeOrigin['maker']): LifeOrigin {
  return { maker, sources: [], heldOut: [] }
}

/** The part of a source that a life has read; undefined for an unknown source. */
export function readOf(origin: LifeOrigin, label: string): SourceRead | undefined {
  return origin.sources.find((source) => source.label === label)?.read
}

/** Remembers what was read of a source. */
export function rememberRead(origin: LifeOrigin, label: string, read: SourceRead): void {
  const others = origin.sources.filter((source) => source.label !== label)
  origin.sources = [...others, { label, read }].slice(-maxSources)
}

/** Adds texts to measure on. A name that is taken gets a number. */
export function rememberHeldOut(origin: LifeOrigin, texts: readonly HeldOutText[]): void {
  const all = [...origin.heldOut]
  for (const { name, bytes } of texts) {
    if (all.length >= maxHeldOutTexts) break
    let own = name
    for (let n = 2; all.some((text) => text.name === own); n++) own = `${name} (${n})`
    all.push({ name: own, base64: Buffer.from(bytes).toString('base64') })
  }
  origin.heldOut = all
}

/** The texts to measure on. */
export function heldOutOf(origin: LifeOrigin): HeldOutText[] {
  return origin.heldOut.map(({ name, base64 }) => ({
    name,
    bytes: new Uint8Array(Buffer.from(base64, 'base64')),
  }))
}
