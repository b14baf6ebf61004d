/** Checks of the arguments of checkpoint functions. */
import { type Check, checkArgument, checkOptions, checks } from '@burgeon/tensor'
import type { Disk } from './disk.ts'
import type { WhichCheckpoint } from './manifest.ts'

/** Any object of the role. */
const aDisk: Check<Disk> = checks.role(
  'a disk, such as that of nodeDisk',
  ...(['place', 'read', 'write', 'rename', 'remove', 'list', 'sync', 'lock'] as const),
)

/** Throws OptionError unless it is a disk. */
export function checkDisk(who: string, name: string, disk: Disk): void {
  checkArgument(who, name, disk, aDisk)
}

/** Throws OptionError unless it says which checkpoint is meant. */
export function checkWhich(who: string, which: WhichCheckpoint): void {
  checkOptions(who, which, { kept: checks.integer({ from: 0 }) })
}
