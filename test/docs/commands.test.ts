/**
 * No command of a document escapes `scripts/try-commands.ts`, which runs them; and nothing is excused that is not printed.
 * Reaches inside: the parser of the command line takes every printed command.
 */
import { PassThrough } from 'node:stream'
import { expect, it } from 'vitest'
import { commandLine } from '../../packages/burgeon/src/command-line.ts'
import { commandsIn, documents, otherwise, unmarkedIn } from '../../scripts/doc-commands.ts'

type Command = ReturnType<typeof commandLine>

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

it('no benchmark is run as printed: it takes minutes, or a data set that no checkout has', () => {
  const benchmarks = printed.filter(({ command }) => command.startsWith('npm run bench'))
  expect(benchmarks.length).toBeGreaterThan(20)
  expect(benchmarks.filter(({ command }) => !Object.hasOwn(otherwise, command))).toEqual([])
})

/** Words of a command line, without the quotes that hold some together. */
const words = (line: string): string[] =>
  [...line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(([, double, single, bare]) => double ?? single ?? bare)

it('a command that is run as printed is one that can be typed', async () => {
  const open = printed.map(({ command }) => command).filter((command) => !Object.hasOwn(otherwise, command))
  const typed = open.filter((command) => command.includes('npx burgeon '))
  expect(typed.length).toBeGreaterThan(10)
  for (const command of typed) {
    const stream = new PassThrough()
    const program = commandLine(
      {
        ...{ input: stream, output: stream, status: stream, environment: {} },
        ...{ stop: new AbortController().signal, now: () => 0 },
      } as unknown as Parameters<typeof commandLine>[0],
      () => {},
    )
    let taken: Command | undefined
    const all = program.commands.flatMap((own) => [own, ...own.commands])
    for (const each of all) each.action((...given) => void (taken = given.at(-1) as Command))
    const line = command.slice(command.indexOf('npx burgeon ') + 'npx burgeon '.length)
    if (line === '--help') continue
    await program.parseAsync(words(line), { from: 'user' })
    const own = taken?.parent?.parent === null ? taken : taken?.parent
    expect(own?.name(), command).toBe(words(line)[0])
  }
  // Servers answer until they are told to end; and nothing of ours can be fetched, or runs without flags, before it is released.
  expect(
    open.filter((command) =>
      /burgeon (?:serve|mcp)(?! --help)|npm i\b.*\bburgeon\b|^node scripts/.test(command),
    ),
  ).toEqual([])
})
