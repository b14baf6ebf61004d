/**
 * Tensors dealt out to files, because neither formats nor array buffers nor digests take a file of any size.
 */
import { checks, type RawTensor, type SafetensorsFile, sizeOf } from '@burgeon/tensor'
import { CheckpointError } from './manifest.ts'

/** Content of one file. */
export interface Shard {
  readonly tensors: ReadonlyMap<string, RawTensor>
  /** For a piece of a tensor, by its name, what it is a piece of. */
  readonly metadata: Readonly<Record<string, string>>
}

/** How large files may be. */
export interface ShardSizes {
  /** Bytes of tensors that one file holds at most; a larger tensor has files of its own. */
  readonly fileBytes: number
  /** Bytes of a tensor that one file holds at most; a larger one is cut. */
  readonly pieceBytes: number
}

/** Metadata of a piece, as JSON. */
interface Piece {
  readonly of: string
  /** Shape of the whole tensor. */
  readonly shape: readonly number[]
  /** The first number of the piece, of the whole tensor read row by row. */
  readonly from: number
}

/**
 * The tensors in their order, cut into files.
 *
 * @returns At least one file, which is empty where there are no tensors.
 */
export function shardsOf(tensors: ReadonlyMap<string, RawTensor>, sizes: ShardSizes): readonly Shard[] {
  const { fileBytes, pieceBytes } = sizes
  let shard = new Map<string, RawTensor>()
  let size = 0
  const shards: Shard[] = []
  const close = (): void => {
    if (shard.size > 0) shards.push({ tensors: shard, metadata: {} })
    shard = new Map()
    size = 0
  }
  for (const [name, tensor] of tensors) {
    if (size + tensor.bytes.length > fileBytes) close()
    if (tensor.bytes.length > pieceBytes) {
      close()
      shards.push(...piecesOf(name, tensor, pieceBytes))
      continue
    }
    shard.set(name, tensor)
    size += tensor.bytes.length
  }
  close()
  return shards.length > 0 ? shards : [{ tensors: new Map(), metadata: {} }]
}

/**
 * A file for each piece. Their names are none of states, so that who knows nothing of pieces misses the
 * tensor.
 */
function piecesOf(name: string, { type, shape, bytes }: RawTensor, pieceBytes: number): Shard[] {
  const bytesEach = bytes.length / sizeOf(shape)
  const step = Math.max(1, Math.floor(pieceBytes / bytesEach))
  return Array.from({ length: Math.ceil(sizeOf(shape) / step) }, (_, i) => {
    const from = i * step
    const part = bytes.subarray(from * bytesEach, (from + step) * bytesEach)
    const piece: Piece = { of: name, shape, from }
    const raw = { type, shape: [part.length / bytesEach], bytes: part }
    const pieceName = `${name} from ${from}`
    return { tensors: new Map([[pieceName, raw]]), metadata: { [pieceName]: JSON.stringify(piece) } }
  })
}

/** Puts together what `shardsOf` has cut, file by file. */
export class PieceJoiner {
  readonly #place: string
  readonly #waiting = new Map<string, RawTensor[]>()

  /** @param place For messages: where the files are. */
  constructor(place: string) {
    this.#place = place
  }

  /**
   * Takes the next file of a part.
   *
   * @returns The tensors that are whole with it, by name.
   * @throws CheckpointError for a piece that does not fit those before.
   */
  take({ tensors, metadata }: SafetensorsFile): readonly (readonly [name: string, tensor: RawTensor])[] {
    return [...tensors].flatMap(([name, tensor]) => {
      const note = metadata.get(name)
      if (note === undefined) return [[name, tensor] as const]
      const piece = pieceIn(note) ?? this.#fail(name)
      const before = this.#waiting.get(piece.of) ?? []
      const [at, pieces] = [countOf(before), [...before, tensor]]
      // What is there is counted before room is made for what is said to be there.
      const [there, wanted] = [countOf(pieces), sizeOf(piece.shape)]
      if (piece.from !== at || there > wanted || pieces[0].type !== tensor.type) this.#fail(name)
      if (there < wanted) {
        this.#waiting.set(piece.of, pieces)
        return []
      }
      this.#waiting.delete(piece.of)
      return [[piece.of, { type: tensor.type, shape: piece.shape, bytes: joined(pieces) }] as const]
    })
  }

  /** @throws CheckpointError if a piece is missing. */
  end(): void {
    for (const name of this.#waiting.keys()) this.#fail(name)
  }

  #fail(name: string): never {
    throw new CheckpointError(`${this.#place}: the pieces of the tensor ${name} do not make a whole.`)
  }
}

const countOf = (pieces: readonly RawTensor[]): number =>
  pieces.reduce((sum, { shape }) => sum + sizeOf(shape), 0)

function joined(pieces: readonly RawTensor[]): Uint8Array {
  const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.bytes.length, 0))
  let at = 0
  for (const piece of pieces) {
    bytes.set(piece.bytes, at)
    at += piece.bytes.length
  }
  return bytes
}

function pieceIn(note: string): Piece | undefined {
  try {
    const { of, shape, from } = JSON.parse(note) as Partial<Piece>
    if (typeof of !== 'string' || !checks.shape.accepts(shape) || !checks.count.accepts(from))
      return undefined
    return { of, shape, from }
  } catch {
    return undefined
  }
}
