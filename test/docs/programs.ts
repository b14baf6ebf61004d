/** Finds the programs that documents print, and runs programs as a reader would. */
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The root of the repository. */
export const root: string = join(import.meta.dirname, '../..')

export interface Program {
  /** `README.md, line 40`. */
  readonly name: string
  readonly text: string
}

/** Every ```ts block of a document; none if there is no such document. */
export function programsIn(document: string): Program[] {
  const path = join(root, document)
  if (!existsSync(path)) return []
  const text = readFileSync(path, 'utf8')
  return [...text.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(({ 1: block, index }) => ({
    name: `${document}, line ${text.slice(0, index).split('\n').length + 1}`,
    text: block,
  }))
}

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

/** Runs a file with Node from the sources, in a folder. */
export function runFile(file: string, folder: string): Promise<Outcome> {
  return new Promise((resolve) => {
    const options = { cwd: folder, encoding: 'utf8' } as const
    execFile(
      process.execPath,
      ['--conditions=@burgeon/source', file],
      options,
      (error, printed, complaints) => {
        resolve({ code: error?.code ?? error?.signal ?? 0, printed, complaints })
      },
    )
  })
}

/** What a program says it prints: `// → text` stands behind whatever prints that line. */
export function promisedLines(text: string): string[] {
  return [...text.matchAll(/\/\/ → (.*)$/gm)].map(([, line]) => line.trimEnd())
}

/**
 * Whether what was printed is what was promised. `…` stands for anything within a line and, alone, for any number of
 * lines.
 */
export function keepsPromise(printed: string, promised: readonly string[]): boolean {
  const literal = (part: string): string => part.replace(/[^\w\s]/g, '\\$&')
  const patterns = promised.map((line) =>
    line === '…' ? '(?:.*\\n)*' : `${line.split('…').map(literal).join('.*')}[ \\t]*\\n`,
  )
  return new RegExp(`^${patterns.join('')}$`).test(printed.endsWith('\n') ? printed : `${printed}\n`)
}
