/** Files of pictures, sound and numbers as pieces that a life learns. */
import type { FoundPiece } from '@burgeon/senses/node'
import type { FoundSenses } from './find-senses.ts'

/** How media are read beside text. */
export interface MediaReading {
  readonly senses: FoundSenses
  /** Tokens and patches that fit into a row. */
  readonly room: number
}

/** Name and version of this way of cutting, kept beside how far a file was read. */
export const mediaForm = 'pieces/1'

/** Bytes of the largest file that is read. */
export const maxMediaBytes: number = 2 ** 26

/** What is said of a larger one. */
export const tooLarge = (size: number): string => `has ${size} bytes; expected at most ${maxMediaBytes}`

/** Samples of a patch of sound. */
const patchSamples = 16

/**
 * What a file of media is called: the folder in which it lies, below the one that is read. Nothing is known
 * of one that lies in no other.
 */
export const nameOfMedia = (file: string): string => file.split('/').slice(0, -1).at(-1) ?? ''

/**
 * The pieces of a file behind a byte of it, each as long as a row has room for beside its name.
 *
 * @param bytes The whole file.
 * @throws SenseError that names the file, for one that is damaged.
 */
export function mediaPieces(
  bytes: Uint8Array,
  file: string,
  from: number,
  { senses, room }: MediaReading,
): readonly FoundPiece[] {
  const called = nameOfMedia(file)
  // The token before a piece, the one behind it, the name and its end.
  const left = Math.max(2, room - 2 - (called === '' ? 0 : Buffer.byteLength(called) + 1))
  const cut = { soundSamples: Math.max(200, patchSamples * left), moments: left - 1, from }
  return senses.readPieces(bytes, file, cut)
}
