/** The tensors of a folder, in one safetensors file or in several that an index names. */
import {
  BadFileError,
  type ByteSource,
  checks,
  type OpenSafetensors,
  openSafetensors,
  type RawTensor,
  shown,
} from '@burgeon/tensor'
import { isObject, parseJson } from './config/config-keys.ts'
import { PretrainedError } from './config/pretrained-error.ts'
import { bareName, isIdle } from './tensor-names.ts'

/** A folder in the form of Hugging Face: a disk, a server, or files that somebody dropped. */
export interface PretrainedFolder {
  /** For messages: where it is. */
  readonly place: string
  /** A file of the folder; undefined if there is none of that name. Names have no separators. */
  open(name: string): Promise<ByteSource | undefined>
}

const [single, index] = ['model.safetensors', 'model.safetensors.index.json']

/** The bytes of a small file of a folder; undefined if there is none. */
export async function readSmall(folder: PretrainedFolder, name: string): Promise<Uint8Array | undefined> {
  const source = await folder.open(name)
  if (source === undefined) return undefined
  if (source.size > 2 ** 26) {
    throw new PretrainedError(
      `${folder.place}: got ${source.size} bytes of ${name}; expected at most ${2 ** 26}.`,
    )
  }
  return source.size === 0 ? new Uint8Array() : source.read(0, source.size)
}

/** All tensors of a folder, by their names without prefix. */
export class WeightFiles {
  readonly #place: string
  readonly #found = new Map<
    string,
    { readonly file: string; readonly name: string; readonly open: OpenSafetensors }
  >()

  private constructor(place: string) {
    this.#place = place
  }

  /** Reads all headers. Throws PretrainedError, naming file and tensor. */
  static async open(folder: PretrainedFolder): Promise<WeightFiles> {
    const files = new WeightFiles(folder.place)
    const source = await folder.open(single)
    if (source !== undefined) await files.#add(single, source)
    else
      for (const name of await shardNames(folder)) {
        const shard = await folder.open(name)
        if (shard === undefined)
          throw brokenFile(files.#place, name, 'there is no such file', `the one that ${index} names`)
        await files.#add(name, shard)
      }
    return files
  }

  /** Names without prefix. */
  get names(): Iterable<string> {
    return this.#found.keys()
  }

  has(name: string): boolean {
    return this.#found.has(bareName(name))
  }

  /** One tensor, of the shape that it must have. Throws PretrainedError. */
  async read(name: string, shape: readonly number[]): Promise<RawTensor> {
    const found = this.#found.get(bareName(name))
    if (found === undefined) {
      throw new PretrainedError(
        `${this.#place}: got no tensor ${name}; expected one of shape [${shape.join(', ')}], as config.json says.`,
      )
    }
    const entry = found.open.entries.get(found.name)
    if (entry === undefined || !['F64', 'F32', 'F16', 'BF16'].includes(entry.type)) {
      throw brokenFile(
        this.#place,
        found.file,
        `tensor ${shown(found.name)} of dtype ${entry?.type}`,
        'F32, F16, BF16 or F64',
      )
    }
    if (entry.shape.length !== shape.length || entry.shape.some((n, i) => n !== shape[i])) {
      throw brokenFile(
        this.#place,
        found.file,
        `tensor ${shown(found.name)} of shape [${entry.shape.join(', ')}]`,
        `[${shape.join(', ')}], as config.json says`,
      )
    }
    try {
      return await found.open.read(found.name)
    } catch (error) {
      if (!(error instanceof BadFileError)) throw error
      throw new PretrainedError(`${this.#place}: ${found.file}: ${found.name}: ${error.message}`, {
        cause: error,
      })
    }
  }

  async #add(file: string, source: ByteSource): Promise<void> {
    let open: OpenSafetensors
    try {
      open = await openSafetensors(source)
    } catch (error) {
      if (!(error instanceof BadFileError)) throw error
      throw new PretrainedError(`${this.#place}: ${file}: ${error.message}`, { cause: error })
    }
    const format = open.metadata.get('format') ?? 'pt'
    if (!['pt', 'tf', 'flax', 'mlx'].includes(format)) {
      throw brokenFile(this.#place, file, `metadata format ${shown(format)}`, 'pt, tf, flax or mlx')
    }
    for (const name of open.entries.keys()) {
      if (isIdle(name)) continue
      const bare = bareName(name)
      const before = this.#found.get(bare)
      if (before !== undefined)
        throw brokenFile(this.#place, file, `tensor ${shown(name)}, which ${before.file} has, too`, 'it once')
      this.#found.set(bare, { file, name, open })
    }
  }
}

function brokenFile(place: string, file: string, got: string, expected: string): PretrainedError {
  return new PretrainedError(`${place}: ${file}: got ${got}; expected ${expected}.`)
}

/** The files that an index names, each once. */
async function shardNames(folder: PretrainedFolder): Promise<string[]> {
  const bytes = await readSmall(folder, index)
  if (bytes === undefined) {
    const hasPickle = (await folder.open('pytorch_model.bin')) !== undefined
    throw new PretrainedError(
      `${folder.place}: got neither ${single} nor ${index}; expected one of them.` +
        (hasPickle
          ? ' pytorch_model.bin is a pickle, which can run code and is not read: save the model with safe_serialization=True.'
          : ''),
    )
  }
  const { weight_map: map } = parseJson(`${folder.place}: ${index}`, bytes)
  if (!isObject(map))
    throw new PretrainedError(`${folder.place}: ${index}: got weight_map ${shown(map)}; expected an object.`)
  const names = new Set<string>()
  for (const [tensor, name] of Object.entries(map)) {
    // A name of one plain file of this folder, and nothing else.
    if (!checks.text.accepts(name) || !/^[\w-][\w.-]*\.safetensors$/.test(name) || name.length > 255) {
      throw new PretrainedError(
        `${folder.place}: ${index}: got ${shown(name)} for tensor ${shown(tensor)}; expected the name of a .safetensors file of this folder.`,
      )
    }
    names.add(name)
  }
  if (names.size > 10_000) {
    throw new PretrainedError(`${folder.place}: ${index}: got ${names.size} files; expected at most 10000.`)
  }
  return [...names].toSorted((a, b) => (a < b ? -1 : 1))
}
