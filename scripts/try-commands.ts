/**
 * `node scripts/try-commands.ts [--all]`: runs the commands that documents print, as printed, in their order.
 *
 * Those of the packages' pages, and every `npx burgeon …`, run in an empty folder with nothing but the
 * tarballs, under the machine's own Node and under the newer one of this repository; those of the other
 * documents in a clone of this checkout. What is not run as printed stands in `doc-commands.ts`, with why.
 * Run it after `npm ci` on a committed tree.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, globSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { commandsIn, documents, type Otherwise, otherwise } from './doc-commands.ts'
import { buildPackages, root } from './pack-packages.ts'
import { environmentOf, installTarballs, nodeOfTheMachine } from './stranger.ts'

const all = process.argv.includes('--all')
const folder = mkdtempSync(join(tmpdir(), 'burgeon commands $HOME '))
const failures: string[] = []

/** Text to learn, a model to go on from and a table, as the documents name them. */
function writeNotes(place: string): void {
  cpSync(join(root, 'test/gold/small-llama'), join(place, 'models/llama'), { recursive: true })
  mkdirSync(join(place, 'notes'), { recursive: true })
  for (const [name, file] of [
    ['first', 'notes/first.txt'],
    ['second', 'notes/second.txt'],
    ['third', 'book.txt'],
  ]) {
    const lines = Array.from(
      { length: 120 },
      (_, i) => `Dear ${name} friend, this is line ${i} of what I noted.`,
    )
    writeFileSync(join(place, file), `${lines.join('\n')}\n`)
  }
  const levels = Array.from({ length: 600 }, (_, i) => `${i},${Math.sin(7 * i) + (i < 400 ? 20 : 24)}`)
  writeFileSync(join(place, 'readings.csv'), `time,level\n${levels.join('\n')}\n`)
}

function tryIn(place: string, about: string, commands: readonly string[], env: NodeJS.ProcessEnv): void {
  writeNotes(place)
  for (const command of new Set(commands)) {
    const { run, because, isLong = false }: Otherwise = otherwise[command] ?? { run: command, because: '' }
    if (run === undefined || (isLong && !all)) {
      console.log(`${about}: not run: ${command} (${isLong ? 'takes minutes; --all runs it' : because})`)
      continue
    }
    const { status, signal, stdout, stderr } = spawnSync('bash', ['-c', run], {
      ...{ cwd: place, env, encoding: 'utf8', maxBuffer: 2 ** 28 },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    console.log(
      `${about}: ${status === 0 ? 'ran' : 'FAILED'}: ${run}${run === command ? '' : ` (for ${command}: ${because})`}`,
    )
    if (status !== 0)
      failures.push(
        `${about}: ${run} ended with ${signal ?? status}\n${stdout.slice(-2000)}${stderr.slice(-2000)}`,
      )
  }
}

try {
  const own = nodeOfTheMachine()
  const newer = join(root, 'node_modules/node/bin/node')
  const printed = documents.flatMap(commandsIn)
  const isOfStranger = (document: string): boolean => document.startsWith('packages/')
  buildPackages()
  for (const [about, node] of [own, newer].map((file) => [
    execFileSync(file, ['--version'], { encoding: 'utf8' }).trim(),
    file,
  ])) {
    const place = join(folder, `tarballs ${about}`)
    mkdirSync(place)
    const env = environmentOf(node)
    installTarballs(place, env)
    const commands = printed
      .filter(({ document, command }) => isOfStranger(document) || command.startsWith('npx burgeon '))
      .map(({ command }) => command)
    tryIn(place, `tarballs, Node ${about}`, commands, env)
  }
  const clone = join(folder, 'clone')
  execFileSync('git', ['clone', '--quiet', root, clone])
  // As `npm ci` leaves them: links to the packages lead into the clone.
  for (const modules of globSync(['node_modules', 'packages/*/node_modules'], { cwd: root }))
    execFileSync('cp', ['--archive', join(root, modules), join(clone, modules)])
  const commands = printed.filter(({ document }) => !isOfStranger(document)).map(({ command }) => command)
  tryIn(clone, 'checkout', commands, environmentOf(own))
} finally {
  rmSync(folder, { recursive: true, force: true })
}
for (const failure of failures) console.error(failure)
if (failures.length > 0) process.exitCode = 1
