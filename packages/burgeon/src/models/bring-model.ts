/** Brings models to commands: downloads show how far they are, and Ctrl-C ends them. */
import type { CommandContext } from '../terminal/command-context.ts'
import { createProgressLine } from '../terminal/progress-line.ts'
import { pathOfPlace } from './hub-place.ts'

/**
 * The path that a place leads to, as `pathOfPlace` finds it. As with Python's libraries, `HF_ENDPOINT` names
 * another hub, and `HF_TOKEN` opens models that not everyone may have.
 *
 * @throws The reason of `context.stop` where the user stopped a download.
 */
export async function broughtPath(who: string, place: string, context: CommandContext): Promise<string> {
  const { environment, status, stop, now } = context
  const { HF_ENDPOINT: hubUrl, HF_TOKEN: accessToken } = environment
  const line = createProgressLine({ output: status, environment, now })
  try {
    return await pathOfPlace(who, place, {
      ...(hubUrl && { hubUrl }),
      ...(accessToken && { accessToken }),
      fetch: (input, init) => fetch(input, { ...init, signal: stop }),
      onProgress: ({ file, totalBytes: bytes, totalSize }) =>
        line.update({ bytes, totalBytes: totalSize, domain: file, bitsPerByte: null }),
    })
  } catch (error) {
    stop.throwIfAborted()
    throw error
  } finally {
    line.end()
  }
}
