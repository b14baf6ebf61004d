/** What is used of the optional package `@huggingface/hub`. */
import { UnsupportedError } from '@burgeon/tensor'

/** What every call says. */
export interface HubCall {
  readonly hubUrl?: string
  readonly accessToken?: string
  readonly fetch?: typeof fetch
  readonly revision: string
}

/** A file of a repository. */
export interface HubFile {
  readonly type: string
  readonly path: string
  readonly size: number
}

/** The library, as far as it is used. */
export interface Hub {
  modelInfo(call: HubCall & { name: string; additionalFields: ['sha'] }): Promise<{ readonly sha: string }>
  listFiles(call: HubCall & { repo: { type: 'model'; name: string } }): AsyncIterable<HubFile>
  downloadFileToCacheDir(
    call: HubCall & { repo: { type: 'model'; name: string }; path: string; cacheDir: string },
  ): Promise<string>
  getHFHubCachePath(): string
  getRepoFolderName(repo: { type: 'model'; name: string }): string
}

/** The version that was tried. */
const library = { name: '@huggingface/hub', version: '2.17.5' }

/** Throws UnsupportedError where the package is not installed. */
export async function findHub(): Promise<Hub> {
  // The name is no literal, so that no bundler looks for it.
  const { name, version } = library
  try {
    return (await import(/* @vite-ignore */ name)) as Hub
  } catch (error) {
    throw new UnsupportedError(
      `downloadPretrained: the package ${name} cannot be loaded, and models of the hub need it. Install it: npm i ${name}@${version}`,
      { cause: error },
    )
  }
}
