/** Models of the Hugging Face hub, through the optional package `@huggingface/hub`. */
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type Check, checkArgument, checkOptions, checks, shown } from '@burgeon/tensor'
import { PretrainedError } from '../config/pretrained-error.ts'
import { countingFetch } from './counting-fetch.ts'
import { findHub, type Hub, type HubCall, type HubFile } from './hub-library.ts'

/** How far a download is. */
export interface DownloadProgress {
  /** The file that is coming. */
  readonly file: string
  /** Bytes of it so far, and in all. */
  readonly bytes: number
  readonly size: number
  /** Bytes of all files so far, and in all. Files that were in the cache count as come. */
  readonly totalBytes: number
  readonly totalSize: number
}

/** How a model is downloaded. */
export interface DownloadOptions {
  /** A branch, a tag or a commit; `main` unless given. */
  readonly revision?: string
  /** A GGUF file of the repository, which is brought alone; the files of a folder unless given. */
  readonly file?: string
  /** Called when a file begins, with each piece of it, and when it is whole. */
  readonly onProgress?: (progress: DownloadProgress) => void
  /** Where files are kept; the cache that Python's libraries use, too, unless given. */
  readonly cacheDir?: string
  /** For models that not everyone may have. */
  readonly accessToken?: string
  /** Another hub. */
  readonly hubUrl?: string
  /** Another fetch: one that goes through a proxy. */
  readonly fetch?: typeof fetch
}

const optionChecks = {
  revision: plainText('a branch, a tag or a commit', /^\w[\w.\-/]*$/),
  file: plainText('the name of a .gguf file', /^\w[\w.\-/]*\.gguf$/i),
  onProgress: checks.callback<(progress: DownloadProgress) => void>('a function of a DownloadProgress'),
  cacheDir: checks.text,
  accessToken: checks.text,
  hubUrl: checks.text,
  fetch: checks.callback<typeof fetch>('a function like fetch'),
}

/** A text of a form, in which nothing leads upwards. */
function plainText(expected: string, form: RegExp): Check<string> {
  return {
    expected,
    accepts: (value): value is string =>
      checks.text.accepts(value) && value.length <= 200 && form.test(value) && !value.includes('..'),
  }
}

const aName = plainText("the name of a model on the hub, 'owner/model'", /^(\w[\w.-]*\/)?\w[\w.-]*$/)

/** Small files that are brought where there are any. */
const smallFiles: readonly string[] = [
  ...['config.json', 'generation_config.json'],
  ...['tokenizer.json', 'tokenizer_config.json', 'chat_template.jinja'],
]

/**
 * Brings what is needed of a model on the hub into the cache that Python's libraries use, too: configuration,
 * tokenizer and safetensors, and no other file. What is there already is not brought again; without a
 * network, what an earlier download has left is taken.
 *
 * @param name `owner/model`.
 * @returns The path of the folder in the cache, or of the GGUF file, for `openPretrained` and its kin.
 * @throws UnsupportedError if the optional package `@huggingface/hub` is not installed; PretrainedError for a
 *   model that is not there, cannot be reached or has no weights that are read.
 */
export async function downloadPretrained(name: string, options: DownloadOptions = {}): Promise<string> {
  checkArgument('downloadPretrained', 'name', name, aName)
  checkOptions('downloadPretrained', options, optionChecks)
  const { revision = 'main', file } = options
  const hub = await findHub()
  const repo = { type: 'model', name } as const
  const cacheDir = options.cacheDir ?? hub.getHFHubCachePath()
  const storage = join(cacheDir, hub.getRepoFolderName(repo))
  const common = callOf(options)
  try {
    const { sha } = await hub.modelInfo({ ...common, revision, name, additionalFields: ['sha'] })
    const files: HubFile[] = []
    for await (const each of hub.listFiles({ ...common, revision: sha, repo })) files.push(each)
    const wanted = file === undefined ? neededOf(name, files) : theOne(name, files, file)
    const paths = await bring(hub, { wanted, options, call: { ...common, revision: sha, repo, cacheDir } })
    // As Python's libraries leave it: what a branch stood for when it was brought.
    if (revision !== sha) {
      await mkdir(dirname(join(storage, 'refs', revision)), { recursive: true })
      await writeFile(join(storage, 'refs', revision), sha)
    }
    return file === undefined ? dirname(paths[0]) : paths[0]
  } catch (error) {
    if (error instanceof PretrainedError) throw error
    return orCached(error, { name, revision, file, storage })
  }
}

