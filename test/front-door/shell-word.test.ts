// Reaches inside: what is tested here is a part of its package, not an entry point.
import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { shellCommand, shellWord } from '../../packages/burgeon/src/terminal/shell-word.ts'
import { printableLines } from '../../packages/burgeon/src/terminal/terminal.ts'
import { times } from '../how-long.ts'

/** What a shell makes of some words. */
const read = (words: string): string =>
  execFileSync('sh', ['-c', `printf '%s\\0' ${words}`], { encoding: 'utf8', env: { HOME: '/nowhere' } })

/** What shells take for something else than itself. */
const special = 'ab -~$`\'"\\!*?[]{}()<>|&;#=%\n\t\r'.split('')

test('a shell reads every argument as it was, and nothing of it drives the terminal', () => {
  const character = fc.oneof(
    fc.constantFrom(...special, '\u001b', '\u009b', '\u202e', '\u2028', 'é', '😀'),
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }),
  )
  fc.assert(
    fc.property(
      fc.array(
        fc.array(character, { maxLength: 12 }).map((all) => all.join('').replaceAll('\0', '')),
        { minLength: 1, maxLength: 20 },
      ),
      (texts) => {
        const words = texts.map(shellWord).join(' ')
        expect(printableLines(words)).toBe(words)
        expect(read(words)).toBe(texts.map((text) => `${text}\0`).join(''))
      },
    ),
    { numRuns: times(12, 60) },
  )
})

test('plain words stay as they are', () => {
  expect(shellCommand('learn', 'notes/a.txt', '--resume', '--out', 'space & $HOME')).toBe(
    "npx burgeon learn notes/a.txt --resume --out 'space & $HOME'",
  )
})
