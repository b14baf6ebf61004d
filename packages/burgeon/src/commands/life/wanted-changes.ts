/** Changes of a life that is taken up again: those that its policy has somebody approve wait until then. */
import { type Disk, describeCheckpoint } from '@burgeon/gpt'
import type { LifeSettings } from '../../session/life/life-settings.ts'
import { changesUnderPolicy, type WantedChanges } from '../../session/policy/changes-under-policy.ts'
import type { CommandContext } from '../../terminal/command-context.ts'
import { pathArgument, shellCommand } from '../../terminal/shell-word.ts'
import { printable } from '../../terminal/terminal.ts'

/** The changes that may be now. Of the others it is said how somebody can approve them. */
export async function wantedChanges(
  who: string,
  disk: Disk,
  wanted: WantedChanges,
  { status }: Pick<CommandContext, 'status'>,
): Promise<Partial<Pick<LifeSettings, 'maxParameters' | 'policy'>>> {
  const given = definedOf(wanted)
  if (Object.keys(given).length === 0) return {}
  const { life } = await describeCheckpoint(disk)
  // A checkpoint without settings, or with damaged ones, is refused when it is loaded.
  const { settings } = (life ?? {}) as { readonly settings?: Partial<LifeSettings> }
  if (settings?.policy === undefined || settings.maxParameters === undefined) return given
  const { policy, maxParameters } = settings
  const { now, waiting } = await changesUnderPolicy(disk.place, { policy, maxParameters }, wanted)
  for (const { id, summary, decision, by } of waiting) {
    const how =
      decision === 'refuse'
        ? `was refused by ${printable(by ?? 'somebody')}`
        : `waits for approval (${shellCommand('approve', pathArgument(disk.place), id, '--by', 'NAME')})`
    status.write(`burgeon: ${who}: ${printable(summary)}: this ${how}; the life goes on without.\n`)
  }
  return definedOf(now)
}

function definedOf({
  maxParameters,
  policy,
}: WantedChanges): Partial<Pick<LifeSettings, 'maxParameters' | 'policy'>> {
  return { ...(maxParameters !== undefined && { maxParameters }), ...(policy !== undefined && { policy }) }
}
