/** Runs the programs of documents as a reader would. */
import { execFile, execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
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

/**
 * What the compiler has against files, a line each, told of where they stand.
 *
 * @param files Each a module of its own; `textOf` says what is compiled of it.
 */
export function complaintsAbout<P extends { readonly name: string }>(
  files: readonly P[],
  textOf: (file: P, folder: string) => string,
): string[] {
  const folder = temporaryFolder()
  try {
    files.forEach((file, i) => writeFileSync(join(folder, `file-${i}.ts`), textOf(file, folder)))
    const configuration = {
      extends: '../../../../tsconfig.check.json',
      compilerOptions: { noUnusedLocals: false, noUnusedParameters: false },
      include: ['*.ts'],
      exclude: [],
    }
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(configuration))
    execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder], {
      ...{ cwd: folder, encoding: 'utf8', stdio: 'pipe' },
    })
    return []
  } catch (error) {
    // `file-3.ts(70,12): error …` → `docs/audit.md, line 112: error …`
    const readable = (error as { stdout: string }).stdout.replace(
      /^.*?file-(\d+)\.ts\(.*?\)/gm,
      (_, i: string) => files[Number(i)].name,
    )
    return readable.split('\n').filter((line) => line !== '')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
