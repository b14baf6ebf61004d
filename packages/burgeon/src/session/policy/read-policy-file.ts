/** Reads the file that says what a life may learn, say and grow. */
import { readFile } from 'node:fs/promises'
import { PolicyError, readPolicy } from '@burgeon/continual'
import { type HeldPolicy, heldPolicy } from '../../models/held-policy.ts'
import { printable } from '../../terminal/terminal.ts'
import { UsageError } from '../../terminal/usage-error.ts'

/**
 * A policy out of a file of JSON.
 *
 * @throws UsageError for a file that cannot be read, or is no policy, with the line and the field.
 */
export async function readPolicyFile(who: string, file: string): Promise<HeldPolicy> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new UsageError(
      `${who}: the policy ${printable(file)} cannot be read; expected a file of JSON such as { "learn": { "personalData": "redact" } }.`,
      { cause },
    )
  })
  try {
    return heldPolicy(readPolicy(text))
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error
    throw new UsageError(`${who}: ${printable(file)}: ${error.message}`, { cause: error })
  }
}
