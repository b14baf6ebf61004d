/** The programs that documents print. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { transform } from 'esbuild'
import { root } from './pack-packages.ts'

/** A ```ts block of a document. */
export interface Program {
  /** `README.md, line 40`. */
  readonly name: string
  readonly document: string
  /** The heading that it stands under. */
  readonly title: string
  readonly text: string
}

/** Every ```ts block of a document; none if there is no such document. */
export function programsIn(document: string): Program[] {
  const path = join(root, document)
  if (!existsSync(path)) return []
  const text = readFileSync(path, 'utf8')
  return [...text.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(({ 1: block, index }) => {
    const before = text.slice(0, index)
    return {
      name: `${document}, line ${before.split('\n').length + 1}`,
      document,
      title: [...before.matchAll(/^#+ (.+)$/gm)].at(-1)?.[1] ?? '',
      text: block,
    }
  })
}

/**
 * What a user tries first, each a whole program: documents and headings. They run from the packed packages.
 */
const firstSteps = [
  ['docs/mnist.md', 'Handwritten digits'],
  ['docs/getting-started.md', 'A character GPT'],
  ['docs/growing.md', 'By a policy'],
  ['docs/continual-learning.md', 'A rehearsal of your own'],
  ['docs/continual-learning.md', 'A penalty of your own'],
] as const

/** Those programs. Throws RangeError if one is gone: the first under its heading counts. */
export function firstPrograms(): Program[] {
  return firstSteps.map(([document, title]) => {
    const found = programsIn(document).find((program) => program.title === title)
    if (found === undefined) throw new RangeError(`${document} has no program under "${title}".`)
    return found
  })
}

/** Whether a program is for browsers: `test/browser` runs it in a page's worker, and nobody in Node. */
export const isForBrowsers = ({ document }: Program): boolean => document === 'docs/browser.md'

/** A program without its types, for any Node that the packages run on. */
export async function asJavaScript({ text }: Program): Promise<string> {
  return (await transform(text, { loader: 'ts', format: 'esm', target: 'es2022' })).code
}

/** What a program says it prints: `// → text` stands behind whatever prints that line. */
export function promisedLines(text: string): string[] {
  return [...text.matchAll(/\/\/ → (.*)$/gm)].map(([, line]) => line.trimEnd())
}

/**
 * Whether what was printed is what was promised. `…` stands for anything within a line and, alone, for any
 * number of lines.
 */
export function keepsPromise(printed: string, promised: readonly string[]): boolean {
  const literal = (part: string): string => part.replace(/[^\w\s]/g, '\\$&')
  const patterns = promised.map((line) =>
    line === '…' ? '(?:.*\\n)*' : `${line.split('…').map(literal).join('.*')}[ \\t]*\\n`,
  )
  return new RegExp(`^${patterns.join('')}$`).test(printed.endsWith('\n') ? printed : `${printed}\n`)
}
