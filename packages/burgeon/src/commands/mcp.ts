/** `burgeon mcp MODEL`: the tools of a model for the agent that started the command, over standard input and output. */
import type { ServedModel } from '@burgeon/server'
import { broughtPath } from '../models/bring-model.ts'
import { findServer } from '../serving/find-server.ts'
import { lifeNews } from '../serving/life-news.ts'
import { isLife, servedLife, servedModel } from '../serving/open-served.ts'
import { loadLife } from '../session/life/life-checkpoint.ts'
import type { CommandContext } from '../terminal/command-context.ts'
import { printable } from '../terminal/terminal.ts'
import { exitCodes } from './exit-codes.ts'
import { holdingFolder } from './life/holding-folder.ts'

export interface McpOptions {
  /** Name of the model; that of the folder or file unless given. */
  readonly name?: string
  readonly readOnly: boolean
}

/** Runs the command, until whoever started it is gone or a signal comes. Returns the exit code. */
export async function mcp(
  path: string,
  { name, readOnly }: McpOptions,
  outer: CommandContext,
): Promise<number> {
  // The output belongs to the protocol.
  const context = { ...outer, output: outer.status }
  const { status, stop } = context
  const { connectMcp, loadMcp } = await findServer('mcp')
  const sdk = await loadMcp()
  const note = (text: string): void => void status.write(`burgeon: ${printable(text)}\n`)
  const untilGone = async (served: ServedModel): Promise<number> => {
    const onFault = (error: unknown): void => note(error instanceof Error ? error.message : String(error))
    const { gone, close } = await connectMcp(served, sdk, new sdk.Stdio(), { onFault })
    const stopped = new Promise((resolve) => stop.addEventListener('abort', resolve, { once: true }))
    // The SDK does not tell of an input that ends.
    const ended = new Promise((resolve) => process.stdin.once('end', resolve).once('close', resolve))
    if (!stop.aborted) await Promise.race([gone, stopped, ended])
    await close()
    return exitCodes[String(stop.reason)] ?? 0
  }
  const served = { id: name, plain: false }
  const local = await broughtPath('mcp', path, context)
  if (readOnly || !(await isLife(local))) return untilGone(await servedModel(local, served))
  return holdingFolder(local, async (disk) => {
    const life = await loadLife(disk)
    return untilGone(servedLife(life, local, { ...served, disk, note, watcher: lifeNews(life) }))
  })
}
