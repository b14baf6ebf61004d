/** `burgeon approve LIFE [ID]`: what waits for somebody's yes. */
import { decideApproval, openRequests } from '../../session/control/approvals.ts'
import type { CommandContext } from '../../terminal/command-context.ts'
import { resultsOf } from '../../terminal/results.ts'
import { printable } from '../../terminal/terminal.ts'
import { UsageError } from '../../terminal/usage-error.ts'
import { requireFolder } from '../life/require-folder.ts'

export interface ApproveOptions {
  /** Whose decision it is; needed to decide. */
  readonly by?: string
  /** Says no. */
  readonly refuse: boolean
  /** Prints one object of JSON. */
  readonly json: boolean
}

/** Lists what waits, or decides about one of it. Returns the exit code. */
export async function approve(
  folder: string,
  id: string | undefined,
  { by, refuse, json }: ApproveOptions,
  outer: CommandContext,
): Promise<number> {
  const { print, context } = resultsOf(json, outer)
  requireFolder('approve', folder)
  if (id === undefined) {
    if (by !== undefined || refuse) {
      throw new UsageError(
        'approve: got --by or --refuse without a request; expected its name, as approve lists it.',
      )
    }
    const waiting = openRequests(folder).filter(({ decision }) => decision === null)
    for (const one of waiting) context.output.write(`${one.id}  ${printable(one.summary)}\n`)
    context.output.write(waiting.length === 0 ? 'Nothing waits.\n' : `${waiting.length} waiting.\n`)
    print({ folder, waiting: waiting.map(({ id: own, kind, summary }) => ({ id: own, kind, summary })) })
    return 0
  }
  if (by === undefined) throw new UsageError('approve: got no --by; expected the name of whoever decides.')
  const decision = refuse ? 'refuse' : 'approve'
  const request = await decideApproval(folder, id, { decision, by })
  const said = refuse ? 'refused' : 'approved'
  context.output.write(`${printable(request.summary)}: ${said} by ${printable(by)}.\n`)
  print({ folder, id, kind: request.kind, decision, by })
  return 0
}
