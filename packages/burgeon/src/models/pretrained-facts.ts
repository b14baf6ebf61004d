/** What the files of a pre-trained model say, read from their headers. */
import { open, readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { openGguf } from '@burgeon/gpt'
import { type ByteSource, openSafetensors } from '@burgeon/tensor'

/** Facts about weights, without their numbers. */
export interface PretrainedFacts {
  /** As the configuration calls it; undefined where it does not. */
  readonly architecture: string | undefined
  /** Numbers of each type, such as `BF16`. */
  readonly types: ReadonlyMap<string, number>
  /** Files that hold weights, and their size together. */
  readonly files: readonly string[]
  readonly bytes: number
}

/**
 * The facts of a folder in the form of Hugging Face. Damaged parts are left out: opening the model names
 * them.
 *
 * @param path Of the folder.
 */
export async function folderFacts(path: string): Promise<PretrainedFacts> {
  const files = (await readdir(path)).filter((name) => name.endsWith('.safetensors')).toSorted()
  const types = new Map<string, number>()
  let bytes = 0
  for (const name of files) {
    const source = await fileSource(join(path, name))
    bytes += source.size
    const opened = await openSafetensors(source).catch(() => null)
    for (const { type, shape } of opened?.entries.values() ?? []) addTo(types, type, shape)
  }
  return { architecture: await modelType(join(path, 'config.json')), types, files, bytes }
}

/** The facts of a GGUF file. */
export async function ggufFacts(path: string): Promise<PretrainedFacts> {
  const source = await fileSource(path)
  const types = new Map<string, number>()
  const { metadata, tensors } = await openGguf(source, { place: path })
  for (const { type, shape } of tensors.values()) addTo(types, type, shape)
  const architecture = metadata.get('general.architecture')
  return {
    architecture: typeof architecture === 'string' ? architecture : undefined,
    ...{ types, files: [path], bytes: source.size },
  }
}

function addTo(types: Map<string, number>, type: string, shape: readonly number[]): void {
  types.set(type, (types.get(type) ?? 0) + shape.reduce((a, b) => a * b, 1))
}

async function modelType(file: string): Promise<string | undefined> {
  try {
    const json = JSON.parse(await readFile(file, 'utf8')) as { readonly model_type?: unknown } | null
    return typeof json?.model_type === 'string' ? json.model_type : undefined
  } catch {
    return undefined
  }
}

async function fileSource(at: string): Promise<ByteSource> {
  const { size } = await stat(at)
  return {
    size,
    async read(begin, end) {
      await using file = await open(at, 'r')
      const { buffer, bytesRead } = await file.read(new Uint8Array(end - begin), 0, end - begin, begin)
      return buffer.subarray(0, bytesRead)
    },
  }
}
