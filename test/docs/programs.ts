/** Runs the programs of documents as a reader would. */
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { bundledPackages } from '../bundled-sources.ts'

/** The root of the repository. */
export const root: string = join(import.meta.dirname, '../..')

/**
 * A new folder inside the repository, so that imports resolve, under a name that git, linters and compilers pass over.
 * The caller removes it.
 */
export function temporaryFolder(): string {
  const parent = join(import.meta.dirname, 'dist')
  mkdirSync(parent, { recursive: true })
  return mkdtempSync(join(parent, 'run-'))
}

/** How a child process ended. */
export interface Outcome {
  readonly code: number | string
  readonly printed: string
  readonly complaints: string
}

/** Runs a file with Node, in a folder. It imports the packages out of the bundle of their sources. */
export function runFile(file: string, folder: string): Promise<Outcome> {
  return new Promise((resolve) => {
    const options = { cwd: folder, encoding: 'utf8' } as const
    execFile(process.execPath, ['--import', bundledPackages, file], options, (error, printed, complaints) => {
      resolve({ code: error?.code ?? error?.signal ?? 0, printed, complaints })
    })
  })
}
