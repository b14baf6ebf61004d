/** Functions for promises of which only the end matters. */

/** Resolves with the error of a rejected promise; undefined if it was not rejected. */
export async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise
    return undefined
  } catch (error) {
    return error
  }
}

/** Resolves with a promise, or after a number of milliseconds. */
export async function waitFor(promise: Promise<unknown>, milliseconds: number): Promise<void> {
  const { setTimeout } = globalThis as unknown as { setTimeout(run: () => void, wait: number): unknown }
  await Promise.race([promise, new Promise<void>((resolve) => void setTimeout(resolve, milliseconds))])
}
