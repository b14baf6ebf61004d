/** Promises of which only the end matters. */

/** What a promise was rejected with; undefined if it was not. */
export async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise
    return undefined
  } catch (error) {
    return error
  }
}

/** Resolves with a promise, or after so many milliseconds. */
export async function waitFor(promise: Promise<unknown>, milliseconds: number): Promise<void> {
  const { setTimeout } = globalThis as unknown as { setTimeout(run: () => void, wait: number): unknown }
  await Promise.race([promise, new Promise<void>((resolve) => void setTimeout(resolve, milliseconds))])
}
