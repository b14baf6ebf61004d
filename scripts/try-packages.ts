/**
 * `node scripts/try-packages.ts`: the packages as a stranger gets them.
 *
 * Builds and packs them, installs the tarballs into an empty project without a network, and lets a small
 * program and the command line run there, a server learns notes there and is asked about them, with the
 * machine's own Node and not the newer one that this repository brings along. Two compilers read the types.
 */
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { asJavaScript, firstPrograms, keepsPromise, promisedLines } from './doc-programs.ts'
import { inOrder } from './package-manifests.ts'
import { buildPackages, root } from './pack-packages.ts'
import { environmentOf, installTarballs, nodeOfTheMachine } from './stranger.ts'
import { tryServing } from './try-serving.ts'
import { tryTypes } from './try-types.ts'

/** The compiler of this repository, and the last of the generation before, which is fetched. */
const olderCompiler = '5.9.3'

/** Every `import` that the packages offer, as a program would write it. */
function entryPoints(folders: readonly string[]): string[] {
  return folders.flatMap((folder) => {
    const manifest = JSON.parse(readFileSync(join(root, 'packages', folder, 'package.json'), 'utf8')) as {
      name: string
      exports: Record<string, unknown>
    }
    return Object.keys(manifest.exports).map((subpath) => manifest.name + subpath.slice(1))
  })
}

const project = mkdtempSync(join(tmpdir(), 'burgeon-stranger-'))
try {
  const node = nodeOfTheMachine()
  const environment = environmentOf(node)
  const run = (command: string, ...args: readonly string[]): string =>
    execFileSync(command, args, {
      cwd: project,
      env: environment,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    })

  buildPackages()
  const tarballs = installTarballs(project, environment)
  console.log(`installed: ${tarballs.map(({ name }) => name).join(', ')}`)

  copyFileSync(join(import.meta.dirname, 'try-packages-program.js'), join(project, 'program.js'))
  const entries = entryPoints(inOrder)
  process.stdout.write(run(node, 'program.js', ...entries))

  for (const program of firstPrograms()) {
    // Those that want data are tried in test/packaging, on data that is made there.
    if (program.text.includes('process.argv')) continue
    writeFileSync(join(project, 'first-program.js'), await asJavaScript(program))
    const printed = run(node, 'first-program.js')
    if (!keepsPromise(printed, promisedLines(program.text)))
      throw new Error(
        `the program of ${program.document}, "${program.title}", printed something else:\n${printed}`,
      )
    console.log(`${program.document}, ${program.title}: prints what it says`)
  }

  const help = run('npx', '--offline', 'burgeon', '--help')
  if (!/^Usage: burgeon /m.test(help)) throw new Error(`burgeon --help says something else:\n${help}`)
  console.log(`npx burgeon --help: ${help.split('\n').length} lines`)

  await tryServing(project, environment)

  const compilers = join(project, 'compilers')
  run(
    'npm',
    'install',
    '--prefix',
    compilers,
    '--ignore-scripts',
    '--loglevel=error',
    `typescript@${olderCompiler}`,
  )
  const own = join(root, 'node_modules/typescript')
  const { version } = JSON.parse(readFileSync(join(own, 'package.json'), 'utf8')) as { version: string }
  const older = join(compilers, 'node_modules/typescript')
  const files = new Map(
    [own, older].map((folder, i) => [[version, olderCompiler][i], join(folder, 'bin/tsc')]),
  )
  tryTypes(project, entries, files)
} finally {
  rmSync(project, { recursive: true, force: true })
}
