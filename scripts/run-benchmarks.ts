/**
 * `node scripts/run-benchmarks.ts --data DIR [NAME…]`: runs all benchmarks whose results are kept, or those
 * named, keeps the results, and writes the tables of the documents anew. Takes hours; wants a quiet machine,
 * a committed tree, and the peers.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { keptBenchmarks } from './kept-results.ts'
import { root } from './pack-packages.ts'

const { values, positionals } = parseArgs({ allowPositionals: true, options: { data: { type: 'string' } } })
const names = positionals.length > 0 ? positionals : Object.keys(keptBenchmarks)
const unknown = names.filter((name) => !Object.hasOwn(keptBenchmarks, name))
if (unknown.length > 0)
  fail(`got ${unknown.join(', ')}; expected names among ${Object.keys(keptBenchmarks).join(', ')}`)
const lacking = names.filter((name) => keptBenchmarks[name].includes('DIR'))
if (values.data === undefined && lacking.length > 0) fail(`${lacking.join(', ')} need --data DIR`)
// Results name the commit that they are of; only results themselves may differ from it.
const changed = execFileSync('git', ['status', '--porcelain'], { cwd: root, encoding: 'utf8' })
  .split('\n')
  .filter((line) => line !== '' && !/ (?:bench\/results\/|README\.md$|docs\/)/.test(line))
if (changed.length > 0) fail(`the tree has changes; commit first:\n${changed.join('\n')}`)

const failed: string[] = []
for (const name of names) {
  const args = keptBenchmarks[name].map((arg) => (arg === 'DIR' ? (values.data ?? '') : arg))
  const json = ['--json', join('bench/results', `${name}.json`)]
  console.log(`npm run bench -- ${args.join(' ')}`)
  const { status } = spawnSync(
    process.execPath,
    ['--conditions=@burgeon/source', 'bench/run.ts', ...args, ...json],
    { cwd: root, stdio: 'inherit' },
  )
  if (status !== 0) failed.push(name)
}
await import('./write-tables.ts')
if (failed.length > 0)
  fail(
    `a check failed, or there is no result: ${failed.join(', ')}. A result that is kept all the same needs a sentence in bench/results/README.md`,
  )

function fail(why: string): never {
  console.error(`run-benchmarks: ${why}.`)
  process.exit(1)
}