function callOf({ hubUrl, accessToken, fetch }: DownloadOptions): Omit<HubCall, 'revision'> {
  return { ...(hubUrl && { hubUrl }), ...(accessToken && { accessToken }), ...(fetch && { fetch }) }
}

/** Brings files one after another, and tells how far it is. */
async function bring(
  hub: Hub,
  at: {
    readonly wanted: readonly HubFile[]
    readonly options: DownloadOptions
    readonly call: HubCall & { repo: { type: 'model'; name: string }; cacheDir: string }
  },
): Promise<string[]> {
  const { wanted, options, call } = at
  const totalSize = wanted.reduce((total, { size }) => total + size, 0)
  const paths: string[] = []
  let before = 0
  for (const { path, size } of wanted) {
    let bytes = 0
    const report = (): void => {
      options.onProgress?.({ file: path, bytes, size, totalBytes: before + bytes, totalSize })
    }
    const counted = countingFetch(options.fetch ?? fetch, (count) => {
      // What is compressed on its way, or asked for twice, is not counted beyond the file.
      bytes = Math.min(size, bytes + count)
      report()
    })
    report()
    paths.push(await hub.downloadFileToCacheDir({ ...call, path, fetch: counted }))
    if (bytes < size) {
      bytes = size
      report()
    }
    before += size
  }
  return paths
}

/** The files that `openPretrained` reads of a folder. */
function neededOf(name: string, files: readonly HubFile[]): readonly HubFile[] {
  const plain = files.filter(({ type, path }) => type === 'file' && !path.includes('/'))
  const named = (path: string): HubFile[] => plain.filter((file) => file.path === path)
  const single = named('model.safetensors')
  const several = [
    ...named('model.safetensors.index.json'),
    ...plain.filter(({ path }) => /^model-\d+-of-\d+\.safetensors$/.test(path)),
  ]
  const weights = single.length > 0 ? single : several
  if (weights.length > 0 && named('config.json').length > 0) {
    return [...smallFiles.flatMap(named), ...weights]
  }
  const others = plain.filter(({ path }) => path.endsWith('.gguf')).map(({ path }) => path)
  throw new PretrainedError(
    `downloadPretrained: got ${name}, which has no config.json or no model.safetensors; expected both.` +
      (others.length > 0 ? ` It has GGUF files: name one with file, such as '${others[0]}'.` : ''),
  )
}

function theOne(name: string, files: readonly HubFile[], wanted: string): readonly HubFile[] {
  const found = files.filter(({ type, path }) => type === 'file' && path === wanted)
  if (found.length === 1) return found
  const others = files.map(({ path }) => path).filter((path) => path.endsWith('.gguf'))
  throw new PretrainedError(
    `downloadPretrained: got file ${shown(wanted)}, which ${name} does not have; expected one of ${others.slice(0, 20).join(', ') || 'none: it has no GGUF files'}.`,
  )
}

/** What an earlier download left, where the hub cannot be reached; else throws what to do. */
async function orCached(
  error: unknown,
  at: {
    readonly name: string
    readonly revision: string
    readonly file: string | undefined
    readonly storage: string
  },
): Promise<string> {
  const { name, revision, file, storage } = at
  const status = (error as { readonly statusCode?: unknown }).statusCode
  const fail = (got: string, advice: string): never => {
    throw new PretrainedError(`downloadPretrained: got ${got} for ${name} (${revision}); ${advice}`, {
      cause: error,
    })
  }
  if (status === 401 || status === 403 || status === 404) {
    return fail(
      `status ${status} from the hub`,
      'expected a model that is there. If not everyone may have it, accept its terms on its page and give an accessToken.',
    )
  }
  const folder = join(storage, 'snapshots', await commitOf(join(storage, 'refs', revision), revision))
  const isThere = (path: string): Promise<boolean> => isFile(join(folder, path))
  const isWhole =
    file === undefined
      ? (await isThere('config.json')) &&
        ((await isThere('model.safetensors')) || (await isThere('model.safetensors.index.json')))
      : await isThere(file)
  if (isWhole) return file === undefined ? folder : join(folder, file)
  return fail(
    typeof status === 'number' ? `status ${status} from the hub` : 'no answer from the hub',
    `expected one, or an earlier download in ${storage}. Is there a network? ${error instanceof Error ? error.message : ''}`,
  )
}

/** What a branch stood for when it was brought; the revision itself where that is not known. */
async function commitOf(reference: string, revision: string): Promise<string> {
  try {
    return (await readFile(reference, 'utf8')).trim()
  } catch {
    return revision
  }
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile()
  } catch {
    return false
  }
}
