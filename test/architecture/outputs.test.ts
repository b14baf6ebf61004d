/** What the commands write by default is nothing that the repository keeps, formats or checks. */
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'

const root = join(import.meta.dirname, '../..')

it.for(['first-life', 'life'])('npm run check passes over %s', (folder) => {
  const checkout = mkdtempSync(join(tmpdir(), 'burgeon-outputs-'))
  onTestFinished(() => rmSync(checkout, { recursive: true, force: true }))
  for (const name of ['biome.json', '.gitignore']) copyFileSync(join(root, name), join(checkout, name))
  const run = (program: string, ...args: string[]): string =>
    execFileSync(program, args, { cwd: checkout, encoding: 'utf8', stdio: 'pipe' })
  run('git', 'init', '--quiet')
  mkdirSync(join(checkout, folder))
  writeFileSync(join(checkout, folder, 'checkpoint.json'), '{"not":   "formatted"}')
  writeFileSync(join(checkout, folder, 'report.html'), '<p  >not formatted')
  expect(run('git', 'status', '--porcelain', '--untracked-files=all').split('\n')).toEqual([
    '?? .gitignore',
    '?? biome.json',
    '',
  ])
  run(process.execPath, join(root, 'node_modules/@biomejs/biome/bin/biome'), 'format', '.')
})
