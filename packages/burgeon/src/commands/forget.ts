/** `burgeon forget`: lets go of what was learnt from a source, or lives again without it. */
import type { ForgetWhat } from '@burgeon/continual'
import { describeCheckpoint } from '@burgeon/gpt'
import { nodeDisk } from '@burgeon/gpt/node'
import { OptionError } from '@burgeon/tensor'
import { askFor, noteDone } from '../session/control/approvals.ts'
import type { LifeSettings } from '../session/life/life-settings.ts'
import { forgetRecords } from '../session/forgetting/forget-records.ts'
import { liveWithout } from '../session/forgetting/live-without.ts'
import type { CommandContext } from '../terminal/command-context.ts'
import { count } from '../terminal/quantities.ts'
import { resultsOf } from '../terminal/results.ts'
import { pathArgument, shellCommand } from '../terminal/shell-word.ts'
import { printable } from '../terminal/terminal.ts'
import { exitCodes } from './exit-codes.ts'

export interface ForgetOptions {
  /** Folder of the life. */
  readonly from: string
  readonly source?: string
  readonly ids?: readonly number[]
  /** Whether kept checkpoints go as well. */
  readonly dropKept: boolean
  /** Whether a life is lived again without it, in the folder `out`. */
  readonly replay: boolean
  readonly out?: string
  /** Prints one object of JSON. */
  readonly json: boolean
}

/** Runs the command. Returns the exit code. */
export function forget(options: ForgetOptions, outer: CommandContext): Promise<number> {
  const what = whatOf(options)
  return options.replay ? livedAgain(what, options, outer) : letGo(what, options, outer)
}

function whatOf({ source, ids = [] }: ForgetOptions): ForgetWhat {
  if (source !== undefined && ids.length === 0) return { source }
  if (source === undefined && ids.length > 0) return { ids }
  throw new OptionError('forget: expected either --source or --id, and not both.')
}

async function letGo(
  what: ForgetWhat,
  { from, dropKept, json, out }: ForgetOptions,
  outer: CommandContext,
): Promise<number> {
  if (out !== undefined) throw new OptionError('forget: got --out without --replay; expected both, or none.')
  const { print, context } = resultsOf(json, outer)
  const waits = await waitsForApproval(from, what)
  if (waits !== null) {
    const how = shellCommand('approve', pathArgument(from), waits, '--by', 'NAME')
    context.output.write(
      `The policy of ${printable(from)} has somebody approve this first; nothing was forgotten. Then say forget once more:\n${how}\n`,
    )
    print({ from, waiting: waits })
    return 0
  }
  const { experiences, parts, dropped } = await forgetRecords(from, what, { dropKept })
  const kept = Object.entries(parts).map(([name, amount]) => `${printable(name)}: ${count(amount)}`)
  const named = 'source' in what ? ['--source', what.source] : what.ids.flatMap((id) => ['--id', String(id)])
  const again = shellCommand('forget', '--from', pathArgument(from), ...named, '--replay', '--out', 'FOLDER')
  context.output.write(
    `Forgot ${count(experiences)} ${experiences === 1 ? 'experience' : 'experiences'} of ${printable(from)}` +
      `${kept.length > 0 ? ` (${kept.join('; ')})` : ''}.\n` +
      (dropped.length > 0 ? `Checkpoints that were kept are gone: ${dropped.join(', ')}.\n` : '') +
      `The weights still know what they learnt of it. A life that never did is made by\n${again}\n`,
  )
  print({ from, experiences, parts, dropped })
  return 0
}

/** The name of the request that waits; null where nothing has to be asked, or somebody has said yes. */
async function waitsForApproval(from: string, what: ForgetWhat): Promise<string | null> {
  const { life } = await describeCheckpoint(nodeDisk(from))
  const { settings } = (life ?? {}) as { readonly settings?: Pick<LifeSettings, 'policy'> }
  if (settings?.policy?.rules.approve?.forget !== true) return null
  const named = 'source' in what ? what.source : `experiences ${what.ids.join(', ')}`
  const { id, decision } = await askFor(from, 'forget', what, `forget ${named}`)
  if (decision !== 'approve') return id
  await noteDone(from, id)
  return null
}

async function livedAgain(
  what: ForgetWhat,
  { from, dropKept, json, out }: ForgetOptions,
  outer: CommandContext,
): Promise<number> {
  if (out === undefined)
    throw new OptionError('forget: got --replay without --out; expected a folder for it.')
  if (dropKept) throw new OptionError('forget: got --drop-kept beside --replay, which changes nothing there.')
  const { print, context } = resultsOf(json, outer)
  const log = (line: string): void => void context.status.write(`${line}\n`)
  const { done, ...lived } = await liveWithout(from, out, what, { signal: context.stop, log })
  const begun = lived.from === null ? 'from its birth' : `from the kept checkpoint ${lived.from}`
  context.output.write(
    `${done ? 'Lived' : 'Lives'} again ${begun} without ${count(lived.experiences)} ` +
      `${lived.experiences === 1 ? 'experience' : 'experiences'}, in ${printable(out)}. ${printable(from)} is as it was.\n`,
  )
  print({ from, kept: lived.from, out, experiences: lived.experiences, done })
  return done ? 0 : (exitCodes[String(context.stop.reason)] ?? 0)
}
