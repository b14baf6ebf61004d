/** Waits for what a broken part may never do. */
import { type Check, checks } from '@burgeon/tensor'

/** How long a suite waits for what should happen. */
export interface Patience {
  /** Milliseconds for one statement, after which it counts as broken. Default 10,000. */
  readonly patience?: number
}

/** Check of that time. */
export const aPatience: Check<number> = checks.number({ above: 0, to: 1e6 })

/** The complaint of a promise that is tried, or that it took too long. */
export async function complaintWithin(
  patience: number,
  tried: () => Promise<string | null>,
): Promise<string | null> {
  const trying = tried().catch((error: unknown) => {
    const { name, message } = error as Error
    return `${name}: ${message}`
  })
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`it was not done after ${patience} ms`), patience)
  })
  try {
    return await Promise.race([trying, late])
  } finally {
    clearTimeout(timer)
  }
}

/** What is wrong with how a promise was rejected; null if it was with an error of this kind. */
export async function unrejected(
  what: string,
  promise: () => Promise<unknown>,
  kind: abstract new (...args: never[]) => Error,
): Promise<string | null> {
  try {
    await promise()
    return `${what} was accepted`
  } catch (error) {
    return error instanceof kind ? null : `${what} ended in ${String(error)}; expected ${kind.name}`
  }
}
