/** `burgeon init`: writes a file of settings after a few questions. */
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { configNames } from '../../config/load-config.ts'
import type { CommandContext } from '../../terminal/command-context.ts'
import { resultsOf } from '../../terminal/results.ts'
import { shellCommand } from '../../terminal/shell-word.ts'
import { isLive, printable } from '../../terminal/terminal.ts'
import { UsageError } from '../../terminal/usage-error.ts'
import { exitCodes } from '../exit-codes.ts'
import { askToReplace, askWishes, type Dialogue } from './ask-wishes.ts'
import { configText, keysFile, settingsOf, type Wishes } from './config-text.ts'

export interface InitOptions {
  /** Asks nothing and takes what is usual. */
  readonly yes: boolean
  /** Overwrites a file of settings without asking. */
  readonly force: boolean
  /** Prints one object of JSON, and asks nothing. */
  readonly json: boolean
}

const usual: Wishes = { notes: 'notes', from: null, sleeps: true, port: 8080, isShared: false }

/**
 * Runs the command. Returns the exit code.
 *
 * @param folder Where it writes.
 * @param dialogue Where it asks; the terminal unless given, and nowhere without one.
 */
export async function init(
  { yes, force, json }: InitOptions,
  outer: CommandContext,
  folder: string = '.',
  dialogue: Dialogue | null = dialogueOf(outer),
): Promise<number> {
  const { print, context } = resultsOf(json, outer)
  const asks = yes || json ? null : dialogue
  const there = configNames.find((name) => existsSync(join(folder, name)))
  if (there !== undefined && !force) {
    if (asks === null) {
      throw new UsageError(`init: ${there} is there already; expected a folder without one, or --force.`)
    }
    const mayReplace = await askToReplace(there, asks)
    if (mayReplace !== true) return left(mayReplace === false ? 0 : null, context)
  }
  const wishes = asks === null ? usual : await askWishes(usual, asks)
  if (wishes === null) return left(null, context)
  const file = there ?? `burgeon.config.${await endOf(folder)}`
  const notes = resolve(folder, wishes.notes)
  if (!existsSync(notes)) await mkdir(notes, { recursive: true })
  const hasMadeKeys = wishes.isShared && (await makeKeys(join(folder, keysFile)))
  await writeFile(join(folder, file), configText(file, settingsOf(wishes), isInstalled(folder)))
  const isEmpty = (await readdir(notes).catch(() => ['a file'])).length === 0
  const next = shellCommand('serve')
  const lines = [
    `Wrote ${file}.`,
    ...(hasMadeKeys
      ? [`Wrote ${keysFile} with two keys: one that asks, one that may do everything. Keep it secret.`]
      : []),
    ...(isEmpty ? [`Put a text into ${printable(wishes.notes)}; it learns what is added, too.`] : []),
    `Then: ${next}`,
  ]
  context.output.write(`${lines.join('\n')}\n`)
  print({ file, keys: wishes.isShared ? keysFile : null, next })
  return 0
}

/** Standard input and output, where both are a terminal. */
function dialogueOf({ output, environment, stop }: CommandContext): Dialogue | null {
  if (!process.stdin.isTTY || !isLive(output, environment)) return null
  return { input: process.stdin, output: process.stdout, signal: stop }
}

/** @param code Exit code; null where the user left as with Ctrl-C. */
function left(code: number | null, { output }: CommandContext): number {
  output.write('Nothing was written.\n')
  return code ?? exitCodes.SIGINT
}

/** The end of a name that this Node runs without a word about it. */
async function endOf(folder: string): Promise<'ts' | 'mts' | 'mjs'> {
  if (!process.features.typescript) return 'mjs'
  const [manifest] = upwards(folder)
    .map((at) => join(at, 'package.json'))
    .filter((path) => existsSync(path))
  if (manifest === undefined) return 'ts'
  return /"type"\s*:\s*"module"/.test(await readFile(manifest, 'utf8')) ? 'ts' : 'mts'
}

/** Whether a file of settings finds the package from there. */
const isInstalled = (folder: string): boolean =>
  upwards(folder).some((at) => existsSync(join(at, 'node_modules/burgeon/package.json')))

/** A folder and those around it, the innermost first. */
function upwards(folder: string): string[] {
  const found = [resolve(folder)]
  for (let at = dirname(found[0]); at !== found.at(-1); at = dirname(at)) found.push(at)
  return found
}

/** Keys that nobody guesses, for the owner of the file alone. Leaves those that are there; returns whether it made any. */
async function makeKeys(file: string): Promise<boolean> {
  const key = (scopes: readonly string[]): object => ({ key: randomBytes(24).toString('base64url'), scopes })
  const keys = [key(['read']), key(['read', 'teach', 'admin'])]
  try {
    await writeFile(file, `${JSON.stringify(keys, null, 2)}\n`, { flag: 'wx', mode: 0o600 })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}
