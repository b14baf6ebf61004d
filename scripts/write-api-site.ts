/**
 * `npm run docs`: writes the API site, a page for every public name of every entry point, into docs/api.
 *
 * A warning is an error. TypeDoc cannot use TypeScript 7 yet, so it lives in a folder of its own with a
 * compiler that it knows (`scripts/api-site`), and is installed there when this is first run.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './pack-packages.ts'
import { inOrder, readManifest } from './package-manifests.ts'

const tools = join(import.meta.dirname, 'api-site')

/** The version of a package, from its manifest; null where there is none. */
function versionIn(folder: string): string | null {
  try {
    return (JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string }).version
  } catch {
    return null
  }
}

function install(): void {
  const { dependencies } = JSON.parse(readFileSync(join(tools, 'package.json'), 'utf8')) as {
    dependencies: Readonly<Record<string, string>>
  }
  const isThere = Object.entries(dependencies).every(
    ([name, version]) => versionIn(join(tools, 'node_modules', name)) === version,
  )
  if (!isThere) execFileSync('npm', ['ci', '--prefix', tools, '--loglevel=error'], { stdio: 'inherit' })
}

/** Every source file that a program can import, and what it is imported as; the front door comes first. */
export function documentedEntryPoints(): Record<string, string> {
  const entries = inOrder.toReversed().flatMap((folder) => {
    const { name, exports } = readManifest(`packages/${folder}`)
    return Object.entries(exports as Record<string, Record<string, string>>).map(
      ([path, conditions]): [string, string] => [
        join(root, 'packages', folder, conditions['@burgeon/source']),
        name + path.slice(1),
      ],
    )
  })
  return Object.fromEntries(entries)
}

if (process.argv[1] === import.meta.filename) {
  install()
  const entries = documentedEntryPoints()
  const typedoc = join(tools, 'node_modules/typedoc/bin/typedoc')
  const { status } = spawnSync(
    process.execPath,
    [typedoc, '--options', join(tools, 'typedoc.json'), ...Object.keys(entries)],
    {
      cwd: tools,
      stdio: 'inherit',
      env: { ...process.env, BURGEON_ENTRY_POINTS: JSON.stringify(entries) },
    },
  )
  if (status !== 0) process.exitCode = 1
}
