import { expect, it } from 'vitest'
import { codeOf, cycles, importsOf, type Source } from './read-sources.ts'

it('finds every form of import and knows which ones leave nothing behind', () => {
  const text = `
import 'effects'
import all, { part } from 'both'
import {
  one, // import 'a comment'
  type Two,
} from './lines.ts'
import type { Three } from 'types'
import { type Four } from 'still loaded'
import * as space from 'space'
export * from 'everything'
export type * from 'all types'
export { five as six } from 'again'
const later = await import('later')
const quoted = \`
import 'a template'
\`
const from = 'no import', kind = /import 'a pattern'/
/* import 'another comment' */
`
  expect(importsOf(text)).toEqual([
    { specifier: 'effects', typeOnly: false },
    { specifier: 'both', typeOnly: false },
    { specifier: './lines.ts', typeOnly: false },
    { specifier: 'types', typeOnly: true },
    { specifier: 'still loaded', typeOnly: false },
    { specifier: 'space', typeOnly: false },
    { specifier: 'everything', typeOnly: false },
    { specifier: 'all types', typeOnly: true },
    { specifier: 'again', typeOnly: false },
    { specifier: 'later', typeOnly: false },
  ])
})

it('blanks what is not code and leaves every line where it was', () => {
  const text = "const a = 'enum' // enum\nconst b = x / y / z, c = /enum'/.test(`enum ${a}`)\nenum D {}\n"
  const code = codeOf(text)
  expect(code).toHaveLength(text.length)
  expect(code.split('\n').map((line) => /enum/.test(line))).toEqual([false, false, true, false])
  expect(code).toContain('x / y / z')
})

it('finds circles of values, however long, and none of types', () => {
  const source = (path: string, text: string): Source => ({
    path,
    text,
    code: text,
    lines: 1,
    imports: importsOf(text),
  })
  const circle = [
    source('p/a.ts', "import { b } from './b.ts'"),
    source('p/b.ts', "import { c } from './in/c.ts'"),
    source('p/in/c.ts', "export * from '../a.ts'"),
    source('p/d.ts', "import { a } from './a.ts'\nimport type { E } from './e.ts'"),
    source('p/e.ts', "import { d } from './d.ts'"),
  ]
  expect(cycles(circle)).toEqual([['p/a.ts', 'p/b.ts', 'p/in/c.ts']])
})
