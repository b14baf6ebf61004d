/** `burgeon audit`: verifies the audit log of a life, and gives and checks proofs out of it. */
import { readFile } from 'node:fs/promises'
import { type AuditHead, checkConsistency, type ConsistencyProof, type WrongEntry } from '@burgeon/continual'
import {
  type CheckedProof,
  checkLearnt,
  type LearntProof,
  proveLearnt,
  readLifeAudit,
  verifyLifeAudit,
} from '../../session/audit/audit-life.ts'
import type { CommandContext } from '../../terminal/command-context.ts'
import { count } from '../../terminal/quantities.ts'
import { resultsOf } from '../../terminal/results.ts'
import { printable } from '../../terminal/terminal.ts'
import { UsageError } from '../../terminal/usage-error.ts'

interface Common {
  /** Prints one object of JSON. */
  readonly json: boolean
}

/** What does not hold; a command that fails ends with 1. */
const doesNotHold = 3

/** A head as people pass it on: its root and its size. */
const headText = ({ size, root }: AuditHead): string => `${root}:${size}`

/** The head of a text. Throws UsageError for what is none. */
function headFrom(text: string): AuditHead {
  const [, root, size] = /^([0-9a-f]{64}):(\d+)$/.exec(text) ?? []
  if (root !== undefined && Number.isSafeInteger(Number(size))) return { root, size: Number(size) }
  throw new UsageError(
    `audit: got the head ${printable(text)}; expected 64 hexadecimal digits, a colon and a number of entries.`,
  )
}

export interface VerifyOptions extends Common {
  /** Heads that witnesses hold. */
  readonly head: readonly string[]
}

/** Runs `burgeon audit verify`. Returns the exit code. */
export async function auditVerify(
  folder: string,
  { head, json }: VerifyOptions,
  outer: CommandContext,
): Promise<number> {
  const { print, context } = resultsOf(json, outer)
  const verdict = await verifyLifeAudit(folder, { heads: head.map(headFrom) })
  const { ok, heads, wrong, weights } = verdict
  const held = heads.filter(({ holds }) => holds).length
  const newest = Math.max(-1, ...heads.map(({ size }) => size))
  const lines = [
    ok
      ? `The audit log of ${printable(folder)} is whole: ${count(verdict.head.size)} entries.`
      : `The audit log of ${printable(folder)} is NOT whole.`,
    ...(wrong === null ? [] : [`  ${wrongLine(wrong)}`]),
    ...(weights === false ? ['  The weights of the checkpoint are not those that the log names.'] : []),
    `Head        ${headText(verdict.head)}`,
    heads.length === 0
      ? 'No witness was asked (--head): that log and checkpoints were cut to an earlier state together cannot be seen.'
      : `Witnesses   ${held} of ${heads.length} heads hold; what was cut behind entry ${count(newest)} cannot be seen.`,
  ]
  context.output.write(`${lines.join('\n')}\n`)
  print(verdict)
  return ok ? 0 : doesNotHold
}

function wrongLine({ from, to, place, reason }: WrongEntry): string {
  const where = place === null ? '' : ` (${printable(place.file)}, byte ${place.byte})`
  return from === to ? `Entry ${from}${where}: ${reason}.` : `Entry ${from} to ${to}${where}: ${reason}.`
}

/** Runs `burgeon audit head`. Returns the exit code. */
export async function auditHead(folder: string, { json }: Common, outer: CommandContext): Promise<number> {
  const { print, context } = resultsOf(json, outer)
  const { head, series } = await readLifeAudit(folder)
  context.output.write(`${headText(head)}\n`)
  print({ ...head, series })
  return 0
}

/** Runs `burgeon audit prove`: what it prints is JSON anyway. Returns the exit code. */
export async function auditProve(folder: string, id: number, { output }: CommandContext): Promise<number> {
  output.write(`${JSON.stringify(await proveLearnt(folder, id))}\n`)
  return 0
}

export interface CheckOptions extends Common {
  /** File of the text that was learnt. */
  readonly text?: string
  /** A head that a witness holds. */
  readonly head?: string
}

/** Runs `burgeon audit check`. Returns the exit code. */
export async function auditCheck(
  file: string,
  { text, head, json }: CheckOptions,
  outer: CommandContext,
): Promise<number> {
  const { print, context } = resultsOf(json, outer)
  const proof = await proofIn(file)
  const learnt = text === undefined ? undefined : await readFile(text, 'utf8')
  const isConsistency = 'second' in proof
  const { holds, isOfText }: CheckedProof = isConsistency
    ? { holds: checkConsistency(proof), isOfText: null }
    : checkedWith(proof, learnt)
  const heads = (isConsistency ? [proof.first, proof.second] : [proof.head]).map(headText)
  const isWitnessed = head === undefined ? null : heads.includes(headText(headFrom(head)))
  if (learnt !== undefined && isOfText === null) {
    throw new UsageError(
      `audit: the proof in ${printable(file)} cannot say of which text it is; leave --text out.`,
    )
  }
  const ok = holds && isOfText !== false && isWitnessed !== false
  const lines = [
    ...(isConsistency
      ? [holds ? `The log of ${heads[1]} begins with that of ${heads[0]}.` : 'The proof does NOT hold.']
      : [
          holds
            ? `The log of ${heads[0]} has the entry\n  ${printable(proof.entry)}`
            : 'The proof does NOT hold.',
        ]),
    ...(isOfText === null ? [] : [isOfText ? 'It is of that text.' : 'It is NOT of that text.']),
    ...(isWitnessed === null
      ? ['Whether that is the head that others see, only they know (--head).']
      : [isWitnessed ? 'The witness holds that head.' : 'The witness holds ANOTHER head.']),
  ]
  context.output.write(`${lines.join('\n')}\n`)
  print({ ok, holds, isOfText, isWitnessed, heads })
  return ok ? 0 : doesNotHold
}

/** A text file ends with a line end that the text may not have had. */
function checkedWith(proof: LearntProof, text?: string): CheckedProof {
  const checked = checkLearnt(proof, text)
  return checked.isOfText === false ? checkLearnt(proof, text?.replace(/\r?\n$/, '')) : checked
}

async function proofIn(file: string): Promise<LearntProof | ConsistencyProof> {
  const proof = await readFile(file, 'utf8')
    .then((text) => JSON.parse(text) as unknown)
    .catch(() => null)
  if (typeof proof === 'object' && proof !== null) return proof as LearntProof | ConsistencyProof
  throw new UsageError(`audit: ${printable(file)} holds no proof; expected what audit prove prints.`)
}
