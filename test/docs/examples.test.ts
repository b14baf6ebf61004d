/** Every `@example` in the packages compiles: the names it uses exist and take what it gives them. */
import { readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { expect, it } from 'vitest'
import { codeOf, readSources, relativeTarget, type Source } from '../architecture/read-sources.ts'
import { complaintsAbout, root } from './programs.ts'

interface Example {
  /** `packages/…/file.ts, example in line 40`. */
  readonly name: string
  readonly source: Source
  readonly text: string
}

function examplesIn(source: Source): Example[] {
  return [...source.text.matchAll(/^ *\* @example\n((?: *\*(?!\/| @).*\n)+)/gm)].map(
    ({ 1: block, index }) => ({
      name: `${source.path}, example in line ${source.text.slice(0, index).split('\n').length + 1}`,
      source,
      text: block.replace(/^ *\* ?/gm, '').replace(/^```.*\n/gm, ''),
    }),
  )
}

/** By name, the path of the front door that has it; `burgeon` itself where it does, a package that is installed by itself where none does. */
const doors = new Map<string, string>()
const paths = ['', '/tensor', '/autograd', '/optim', '/gpt', '/growth', '/continual', '/testing']
for (const door of [
  ...paths.map((path) => `burgeon${path}`),
  '@burgeon/senses',
  '@burgeon/senses/testing',
  '@burgeon/cluster',
  '@burgeon/cluster/testing',
  '@burgeon/server',
]) {
  for (const name of Object.keys((await import(door)) as object)) if (!doors.has(name)) doors.set(name, door)
}

const wordsOf = (text: string): Set<string> => new Set(text.match(/[A-Za-z_$][\w$]*/g))

const imaginable = wordsOf(
  readFileSync(join(import.meta.dirname, 'example-names.ts'), 'utf8').replace(
    /^(?!export declare).*$|export declare (?:const|function)|[:(].*$/gm,
    '',
  ),
)

/** Names that a file has at its top level, imported or declared. */
function boundIn(text: string): Set<string> {
  const code = codeOf(text)
  const imports = code.match(/^import\b[^'"]*?\bfrom\b/gm) ?? []
  const declarations = code.matchAll(
    /^(?:export )?(?:abstract |async )*(?:function\*?|const|let|class|interface|type) (\{[^}]*\}|\[[^\]]*\]|[\w$]+)/gm,
  )
  return wordsOf([...imports, ...[...declarations].map(([, name]) => name)].join(' '))
}

/**
 * An example whose names are all public is a program of a user's, who has them from the front door or one of its paths. Any other sees what its own file
 * sees, and what it imports itself, so it is compiled at the end of a copy of its file; what is missing then comes from the front door
 * or from the names that a reader can imagine.
 */
function asModule({ source, text }: Example, folder: string): string {
  const imports = text.match(/^import .*\n/gm) ?? []
  const body = text.replace(/^import .*\n/gm, '')
  const atTheDoor = (name: string): boolean => doors.has(name)
  const own = boundIn(source.text)
  const isPublic = [...wordsOf(codeOf(body))].filter((name) => own.has(name)).every(atTheDoor)
  const file = imports.join('') + (isPublic ? '' : source.text)
  const bound = boundIn(file)
  const importing = (names: readonly string[], from: string): string =>
    names.length > 0 ? `import { ${names.join(', ')} } from '${from}'\n` : ''
  const missing = [...wordsOf(codeOf(body))].filter((name) => !bound.has(name))
  const fromFrontDoor = missing.filter(atTheDoor)
  const imagined = missing.filter((name) => imaginable.has(name) && !atTheDoor(name))
  const copy = file.replace(/(from |import\()'(\.[^']+)'/g, (_, before: string, specifier: string) => {
    return `${before}'${relative(folder, join(root, relativeTarget(source, specifier)))}'`
  })
  return [
    ...[...new Set(doors.values())].map((door) =>
      importing(
        fromFrontDoor.filter((name) => doors.get(name) === door),
        door,
      ),
    ),
    importing(imagined, '../../example-names.ts'),
    copy,
    `export async function example(): Promise<void> {\n${body}\n}\n`,
  ].join('')
}

it('every @example compiles', () => {
  const examples = readSources('packages').flatMap(examplesIn)
  expect(examples.length).toBeGreaterThan(10)
  expect(complaintsAbout(examples, asModule)).toEqual([])
})
