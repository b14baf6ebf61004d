/**
 * `node scripts/check-packages.ts`: looks at the packages as their users will get them.
 *
 * Each is built, packed, and read by publint and are-the-types-wrong; the tarballs hold the files they
 * should, weigh what they may, and come out the same a second time.
 */
import { execFileSync } from 'node:child_process'
import { globSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { dashboardFiles } from './build-dashboard.ts'
import { inOrder } from './package-manifests.ts'
import { buildPackages, packDependencies, packPackages, root, type Tarball } from './pack-packages.ts'

/**
 * Size limit of `npm i burgeon` on a disk, with everything it brings, in bytes. Neither sources nor source
 * maps travel with the packages: what is built of them is the same text, comments included, and its types
 * stand beside it. To raise it is a decision.
 */
const installedLimit = 9_000_000
/** The server is installed by itself; more than half of it is the package that checks what it is sent. */
const serverLimit = 10_000_000
/** Pictures, sound and series are no more than code that reads them. */
const sensesLimit = 500_000

const problems: string[] = []

async function checkManifest({ name }: Tarball, file: string): Promise<void> {
  const { buffer } = new Uint8Array(readFileSync(file))
  const { messages, pkg } = await publint({ pack: { tarball: buffer }, strict: true })
  for (const message of messages) {
    if (isOfCheckout(message.path)) continue
    problems.push(`publint: ${name}: ${formatMessage(message, pkg, { color: false })}`)
  }
}

/** Whether a place in a manifest is of the condition that only a checkout sets, where the sources are. */
const isOfCheckout = (path: readonly string[]): boolean => path.at(-1) === '@burgeon/source'

/**
 * Resolves the types of every entry point as an ES module importer and a bundler do; the packages are for no
 * others.
 */
function checkTypes({ name }: Tarball, file: string): void {
  const attw = join(root, 'node_modules/@arethetypeswrong/cli/dist/index.js')
  try {
    const args = [
      attw,
      file,
      '--profile',
      'esm-only',
      '--no-definitely-typed',
      '--format',
      'ascii',
      '--no-color',
    ]
    execFileSync(process.execPath, [...args, '--no-emoji'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    })
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string }
    problems.push(`are the types wrong: ${name}:\n${stdout ?? ''}${stderr ?? ''}`)
  }
}

/** What a package publishes besides what its sources are compiled to. */
const besideSources = (name: string): string[] => [
  ...['LICENSE', 'README.md', 'package.json'],
  ...(name === 'burgeon' ? ['bin/burgeon.js'] : []),
  ...(name === '@burgeon/server' ? dashboardFiles.map((file) => `dist/dashboard/${file}`) : []),
]

function checkFiles(tarball: Tarball): void {
  const sources = join(root, 'packages', folderOf(tarball.name), 'src')
  const expected = globSync('**/*.ts', { cwd: sources })
    .flatMap((path) => ['.d.ts', '.js'].map((end) => `dist/${path.replace(/\.ts$/, end)}`))
    .concat(besideSources(tarball.name))
  const found = tarball.files.map(({ path }) => path)
  report(tarball, 'publishes what it should not', difference(found, expected))
  report(tarball, 'does not publish', difference(expected, found))
}

const folderOf = (name: string): string => name.replace('@burgeon/', '')

const difference = (a: readonly string[], b: readonly string[]): string[] =>
  a.filter((path) => !b.includes(path)).toSorted()

function report({ name }: Tarball, what: string, paths: readonly string[]): void {
  if (paths.length > 0) problems.push(`files: ${name} ${what}: ${paths.join(', ')}`)
}

function checkSize(tarballs: readonly Tarball[], folder: string): void {
  const isOf =
    (...names: readonly string[]) =>
    ({ name }: Tarball): boolean =>
      names.includes(name)
  const beside = ['senses', 'server']
  const others = inOrder.filter((name) => !beside.includes(name))
  const isBeside = isOf(...beside.map((name) => `@burgeon/${name}`))
  const parts = [
    {
      what: 'npm i burgeon',
      packed: [...tarballs.filter((tarball) => !isBeside(tarball)), ...packDependencies(folder, others)],
      limit: installedLimit,
    },
    {
      what: 'npm i @burgeon/server, beside it',
      packed: [...tarballs.filter(isOf('@burgeon/server')), ...packDependencies(folder, ['server'])],
      limit: serverLimit,
    },
    {
      what: 'npm i @burgeon/senses, beside it',
      packed: tarballs.filter(isOf('@burgeon/senses')),
      limit: sensesLimit,
    },
  ]
  for (const { what, packed, limit } of parts) {
    const all = packed.reduce((total, { unpackedSize }) => total + unpackedSize, 0)
    console.log(`${what}: ${(all / 1e6).toFixed(2)} MB on disk of at most ${(limit / 1e6).toFixed(2)} MB`)
    if (all > limit) problems.push(`size: ${what} takes ${all} bytes, more than ${limit}`)
  }
}

function checkReproducible(first: readonly Tarball[], folder: string): void {
  buildPackages()
  const second = new Map(packPackages(folder).map(({ name, integrity }) => [name, integrity]))
  for (const { name, integrity } of first) {
    if (second.get(name) !== integrity)
      problems.push(`build: ${name} comes out different when it is built again`)
  }
}

const folder = mkdtempSync(join(tmpdir(), 'burgeon-packages-'))
try {
  buildPackages()
  const tarballs = packPackages(folder)
  for (const tarball of tarballs) {
    const file = join(folder, tarball.filename)
    await checkManifest(tarball, file)
    checkTypes(tarball, file)
    checkFiles(tarball)
    console.log(
      `${tarball.name}: ${tarball.files.length} files, ${(statSync(file).size / 1000).toFixed(0)} kB packed`,
    )
  }
  checkSize(tarballs, folder)
  checkReproducible(tarballs, folder)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
for (const problem of problems) console.error(problem)
if (problems.length > 0) process.exitCode = 1
