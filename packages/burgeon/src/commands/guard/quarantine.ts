/** `burgeon quarantine list|admit|drop`: what a guard kept apart, and what becomes of it. */
import { CheckpointError, type Disk } from '@burgeon/gpt'
import { nodeDisk } from '@burgeon/gpt/node'
import { hasLearnt } from '../../serving/learn-feedback.ts'
import { teachLife } from '../../serving/teach-life.ts'
import { dropQuarantined, quarantined, type QuarantinedText } from '../../session/guard/quarantine.ts'
import { type KnownLife, loadLife } from '../../session/life/life-checkpoint.ts'
import type { CommandContext } from '../../terminal/command-context.ts'
import { count } from '../../terminal/quantities.ts'
import { resultsOf } from '../../terminal/results.ts'
import { printable } from '../../terminal/terminal.ts'
import { UsageError } from '../../terminal/usage-error.ts'
import { holdingFolder } from '../life/holding-folder.ts'
import { requireFolder } from '../life/require-folder.ts'

export interface QuarantineOptions {
  /** Folder of the life. */
  readonly from: string
  /** Prints JSON. */
  readonly json: boolean
}

/** Lists what waits. Returns the exit code. */
export async function listQuarantine(
  { from, json }: QuarantineOptions,
  outer: CommandContext,
): Promise<number> {
  const { print, context } = resultsOf(json, outer)
  requireFolder('quarantine', from)
  const waiting = await quarantined(nodeDisk(from))
  for (const { id, source, reasons, text } of waiting) {
    const beginning = text.length > 60 ? `${text.slice(0, 60)}…` : text
    context.output.write(`${id}  ${printable(source)}: ${reasons.join(', ')}\n  ${printable(beginning)}\n`)
  }
  context.output.write(`${count(waiting.length)} ${waiting.length === 1 ? 'text waits' : 'texts wait'}.\n`)
  print({ from, waiting })
  return 0
}

/** Has the life learn texts that waited, whatever guards say. Returns the exit code. */
export function admitQuarantined(
  ids: readonly string[],
  { from, json }: QuarantineOptions,
  outer: CommandContext,
): Promise<number> {
  const { print, context } = resultsOf(json, outer)
  return holdingFolder(from, async (disk) => {
    const texts = await named(disk, ids)
    const life = await loadLife(disk)
    const note = (line: string): void => void context.status.write(`burgeon: ${printable(line)}\n`)
    const { bytes, steps } = await learnQuarantined(life, texts, disk, note)
    context.output.write(
      `Learnt ${count(texts.length)} ${texts.length === 1 ? 'text' : 'texts'}, ${count(bytes)} bytes in ${count(steps)} steps.\n`,
    )
    print({ from, admitted: ids, bytes, steps, step: life.learner.step })
    return 0
  })
}

/**
 * Learns texts one by one; each waits until the life that knows it is saved, and is learnt once whenever this
 * is killed. Throws CheckpointError where the life cannot be saved.
 */
export async function learnQuarantined(
  life: KnownLife,
  texts: readonly QuarantinedText[],
  disk: Disk,
  note: (line: string) => void,
): Promise<{ readonly bytes: number; readonly steps: number }> {
  const teacher = teachLife(life, { disk, note, watcher: { step: () => {}, saved: () => {} } })
  let [bytes, steps] = [0, 0]
  for (const { id, text, source, domain } of texts) {
    const name = `quarantine:${id}`
    if (!hasLearnt(life, name)) {
      const learnt = await teacher.learnVouched(name, text, { source, domain }, (body) => body())
      if (!learnt.saved) {
        throw new CheckpointError(`quarantine: the text ${id} waits on, for the life could not be saved.`)
      }
      bytes += learnt.bytes
      steps += learnt.steps
    }
    await dropQuarantined(disk, [id])
  }
  return { bytes, steps }
}

/** Lets texts that waited go for good. Returns the exit code. */
export function dropQuarantine(
  ids: readonly string[],
  { from, json }: QuarantineOptions,
  outer: CommandContext,
): Promise<number> {
  const { print, context } = resultsOf(json, outer)
  return holdingFolder(from, async (disk) => {
    await named(disk, ids)
    await dropQuarantined(disk, ids)
    context.output.write(`Dropped ${count(ids.length)} ${ids.length === 1 ? 'text' : 'texts'}.\n`)
    print({ from, dropped: ids })
    return 0
  })
}

/** Throws UsageError for a name that nothing has. */
async function named(disk: Disk, ids: readonly string[]): Promise<readonly QuarantinedText[]> {
  const waiting = await quarantined(disk)
  const unknown = ids.find((id) => !waiting.some((text) => text.id === id))
  if (unknown !== undefined) {
    throw new UsageError(
      `quarantine: no text ${printable(unknown)} waits in ${printable(disk.place)}; see burgeon quarantine list.`,
    )
  }
  return waiting.filter(({ id }) => ids.includes(id))
}
