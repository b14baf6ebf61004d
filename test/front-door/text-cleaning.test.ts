// Reaches inside: what is tested here is a part of its package, not an entry point.
import { describe, expect, test } from 'vitest'
import { declarationSource } from '../../packages/burgeon/src/demo/text/declaration-source.ts'
import {
  declarationUnits,
  isLicense,
  jsonLines,
  licenseParagraphs,
} from '../../packages/burgeon/src/demo/text/document-units.ts'
import { markdownProse } from '../../packages/burgeon/src/demo/text/markdown-prose.ts'
import { pieces } from '../../packages/burgeon/src/demo/text/pieces.ts'
import { plainText } from '../../packages/burgeon/src/demo/text/plain-text.ts'
import { UniqueTexts } from '../../packages/burgeon/src/demo/text/unique-texts.ts'

const sentence =
  'This is a sentence of the kind that people write when they explain what a thing does and why.'

describe('plain text', () => {
  test('has LF line ends, ASCII punctuation, tabs, and no marks or control characters', () => {
    const bytes = new TextEncoder().encode(
      '\ufeff\u201cit\u2019s\u201d \u2013 a\u00a0b\u2026 \u2192\r\n\tx\u200by\u0007 \rz',
    )
    expect(plainText(bytes)).toBe('"it\'s" - a b... ->\n\txy\nz')
  })

  test('keeps other characters as they are', () => {
    expect(plainText(new TextEncoder().encode('naïve 日本'))).toBe('naïve 日本')
  })
})

describe('prose of Markdown', () => {
  test.each([
    ['fenced code', `\`\`\`js\n${sentence}\n\`\`\``],
    ['fenced code in a list', `- item\n  ~~~\n  ${sentence}\n  ~~~`],
    ['an unclosed fence', `\`\`\`\n${sentence}`],
    ['indented code', `    ${sentence}`],
    ['tables', `| a | b |\n|---|---|\n| ${sentence} | x |`],
    ['headings', `# ${sentence}`],
    ['underlined headings', `${sentence}\n=====`],
    ['comments', `<!-- ${sentence} -->`],
    ['badges', `[![${sentence}](https://x.test/a.svg)](https://x.test)`],
    ['link targets', `[a]: https://x.test "${sentence}"`],
    ['preformatted HTML', `<pre>\n${sentence}\n</pre>`],
    ['short lines', 'Install it.'],
    [
      'addresses',
      `See https://x.test/page, which is what this and all of the other things are about, for more of it.`,
    ],
    [
      'change log entries',
      `Fixed the thing that was not as it should have been in the last of the versions (#123, @somebody).`,
    ],
    [
      'other languages',
      'Ceci est une phrase qui explique ce que la bibliothèque fait et pourquoi elle le fait de cette façon.',
    ],
    [
      'lists of names',
      'Alpha, Beta, Gamma, Delta, Epsilon, Zeta, Eta, Theta, Iota, Kappa, Lambda, Mu, Nu, Xi, Omicron, Pi.',
    ],
  ])('has no %s', (_, markdown) => {
    expect(markdownProse(`${markdown}\n`)).toEqual([])
  })

  test('joins wrapped lines and keeps the words of links, emphasis and code', () => {
    const markdown =
      'This [library](https://x.test) is **the** *best* of all those\nthat `were` written &amp; kept by [us][1], <b>or</b> so it seems to be.\n\n- ' +
      sentence
    expect(markdownProse(markdown)).toEqual([
      'This library is the best of all those that `were` written & kept by us, or so it seems to be.',
      sentence,
    ])
  })
})

describe('declarations', () => {
  test('part into code without comments and the prose of doc comments', () => {
    const { code, prose } = declarationSource(
      `/*! licence */\n/// <reference lib="x" />\n/**\n * ${sentence}\n * @param a - ${sentence}\n */\nexport declare function f(a: "/* not a comment */", b: 'http://x'): void; // why\n\n`,
    )
    expect(code).toBe(`export declare function f(a: "/* not a comment */", b: 'http://x'): void;`)
    expect(prose).toEqual([sentence])
  })

  test('are cut between statements, without imports and generated lines', () => {
    const code = `import x from 'x';\ninterface A {\n  a: string\n}\nexport {};\ntype B =\n  | 'b'\ntype Long = '${'x'.repeat(300)}'`
    expect(declarationUnits(code)).toEqual(['interface A {\n  a: string\n}', "type B =\n  | 'b'"])
  })

  test('show the members of a long declaration one by one', () => {
    const members = Array.from({ length: 200 }, (_, i) => `  member${i}: string`)
    expect(declarationUnits(['interface Long {', ...members, '}'].join('\n')).length).toBeGreaterThan(190)
  })
})

describe('data', () => {
  test('knows a licence by its name', () => {
    const names = ['LICENSE', 'a/licence.md', 'a/LICENSE-MIT.txt', 'NOTICE.txt', 'a/ThirdPartyNoticeText.txt']
    expect(names.filter(isLicense)).toEqual(names)
    expect(['a/license.js', 'a/unlicensed/README.md', 'noticeable.md'].filter(isLicense)).toEqual([])
  })

  test('drops the titles and the authors of a licence', () => {
    const long =
      'Permission is granted to everybody who reads this text, and to those who do not read it as well.'
    expect(
      licenseParagraphs(`MIT License\n\nCopyright (c) 2020 Somebody <some@body.test>\n\n${long}\n`),
    ).toEqual([long])
  })

  test.each([
    ['minified', JSON.stringify({ a: 'x'.repeat(500) })],
    ['foreign', JSON.stringify({ a: 'äöüßéèêàáâ' }, null, 2)],
    ['a bare list', JSON.stringify(['a', 'b', 'c', 'd', 'e'], null, 2)],
  ])('has no JSON that is %s', (_, json) => {
    expect(jsonLines(json)).toEqual([])
  })
})

describe('pieces', () => {
  test('keep every unit, in order, at about the wanted length', () => {
    const units = Array.from({ length: 500 }, (_, i) => `unit ${i} ${'x'.repeat(i % 90)}`)
    const cut = pieces('file', units, '\n', 1000)
    expect(cut.map(({ text }) => text).join('\n')).toBe(units.join('\n'))
    expect(cut.map(({ index }) => index)).toEqual(cut.map((_, i) => i))
    expect(Math.max(...cut.map(({ text }) => text.length))).toBeLessThan(2000)
  })

  test('cut a unit only where it alone is too long', () => {
    const cut = pieces('file', [Array.from({ length: 300 }, (_, i) => `line ${i}`).join('\n')], '\n\n', 500)
    expect(cut.length).toBeGreaterThan(3)
    expect(cut.every(({ text }) => text.length < 1000)).toBe(true)
  })
})

test('a text is known again when only case, punctuation or line breaks differ', () => {
  const unique = new UniqueTexts()
  expect(unique.new(['Hello, World', 'hello\n  world!', 'hello worlds'])).toEqual([
    'Hello, World',
    'hello worlds',
  ])
  expect(unique.new(['HELLO WORLD'])).toEqual([])
})
