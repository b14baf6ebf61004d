/**
 * What waits for somebody's yes, and what was said to it: lines of a file beside the life, each added for
 * good.
 */
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { checkArgument, checkOptions, checks, OptionError } from '@burgeon/tensor'
import { aFolder } from '../life/a-folder.ts'

/** What somebody can be asked for. */
export type ApprovalKind = 'growth' | 'forget' | 'policy' | 'budget'

/** A request, and what became of it. Plain data. */
export interface ApprovalRequest {
  /** Its kind and what is asked: the same request has the same name. */
  readonly id: string
  readonly kind: ApprovalKind
  /** What is asked for, in words. */
  readonly summary: string
  readonly decision: 'approve' | 'refuse' | null
  /** Who decided; null before that. */
  readonly by: string | null
}

/** Name of the file. */
const approvalsFile = 'approvals.jsonl'

/** A line of it. */
type Line =
  | { readonly id: string; readonly kind: ApprovalKind; readonly summary: string; readonly at: string }
  | { readonly id: string; readonly decision: 'approve' | 'refuse'; readonly by: string; readonly at: string }
  | { readonly id: string; readonly done: true; readonly at: string }

/** Name of a request: of the same kind and content the same. */
export function approvalId(kind: ApprovalKind, what: unknown): string {
  return `${kind}-${createHash('sha256').update(JSON.stringify(what)).digest('hex').slice(0, 10)}`
}

/**
 * Requests about the life in a folder that are open: asked for, and not carried out. In the order in which
 * they were asked. Throws OptionError for no folder.
 */
export function openRequests(folder: string): ApprovalRequest[] {
  checkArgument('openRequests', 'folder', folder, aFolder)
  const requests = new Map<string, ApprovalRequest>()
  for (const line of linesOf(folder)) {
    if ('done' in line) requests.delete(line.id)
    else if ('kind' in line) {
      const { id, kind, summary } = line
      if (!requests.has(id)) requests.set(id, { id, kind, summary, decision: null, by: null })
    } else {
      const { id, decision, by } = line
      const known = requests.get(id)
      if (known !== undefined) requests.set(id, { ...known, decision, by })
    }
  }
  return [...requests.values()]
}

/** A broken last line is one that was not written to its end, and was never answered for. */
function linesOf(folder: string): Line[] {
  const file = join(folder, approvalsFile)
  if (!existsSync(file)) return []
  return readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line) => {
      try {
        const value = JSON.parse(line) as Line
        return typeof value === 'object' && typeof value.id === 'string' ? [value] : []
      } catch {
        return []
      }
    })
}

/** Bytes of the file: what tells that something was said. */
export const approvalsSize = (folder: string): number =>
  statSync(join(folder, approvalsFile), { throwIfNoEntry: false })?.size ?? 0

async function add(folder: string, line: object): Promise<void> {
  const file = await open(join(folder, approvalsFile), 'a', 0o600)
  try {
    // After a line that was cut off, this one begins anew.
    await file.appendFile(`\n${JSON.stringify({ ...line, at: new Date().toISOString() })}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Asks for something, unless it is asked for already. Returns the request as it is open now. */
export async function askFor(
  folder: string,
  kind: ApprovalKind,
  what: unknown,
  summary: string,
): Promise<ApprovalRequest> {
  const id = approvalId(kind, what)
  const known = openRequests(folder).find((request) => request.id === id)
  if (known !== undefined) return known
  await add(folder, { id, kind, summary })
  return { id, kind, summary, decision: null, by: null }
}

/** Notes that a request was carried out, or is no more: the same one has to be asked for anew. */
export const noteDone = (folder: string, id: string): Promise<void> => add(folder, { id, done: true })

/** Has all growth be asked for anew. */
export async function forgetGrowthRequests(folder: string): Promise<void> {
  for (const { id, kind } of openRequests(folder)) if (kind === 'growth') await noteDone(folder, id)
}

/**
 * Says yes or no to a request that is open. On disk when it resolves; whoever learns there takes note of it
 * before its next step.
 *
 * @param folder Holds a life.
 * @throws OptionError for a request that is not open, or was decided; what the disk throws.
 */
export async function decideApproval(
  folder: string,
  id: string,
  options: { readonly decision: 'approve' | 'refuse'; readonly by: string },
): Promise<ApprovalRequest> {
  const who = 'decideApproval'
  checkArgument(who, 'folder', folder, aFolder)
  checkArgument(who, 'id', id, checks.text)
  checkOptions(who, options, {
    decision: checks.required(checks.oneOf('approve', 'refuse')),
    by: checks.required(checks.text),
  })
  const { decision, by } = options
  const known = openRequests(folder).find((request) => request.id === id)
  if (known === undefined || known.decision !== null) {
    const had = known === undefined ? 'which does not wait' : `which ${known.by} has decided already`
    throw new OptionError(`approvals: got the request ${id}, ${had}; expected one that waits.`)
  }
  await add(folder, { id, decision, by })
  return { ...known, decision, by }
}
