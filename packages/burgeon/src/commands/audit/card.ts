/** `burgeon card`: the model card of a life, written from the life itself. */
import { readFile, writeFile } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import { type CardStatements, cardText } from '../../report/card/card-text.ts'
import { lifeCard } from '../../session/card/life-card.ts'
import type { CommandContext } from '../../terminal/command-context.ts'
import { resultsOf } from '../../terminal/results.ts'
import { printable } from '../../terminal/terminal.ts'
import { UsageError } from '../../terminal/usage-error.ts'

export interface CardOptions {
  /** File that is to hold it; the output unless given. */
  readonly out?: string
  /** Name of the model; that of the folder unless given. */
  readonly name?: string
  readonly license?: string
  readonly contact?: string
  readonly language: readonly string[]
  readonly intended: readonly string[]
  readonly notFor: readonly string[]
  /** Prints one object of JSON. */
  readonly json: boolean
}

/** By which a file is known for a card of ours. */
const mark = 'library_name: burgeon'

/** Runs the command. Returns the exit code. */
export async function card(
  folder: string,
  version: string,
  { out, json, name = basename(resolve(folder)), language, ...stated }: CardOptions,
  outer: CommandContext,
): Promise<number> {
  const { print, context } = resultsOf(json, outer)
  if (out !== undefined) await checkOwn(out)
  const facts = await lifeCard(folder)
  const statements: CardStatements = { ...stated, name, version, languages: language }
  const text = cardText(facts, statements)
  if (out === undefined) context.output.write(text)
  else {
    await writeFile(out, text).catch((error: NodeJS.ErrnoException) => {
      throw new UsageError(`card: cannot write ${printable(out)} (${error.code ?? error.message}).`)
    })
    context.output.write(`The model card of ${printable(folder)} is in ${printable(out)}.\n`)
  }
  print({ folder, out: out ?? null, ...facts })
  return 0
}

/** Throws UsageError for a file that is there and is no card of ours. */
async function checkOwn(out: string): Promise<void> {
  const text = await readFile(out, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return mark
    throw new UsageError(`card: cannot read ${printable(out)} (${error.code ?? error.message}).`)
  })
  if (text.slice(0, 200).includes(mark)) return
  throw new UsageError(
    `card: ${printable(out)} is no card of ours and would be overwritten. Give another --out.`,
  )
}
