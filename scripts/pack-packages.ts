/** Builds the packages from nothing and packs them as they would be published. */
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { findPackageJSON } from 'node:module'
import { dirname, join } from 'node:path'

/** The root of the repository. */
export const root: string = join(import.meta.dirname, '..')

/** One tarball, as `npm pack` describes it. */
export interface Tarball {
  readonly name: string
  readonly filename: string
  readonly integrity: string
  /** Bytes on the disk of whoever installs it. */
  readonly unpackedSize: number
  readonly files: readonly { readonly path: string; readonly size: number }[]
}

/** Compiles every package anew: what an earlier build left behind would be published too. */
export function buildPackages(): void {
  for (const dist of globSync('packages/*/dist', { cwd: root })) {
    rmSync(join(root, dist), { recursive: true, force: true })
  }
  compilePackages()
}

/** Compiles what has changed since the last time, and the page. Whoever else does so at the same time waits. */
export function compilePackages(): void {
  alone(() => {
    run('the packages do not compile', 'node_modules/typescript/bin/tsc', '-b', 'packages/burgeon')
    runPage()
  })
}

/** The same of the page that the server shows: sources that run as they are serve the one that was built. */
export function compileDashboard(): void {
  alone(runPage)
}

const runPage = (): void => run('the dashboard cannot be built', 'scripts/build-dashboard.ts')

/** Throws an Error that says `failure`. */
function run(failure: string, program: string, ...args: readonly string[]): void {
  const { status } = spawnSync(process.execPath, [join(root, program), ...args], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  if (status !== 0) throw new Error(failure)
}

/** Runs a body while no other process of this machine is at it. A file holds the number of the one that is. */
function alone(body: () => void): void {
  const folder = join(root, 'node_modules/.cache')
  const file = join(folder, 'compiling')
  mkdirSync(folder, { recursive: true })
  for (;;) {
    try {
      writeFileSync(file, String(process.pid), { flag: 'wx' })
      break
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      const owner = existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0
      // What a killed process has left behind.
      if (owner > 0 && !isRunning(owner)) rmSync(file, { force: true })
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100)
    }
  }
  try {
    body()
  } finally {
    rmSync(file, { force: true })
  }
}

function isRunning(id: number): boolean {
  try {
    process.kill(id, 0)
    return true
  } catch {
    return false
  }
}

/** Writes one tarball per package into a folder. */
export function packPackages(folder: string): Tarball[] {
  return pack(['--workspaces'], folder)
}

/**
 * Writes one tarball per package of others that ours bring along, taken from where it is installed here.
 *
 * @param own Folders of our packages that are looked at; all unless given.
 */
export function packDependencies(folder: string, own: readonly string[] = ['*']): Tarball[] {
  const patterns = own.map((name) => `packages/${name}/package.json`)
  const manifests = globSync(patterns, { cwd: root }).map((path) => join(root, path))
  const folders = new Set<string>()
  for (let manifest = manifests.pop(); manifest !== undefined; manifest = manifests.pop()) {
    const { dependencies = {} } = JSON.parse(readFileSync(manifest, 'utf8')) as { dependencies?: object }
    for (const name of Object.keys(dependencies).filter(
      (dependency) => !dependency.startsWith('@burgeon/'),
    )) {
      const found = findPackageJSON(name, manifest)
      if (found === undefined) throw new Error(`${manifest}: ${name} is not installed. Run npm ci.`)
      if (!folders.has(dirname(found))) manifests.push(found)
      folders.add(dirname(found))
    }
  }
  return pack([...folders], folder)
}

function pack(what: readonly string[], folder: string): Tarball[] {
  const args = [
    'pack',
    ...what,
    '--json',
    '--loglevel=error',
    '--ignore-scripts',
    '--pack-destination',
    folder,
  ]
  const said = execFileSync('npm', args, {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 2 ** 28,
  })
  return JSON.parse(said) as Tarball[]
}
