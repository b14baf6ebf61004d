// Reaches inside: a command is part of the front door, which has no other entry than the process itself.
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { nodeDisk } from '@burgeon/gpt/node'
import { buildLearner, emptyRecord, type LifeSettings, saveLife } from 'burgeon/session'
import { expect } from 'vitest'
import { commandLine } from '../../packages/burgeon/src/command-line.ts'
import type { TerminalEnvironment } from '../../packages/burgeon/src/terminal/terminal.ts'
import { tinySettings } from '../life/tiny-settings.ts'
import { written } from './small-checkout.ts'

/** A life that reads 64 bytes a step and takes a millisecond or two for it; its vocabulary grows every 200 steps. */
export const smallLife: LifeSettings = {
  ...tinySettings,
  model: { ...tinySettings.model, layers: 1 },
  plateau: 0,
  vocabulary: 280,
}

/** Text that repeats itself, of which letters are no bytes. 49 bytes a time. */
export const smallText = (times: number): Uint8Array =>
  new TextEncoder().encode('là, the quick brown fox jumps over the lazy dog. '.repeat(times))

/** What a command that ran in this process came to. */
export interface Called {
  readonly code: number | undefined
  readonly output: string
  readonly status: string
}

/** Runs a command in this process. */
export async function called(
  args: readonly string[],
  outside: { readonly environment?: TerminalEnvironment; readonly input?: string } = {},
): Promise<Called> {
  const said = { output: '', status: '' }
  const to = (where: 'output' | 'status') => ({ write: (more: string) => (said[where] += more) })
  const { signal } = new AbortController()
  const context = {
    ...{ output: to('output'), status: to('status'), now: () => 0, stop: signal, closed: signal },
    environment: outside.environment ?? {},
    ...(outside.input !== undefined && { input: Readable.from([Buffer.from(outside.input)]) }),
  }
  let code: number | undefined
  const program = commandLine(context, (given) => {
    code = given
  })
  await program.parseAsync([...args], { from: 'user' })
  return { code, ...said }
}

/** Runs a command that must succeed; returns what it prints. */
export async function printed(...args: readonly string[]): Promise<string> {
  const { code, output } = await called(args)
  expect(code).toBe(0)
  return output
}

/** A folder with a new small life in `life`, which learns in an instant, and some files. */
export async function folderWithLife(
  files: Readonly<Record<string, string | Uint8Array>> = {},
): Promise<string> {
  const folder = await written(Object.entries(files))
  const learner = buildLearner(smallLife)
  const record = emptyRecord(learner.model.parameters.size)
  await saveLife(nodeDisk(join(folder, 'life')), { settings: smallLife, learner, record })
  return folder
}
