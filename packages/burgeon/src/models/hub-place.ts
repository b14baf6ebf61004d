/** Models of the Hugging Face hub in the place of a path: `hf://owner/model`. */
import { type DownloadOptions, downloadPretrained } from '@burgeon/gpt/node'
import { type ChecksOf, checks } from '@burgeon/tensor'
import { printable } from '../terminal/terminal.ts'
import { UsageError } from '../terminal/usage-error.ts'

/** How a model of the hub is brought; of a path on this machine none of it is used. */
export type HubOptions = Omit<DownloadOptions, 'revision' | 'file'>

/** Checks of `HubOptions`. */
export const hubChecks: ChecksOf<HubOptions> = {
  onProgress: checks.callback<NonNullable<HubOptions['onProgress']>>('a function of a DownloadProgress'),
  cacheDir: checks.text,
  accessToken: checks.text,
  hubUrl: checks.text,
  fetch: checks.callback<typeof fetch>('a function like fetch'),
}

const scheme = 'hf://'
/** `owner/model`, a revision behind `@`, a file of the repository. */
const onHub = /^hf:\/\/(?<name>[^/@]+\/[^/@]+)(?:@(?<revision>[^/]+))?(?:\/(?<file>.+))?$/

/**
 * The path on this machine that a place leads to. A name on the hub is downloaded into the cache that Python's
 * libraries use, too; any other place is returned as it came.
 *
 * @param who What messages begin with.
 * @param place A path; or `hf://owner/model`, a revision or a GGUF file behind it where another is wanted:
 *   `hf://owner/model@revision/model.Q8_0.gguf`.
 * @throws UsageError for a name of another form, UnsupportedError without the package `@huggingface/hub`,
 *   PretrainedError for a model that is not there or cannot be reached.
 */
export async function pathOfPlace(who: string, place: string, options: HubOptions = {}): Promise<string> {
  if (!place.startsWith(scheme)) return place
  const { name, revision, file } = onHub.exec(place)?.groups ?? {}
  if (name === undefined || (file !== undefined && !/\.gguf$/i.test(file))) {
    throw new UsageError(
      `${who}: got ${printable(place)}; expected hf://owner/model, with @revision or the name of a GGUF file behind it if wanted.`,
    )
  }
  return downloadPretrained(name, {
    ...options,
    ...(revision !== undefined && { revision }),
    ...(file !== undefined && { file }),
  })
}
