/**
 * `node scripts/try-packages.ts`: the packages as a stranger gets them.
 *
 * Builds and packs them, installs the tarballs into an empty project without a network, and lets a small program and
 * the command line run there, with the machine's own Node and not the newer one that this repository brings along. Two
 * compilers read the types.
 */
import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join, sep } from 'node:path'
import { buildPackages, packDependencies, packPackages, root } from './pack-packages.ts'
import { tryTypes } from './try-types.ts'

/** The compiler of this repository, and the last of the generation before, which is fetched. */
const olderCompiler = '5.9.3'

/** The oldest Node that the packages promise to run on: see `engines` in their manifests. */
const oldest = [20, 19]

const isOurs = (folder: string): boolean => folder.split(sep).includes('node_modules')

/** The first Node on the path that no package brought. */
function nodeOfTheMachine(): string {
  const folders = (process.env.PATH ?? '')
    .split(delimiter)
    .filter((folder) => folder !== '' && !isOurs(folder))
  const node = folders.map((folder) => join(folder, 'node')).find((file) => existsSync(file))
  if (node === undefined) throw new Error('there is no Node on the path besides the one in node_modules')
  const version = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim()
  const [major, minor] = version.slice(1).split('.').map(Number)
  if (major < oldest[0] || (major === oldest[0] && minor < oldest[1])) {
    throw new Error(`${node} is ${version}; the packages need ${oldest.join('.')} or newer`)
  }
  console.log(`the machine's own Node: ${version}`)
  return node
}

/** An environment in which that Node comes first and nothing is left of the npm that called this script. */
function environmentOf(node: string): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(npm_|INIT_CWD$|NODE_OPTIONS$)/.test(name))
  const path = (process.env.PATH ?? '').split(delimiter).filter((folder) => !isOurs(folder))
  return { ...Object.fromEntries(kept), PATH: [dirname(node), ...path].join(delimiter) }
}

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
  const tarballs = [...packPackages(project), ...packDependencies(project)]
  writeFileSync(join(project, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
  const packed = tarballs.map(({ filename }) => `./${filename}`)
  run(
    'npm',
    'install',
    '--offline',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
    ...packed,
  )
  console.log(`installed: ${tarballs.map(({ name }) => name).join(', ')}`)

  copyFileSync(join(import.meta.dirname, 'try-packages-program.js'), join(project, 'program.js'))
  const entries = entryPoints(['tensor', 'autograd', 'gpt', 'continual', 'burgeon'])
  process.stdout.write(run(node, 'program.js', ...entries))

  const help = run('npx', '--offline', 'burgeon', '--help')
  if (!/^Usage: burgeon /m.test(help)) throw new Error(`burgeon --help says something else:\n${help}`)
  console.log(`npx burgeon --help: ${help.split('\n').length} lines`)

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
