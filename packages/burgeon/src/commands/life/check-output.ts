/**
 * Looks at `--out` before anything is learnt, so that no learning ends at a door that was locked all along.
 */
import { mkdir, open, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describeCheckpoint, hasCheckpoint } from '@burgeon/gpt'
import { nodeDisk } from '@burgeon/gpt/node'
import type { LifeMaker, LifeOrigin } from '../../session/life/life-origin.ts'
import { reportMark } from '../../report/render-report.ts'
import { UsageError } from '../../terminal/usage-error.ts'

/**
 * @throws UsageError if the folder cannot be made or written to, or holds a report.html of somebody else's.
 */
export async function checkOutput(command: string, out: string): Promise<void> {
  const trial = join(out, `trial-${process.pid}.new`)
  try {
    await mkdir(out, { recursive: true })
    await writeFile(trial, '')
    await rm(trial)
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    throw new UsageError(`${command}: cannot write into ${out} (${code ?? message}). Give another --out.`, {
      cause,
    })
  }
  if (!(await hasCheckpoint(nodeDisk(out))) && !(await isOwnReport(join(out, 'report.html')))) {
    throw new UsageError(
      `${command}: ${join(out, 'report.html')} was not made by burgeon and would be overwritten. Give another --out.`,
    )
  }
}

/** Whether a file may be overwritten by a report: it is one, or there is none. */
export async function isOwnReport(file: string): Promise<boolean> {
  try {
    await using handle = await open(file, 'r')
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(1024), 0, 1024, 0)
    return buffer.toString('utf8', 0, bytesRead).includes(reportMark)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT'
  }
}

/**
 * Which command made the checkpoint of a folder: null where there is none, `unknown` where it does not say or
 * cannot be read.
 */
export async function makerOf(out: string): Promise<LifeMaker | 'unknown' | null> {
  const disk = nodeDisk(out)
  if (!(await hasCheckpoint(disk))) return null
  try {
    const { life } = (await describeCheckpoint(disk)) as { life?: { origin?: LifeOrigin } }
    return life?.origin?.maker ?? 'unknown'
  } catch {
    return 'unknown'
  }
}
