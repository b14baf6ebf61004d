/** Reads the repository's TypeScript as text: what each file imports, and its code without comments and strings. */
import { globSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'

/** The root of the repository. */
export const root: string = join(import.meta.dirname, '../..')

export interface Import {
  readonly specifier: string
  /** Gone once types are stripped. `import { type A }` is not: the module is still loaded. */
  readonly typeOnly: boolean
}

export interface Source {
  /** From the root of the repository, with `/`. */
  readonly path: string
  readonly text: string
  /** The text with comments, strings and regular expressions blanked out; lines stay where they are. */
  readonly code: string
  readonly lines: number
  readonly imports: readonly Import[]
}

/** What is not code. Nested templates come out inside out, but closed. */
const literals = new RegExp(
  [
    String.raw`\/\/[^\n]*`,
    String.raw`\/\*[\s\S]*?\*\/`,
    String.raw`'(?:\\.|[^'\\\n])*'`,
    String.raw`"(?:\\.|[^"\\\n])*"`,
    '`(?:\\\\[\\s\\S]|[^`\\\\])*`',
    // A slash begins a regular expression where a value may begin.
    String.raw`(?<=[(,=:[!&|?{};]\s*|^\s*|\breturn\s+)\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[a-z]*`,
  ].join('|'),
  'gm',
)

const declaration = /^[ \t]*(?:import|export)\s+(type\s+(?=[{*\w]))?(?:[\w$*{}\s,]+?\s+from\s+)?'([^']+)'/gm
const call = /\bimport\s*\(\s*'([^']+)'/g

/** Blanks comments and, unless told otherwise, everything between quotes. */
export function codeOf(text: string, keepStrings = false): string {
  return text.replace(literals, (literal) =>
    keepStrings && /^['"]/.test(literal) ? literal : literal.replace(/[^\n]/g, ' '),
  )
}

/** Every static, re-exporting and dynamic import of a text. */
export function importsOf(text: string): Import[] {
  const code = codeOf(text, true)
  const fixed = [...code.matchAll(declaration)].map(([, type, specifier]) => ({
    specifier,
    typeOnly: Boolean(type),
  }))
  return [...fixed, ...[...code.matchAll(call)].map(([, specifier]) => ({ specifier, typeOnly: false }))]
}

/** All TypeScript files below some folders, in order of their paths. */
export function readSources(...folders: readonly string[]): Source[] {
  const paths = globSync(
    folders.map((folder) => `${folder}/**/*.ts`),
    { cwd: root, exclude: (name) => /(^|\/)(node_modules|dist)$/.test(name) },
  )
  return paths.map(posixPath).toSorted().map(readSource)
}

/** One file, by its path from the root. */
export function readSource(path: string): Source {
  const text = readFileSync(join(root, path), 'utf8')
  return {
    path,
    text,
    code: codeOf(text),
    lines: text.trimEnd().split('\n').length,
    imports: importsOf(text),
  }
}

const posixPath = (path: string): string => path.replaceAll('\\', '/')

/** The file that a relative import names, from the root of the repository. */
export function relativeTarget(from: Source, specifier: string): string {
  return posix.join(posix.dirname(from.path), specifier)
}

/** Files that come into being, by path, when `starts` are loaded, following relative value imports. */
export function reachable(sources: readonly Source[], starts: readonly string[]): Set<string> {
  const byPath = new Map(sources.map((source) => [source.path, source]))
  const seen = new Set<string>()
  const queue = [...starts]
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    const source = byPath.get(path)
    if (source === undefined || seen.has(path)) continue
    seen.add(path)
    queue.push(...valueTargets(source))
  }
  return seen
}

/** The files of the same package that a file loads. */
function valueTargets(source: Source): string[] {
  return source.imports
    .filter(({ specifier, typeOnly }) => !typeOnly && specifier.startsWith('.'))
    .map(({ specifier }) => relativeTarget(source, specifier))
}

/** The relative imports of a file, types included. */
export const allTargets = (source: Source): string[] =>
  source.imports
    .filter(({ specifier }) => specifier.startsWith('.'))
    .map(({ specifier }) => relativeTarget(source, specifier))

/** Groups of files that load each other in a circle, or reach each other by other imports. */
export function cycles(
  sources: readonly Source[],
  targetsOf: (source: Source) => string[] = valueTargets,
): string[][] {
  const byPath = new Map(sources.map((source) => [source.path, source]))
  // Tarjan 1972: `low` is the earliest file still on the stack that a file leads back to.
  const [index, low, stack, found] = [
    new Map<string, number>(),
    new Map<string, number>(),
    [] as string[],
    [] as string[][],
  ]
  const visit = (path: string): number => {
    const order = index.size
    index.set(path, order)
    low.set(path, order)
    stack.push(path)
    for (const next of targetsOf(byPath.get(path) as Source)) {
      if (!byPath.has(next)) continue
      if (!index.has(next)) low.set(path, Math.min(low.get(path) as number, visit(next)))
      else if (stack.includes(next))
        low.set(path, Math.min(low.get(path) as number, index.get(next) as number))
    }
    if (low.get(path) === order) {
      const group = stack.splice(stack.indexOf(path))
      if (group.length > 1 || targetsOf(byPath.get(path) as Source).includes(path))
        found.push(group.toSorted())
    }
    return low.get(path) as number
  }
  for (const { path } of sources) if (!index.has(path)) visit(path)
  return found
}
