/** No command of a document escapes `scripts/try-commands.ts`, which runs them; and nothing is excused that is not printed. */
import { expect, it } from 'vitest'
import { commandsIn, documents, otherwise, unmarkedIn } from '../../scripts/doc-commands.ts'

const printed = documents.flatMap(commandsIn)

it('documents mark their commands as such', () => {
  expect(documents.flatMap((document) => unmarkedIn(document).map((line) => `${document}: ${line}`))).toEqual(
    [],
  )
  expect(printed.length).toBeGreaterThan(30)
})

it('a command that is not run as printed is still printed somewhere', () => {
  const known = new Set(printed.map(({ command }) => command))
  expect(Object.keys(otherwise).filter((command) => !known.has(command))).toEqual([])
})

it('only commands with names that stand for others are excused from running as printed', () => {
  const open = printed.filter(({ command }) => !Object.hasOwn(otherwise, command))
  expect(open.filter(({ command }) => /\b(?:DIR|FILE|file\.ts)\b/.test(command))).toEqual([])
  expect(open.map(({ command }) => command)).toContain('npx burgeon generate --prompt "Dear "')
})
