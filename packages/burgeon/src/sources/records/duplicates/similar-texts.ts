/** Texts that are nearly the same, found by the least hashes of their pieces (MinHash, Broder 1997). */
import { checks, checkState, keyFromSeed, RandomStream, StateError, type StateChecks } from '@burgeon/tensor'

/** Which texts count as nearly the same. */
export interface SimilarTextsOptions {
  /** Share of pieces that two texts have in common, above 0 and up to 1 (Jaccard), as it is estimated. */
  readonly similarity: number
}

/** Plain data. */
export interface SimilarTextsState {
  /** Signatures one after another, the oldest first. */
  readonly signatures: Uint32Array
}

/** Remembers the latest texts by their signatures. */
export interface SimilarTexts {
  has(text: string): boolean
  add(text: string): void
  toState(): SimilarTextsState
  /** Takes a state that `toState` gave. Throws StateError for others, and is unchanged. */
  restore(state: unknown): void
}

/** Code units of a piece. */
const pieceLength = 8
/** Code units that are looked at: the beginning of a longer text stands for it. */
const maxLength = 65_536
/** Hashes of a signature, in bands of four: texts that share a band are compared as a whole. */
const hashes = 32
const bandHashes = 4
/** Texts that are remembered. */
const capacity = 10_000

const stateChecks: StateChecks<SimilarTextsState> = {
  signatures: checks.each('signatures', checks.integer({ from: 0, to: 2 ** 32 - 1 })) as never,
}

/** Odd factors and summands, each pair of which is a hash of a hash. */
const random = new RandomStream(keyFromSeed(0)).named('similar texts')
const factors = Uint32Array.from({ length: hashes }, () => random.uint32() | 1)
const summands = Uint32Array.from({ length: hashes }, () => random.uint32())

export function similarTexts({ similarity }: SimilarTextsOptions): SimilarTexts {
  /** Oldest first. */
  let signatures: Uint32Array[] = []
  let byBand = new Map<string, Set<Uint32Array>>()
  const put = (signature: Uint32Array): void => {
    signatures.push(signature)
    for (const band of bandsOf(signature)) {
      const found = byBand.get(band)
      if (found) found.add(signature)
      else byBand.set(band, new Set([signature]))
    }
    if (signatures.length <= capacity) return
    const oldest = signatures.shift() as Uint32Array
    for (const band of bandsOf(oldest)) {
      byBand.get(band)?.delete(oldest)
      if (byBand.get(band)?.size === 0) byBand.delete(band)
    }
  }
  return {
    has(text) {
      const signature = signatureOf(text)
      return bandsOf(signature).some((band) =>
        [...(byBand.get(band) ?? [])].some((other) => likeness(signature, other) >= similarity),
      )
    },
    add: (text) => put(signatureOf(text)),
    toState() {
      const all = new Uint32Array(signatures.length * hashes)
      signatures.forEach((signature, i) => all.set(signature, i * hashes))
      return { signatures: all }
    },
    restore(state) {
      const saved = checkState<SimilarTextsState>('similar texts', state, stateChecks)
      const count = saved.signatures.length / hashes
      if (!Number.isInteger(count) || count > capacity) {
        throw new StateError(
          `similar texts: the saved state has ${saved.signatures.length} numbers; expected ${hashes} for each of at most ${capacity} texts.`,
        )
      }
      ;[signatures, byBand] = [[], new Map()]
      for (let i = 0; i < count; i++) {
        put(Uint32Array.from(saved.signatures.subarray(i * hashes, (i + 1) * hashes)))
      }
    },
  }
}

/** Whether two texts are nearly the same. */
export const areSimilar = (a: string, b: string, similarity: number): boolean =>
  likeness(signatureOf(a), signatureOf(b)) >= similarity

/** The least of each hash over all pieces of a text. */
function signatureOf(text: string): Uint32Array {
  const signature = new Uint32Array(hashes).fill(0xffffffff)
  const end = Math.min(text.length, maxLength)
  for (let from = 0; from === 0 || from + pieceLength <= end; from++) {
    // FNV-1a of the piece; what is shorter than one is a piece.
    let piece = 0x811c9dc5
    for (let i = from; i < Math.min(from + pieceLength, end); i++) {
      piece = Math.imul(piece ^ text.charCodeAt(i), 0x01000193)
    }
    for (let i = 0; i < hashes; i++) {
      let mixed = Math.imul(piece, factors[i]) + summands[i]
      mixed = Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d)
      const hash = (mixed ^ (mixed >>> 13)) >>> 0
      if (hash < signature[i]) signature[i] = hash
    }
  }
  return signature
}

const bandsOf = (signature: Uint32Array): string[] =>
  Array.from(
    { length: hashes / bandHashes },
    (_, band) => `${band} ${signature.subarray(band * bandHashes, (band + 1) * bandHashes).join()}`,
  )

/** Share of equal hashes: an estimate of the share of common pieces. */
function likeness(a: Uint32Array, b: Uint32Array): number {
  let same = 0
  for (let i = 0; i < hashes; i++) if (a[i] === b[i]) same++
  return same / hashes
}
