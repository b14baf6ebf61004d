/**
 * Bundles the sources for the processes that tests start: each loads a few files then, and not 700, which
 * takes a third of the time. What a bundle cannot show, the launcher and the sources as they lie, a few tests
 * start themselves.
 */
import { globSync, readFileSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build, type Plugin } from 'esbuild'
import type { TestProject } from 'vitest/node'

const root = join(import.meta.dirname, '..')

/** Inside the checkout, so that packages of others are found from there. */
const folder = join(root, 'node_modules/.cache/bundled-sources')

/** The command line in the bundle. */
export const bundledCommandLine: string = join(folder, 'main.js')

/** Given to Node with `--import`: programs get the packages out of the bundle. */
export const bundledPackages: string = pathToFileURL(join(import.meta.dirname, 'bundled-packages.js')).href

/** Before the first test, and whenever sources have changed. */
export async function setup(project: TestProject): Promise<void> {
  await bundle()
  project.onTestsRerun(bundle)
}

interface Manifest {
  readonly name: string
  readonly exports: Readonly<Record<string, { readonly '@burgeon/source': string } | string>>
}

/** Every way into every package, and the file it leads to. */
function entries(): Map<string, string> {
  const found = new Map<string, string>()
  for (const file of globSync('packages/*/package.json', { cwd: root })) {
    const { name, exports } = JSON.parse(readFileSync(join(root, file), 'utf8')) as Manifest
    for (const [path, target] of Object.entries(exports)) {
      if (typeof target === 'string') continue
      found.set(join(name, path), join(root, file, '..', target['@burgeon/source']))
    }
  }
  return found
}

/** Marks a question of this plugin to itself. */
const asked = Symbol('asked')

/** Sources know by their address where the manifest of their package is, and npm packages stay outside. */
const asTheyLie: Plugin = {
  name: 'as they lie',
  setup({ onLoad, onResolve, resolve }) {
    onResolve({ filter: /^[^./]/ }, async ({ path, kind, resolveDir, pluginData }) => {
      if (/^(?:@burgeon\/|burgeon(?:\/|$))/.test(path) || pluginData === asked) return undefined
      if (path.startsWith('node:')) return { path, external: true }
      // The version of the package that imports it, which need not be the one at the root.
      const found = await resolve(path, { kind, resolveDir, pluginData: asked })
      return { path: found.errors.length > 0 ? path : pathToFileURL(found.path).href, external: true }
    })
    onLoad({ filter: /packages\/[^/]+\/src\/.*\.ts$/ }, ({ path }) => {
      const text = readFileSync(path, 'utf8')
      const address = JSON.stringify(pathToFileURL(path).href)
      return { loader: 'ts', contents: text.replaceAll('import.meta.url', address) }
    })
  },
}

async function bundle(): Promise<void> {
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  const ways = [...entries()]
  await build({
    entryPoints: [
      { in: join(root, 'packages/burgeon/src/main.ts'), out: 'main' },
      ...ways.map(([name, file]) => ({ in: file, out: name })),
    ],
    outdir: folder,
    ...{ bundle: true, splitting: true, format: 'esm', platform: 'node', target: 'node24' },
    conditions: ['@burgeon/source'],
    // Names of classes are printed.
    keepNames: true,
    plugins: [asTheyLie],
    logLevel: 'warning',
  })
  const places = ways.map(([name]) => [name, pathToFileURL(join(folder, `${name}.js`)).href])
  await writeFile(join(folder, 'places.json'), JSON.stringify(Object.fromEntries(places)))
}
