/** The run of CI ends where it cannot prove what it is there to prove. It is tried among programs of the same names that do nothing. */
import { spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'

const script = join(import.meta.dirname, '../../.ci/run')
const needed = ['bash', 'cat', 'cut', 'dirname', 'env', 'grep', 'head', 'ls', 'mktemp', 'rm', 'tr']
const pretended = { git: 'exit 0', node: 'exit 0', npm: 'echo went on; exit 0', npx: 'echo went on; exit 0' }

/** Runs the script where only these programs are. */
function runWith(programs: Readonly<Record<string, string>>): { status: number | null; said: string } {
  const folder = mkdtempSync(join(tmpdir(), 'burgeon-ci-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  for (const name of ['.ci', 'bin']) mkdirSync(join(folder, name))
  copyFileSync(script, join(folder, '.ci/run'))
  for (const name of needed) symlinkSync(join('/usr/bin', name), join(folder, 'bin', name))
  for (const [name, text] of Object.entries({ ...pretended, ...programs })) {
    writeFileSync(join(folder, 'bin', name), `#!/bin/sh\n${text}\n`)
    chmodSync(join(folder, 'bin', name), 0o755)
  }
  const { status, stdout, stderr } = spawnSync('/bin/bash', [join(folder, '.ci/run')], {
    env: { PATH: join(folder, 'bin') },
    encoding: 'utf8',
  })
  return { status, said: stdout + stderr }
}

const newMesa = 'echo 25.0.7'
it.for<[string, Record<string, string>, RegExp]>([
  [
    'has no Vulkan driver and no package of it',
    { 'dpkg-query': 'exit 1', 'apt-get': 'exit 100' },
    /lavapipe/,
  ],
  [
    'has an old driver and no newer package',
    { 'dpkg-query': 'echo 22.3.6', 'apt-get': 'exit 100' },
    /lavapipe/,
  ],
  ['installs a driver that is not there', { 'dpkg-query': 'exit 1', 'apt-get': 'exit 0' }, /Vulkan driver/],
  [
    'has no browser and no package of it',
    { 'dpkg-query': newMesa, 'apt-get': 'exit 100' },
    /chromium|Vulkan/,
  ],
])('a machine that %s ends the run', ([, programs, what]) => {
  const { status, said } = runWith(programs)
  expect(said).toMatch(/^\.ci\/run: this machine has no .* could not be installed/m)
  expect(said).toMatch(what)
  expect(status).toBe(1)
  expect(said).not.toContain('went on')
})
