/** Gives a run of the tests a temporary folder of its own, which goes with all that tests and processes left in it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const folder = mkdtempSync(join(tmpdir(), 'burgeon-tests-'))

/** Before the first test. */
export function setup(): void {
  process.env.TMPDIR = folder
}

/** After the last one. */
export function teardown(): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
}
