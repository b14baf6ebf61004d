/** Senses that are not text, an optional package. */
import type * as Senses from '@burgeon/senses'
import type * as Files from '@burgeon/senses/node'
import { UnsupportedError } from '@burgeon/tensor'

/** The version that goes with this one. */
const senses = { name: '@burgeon/senses', version: '0.1.0' }

/** What the package can do. */
export type FoundSenses = typeof Senses & typeof Files

/**
 * Loads the package.
 *
 * @param who The command that needs it, for the message.
 * @throws UnsupportedError that says how it is installed, where it is not.
 */
export async function findSenses(who: string): Promise<FoundSenses> {
  try {
    const [all, files] = await Promise.all([import('@burgeon/senses'), import('@burgeon/senses/node')])
    return { ...all, ...files }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new UnsupportedError(
      `${who}: the package ${senses.name} is not installed; run npm i ${senses.name}@${senses.version}.`,
      { cause: error },
    )
  }
}
