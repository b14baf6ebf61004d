/** Proofs out of an audit log, which hold without the log: that an entry is in it, and that it only grew. */
import type { Disk } from '@burgeon/gpt'
import { type Check, checkArgument, checks, fields } from '@burgeon/tensor'
import { AuditError } from '../errors.ts'
import {
  anAuditHead,
  anAuditPlace,
  auditBeginning,
  type AuditEntry,
  type AuditHead,
  auditHeadAt,
  type AuditPlace,
  AuditWalk,
  entryIn,
} from './audit-entry.ts'
import { auditFilesIn, type AuditLine, auditLines } from './audit-files.ts'
import { consistencyPath, inclusionPath, isConsistent, leafHash, rootByInclusion } from './merkle-tree.ts'
import { bytesOfHex, hexOf } from './sha256.ts'

/** Shows that an entry is in the log of a head: ⌈log₂ size⌉ hashes at most. Plain data. */
export interface InclusionProof {
  readonly head: AuditHead
  /** Number of the entry. */
  readonly index: number
  /** The entry as its line says it. */
  readonly entry: string
  /** Hashes from its leaf up to the root, in hexadecimal. */
  readonly path: readonly string[]
}

/** Shows that a log begins with an earlier one. Plain data. */
export interface ConsistencyProof {
  readonly first: AuditHead
  readonly second: AuditHead
  /** Hashes, in hexadecimal. */
  readonly path: readonly string[]
}

/** What can be asked of an audit log that was read. */
export interface ReadAudit {
  readonly series: number
  /** Of all its entries. */
  readonly head: AuditHead
  /** All of them, in order. */
  readonly entries: readonly AuditEntry[]
  /** @throws OptionError for a number that no entry has. */
  proveInclusion(index: number): InclusionProof
  /** @throws OptionError for a size that is above that of the log. */
  proveConsistency(size: number): ConsistencyProof
}

/**
 * Reads the newest audit log of a folder, up to its last whole entry.
 *
 * @param place What a checkpoint holds: the log must lead there. Nothing unless given.
 * @throws AuditError for a log whose chain does not hold, or that does not lead there; `verifyAudit` says
 *   where.
 */
export async function readAudit(disk: Disk, place: AuditPlace = auditBeginning): Promise<ReadAudit> {
  checkArgument('readAudit', 'disk', disk, checks.role<Disk>('a disk', 'list', 'read'))
  checkArgument('readAudit', 'place', place, anAuditPlace)
  const all = auditFilesIn(await disk.list())
  const series = all.at(-1)?.series ?? 0
  const files = all.filter((file) => file.series === series)
  const walk = new AuditWalk()
  const [lines, leaves]: [AuditLine[], Uint8Array[]] = [[], []]
  for await (const line of auditLines(disk, files)) {
    if (!walk.isNext(line.bytes)) {
      // The last write may have been torn.
      if (walk.size >= (files.at(-1)?.first ?? 0)) break
      throw new AuditError(
        `${disk.place}: its audit log is not whole: entry ${walk.size} in ${line.file}, byte ${line.at}, does not ` +
          'belong there; expected the one that names the entry before it. Verify the log.',
      )
    }
    leaves.push(walk.take(line.bytes))
    lines.push(line)
  }
  const known = place.series === series ? place : auditBeginning
  if (known.size > 0 && hexOf(leaves.at(known.size - 1) ?? new Uint8Array()) !== known.last.at(-1)) {
    throw new AuditError(
      `${disk.place}: its audit log has ${leaves.length} entries that hold; expected the ${known.size} of its checkpoint. ` +
        'Verify the log.',
    )
  }
  const head = auditHeadAt(walk.placeIn(series))
  const headOf = (size: number): AuditHead => {
    const before = new AuditWalk()
    for (const { bytes } of lines.slice(0, size)) before.take(bytes)
    return auditHeadAt(before.placeIn(series))
  }
  return {
    ...{ series, head },
    entries: lines.map(({ bytes }) => entryIn(bytes) as AuditEntry),
    proveInclusion(index) {
      checkArgument('proveInclusion', 'index', index, checks.integer({ from: 0, to: lines.length - 1 }))
      const path = inclusionPath(leaves, index).map(hexOf)
      return { head, index, entry: new TextDecoder().decode(lines[index].bytes), path }
    },
    proveConsistency(size) {
      checkArgument('proveConsistency', 'size', size, checks.integer({ from: 0, to: lines.length }))
      return { first: headOf(size), second: head, path: consistencyPath(leaves, size).map(hexOf) }
    },
  }
}

const path: Check<readonly string[]> = checks.list('hashes in hexadecimal', {
  expected: 'a hash in hexadecimal',
  accepts: (value): value is string => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value),
})

const anInclusionProof: Check<InclusionProof> = fields('a proof { head, index, entry, path }', {
  ...{ head: anAuditHead, index: checks.count, entry: checks.text, path },
})

const aConsistencyProof: Check<ConsistencyProof> = fields('a proof { first, second, path }', {
  ...{ first: anAuditHead, second: anAuditHead, path },
})

/**
 * Whether a proof shows that its entry is in the log of its head. Whether that head is the right one, the
 * proof cannot say: hold it against one that somebody else has.
 *
 * @throws OptionError for what is no proof.
 */
export function checkInclusion(proof: InclusionProof): boolean {
  checkArgument('checkInclusion', 'proof', proof, anInclusionProof)
  const { head, index, entry, path: hashes } = proof
  const line = new TextEncoder().encode(entry)
  if (index >= head.size || entryIn(line)?.i !== index) return false
  const root = rootByInclusion(leafHash(line), index, head.size, hashes.map(bytesOfHex))
  return root !== null && hexOf(root) === head.root
}

/**
 * Whether a proof shows that the log of its second head begins with the log of its first: nothing was
 * changed, and nothing left out.
 *
 * @throws OptionError for what is no proof.
 */
export function checkConsistency(proof: ConsistencyProof): boolean {
  checkArgument('checkConsistency', 'proof', proof, aConsistencyProof)
  const [first, second] = [proof.first, proof.second].map(({ size, root }) => ({
    ...{ size, root: bytesOfHex(root) },
  }))
  return isConsistent({ first, second }, proof.path.map(bytesOfHex))
}
