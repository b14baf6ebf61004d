/**
 * `node scripts/package-manifests.ts [--write]`: what the manifests of all packages have in common, from one
 * place.
 *
 * The root's package.json has the version and the repository; `--write` carries them into the packages, so
 * that a new version or another host is one edit.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './pack-packages.ts'

/** The folders of the packages, each after those that it needs: the order of publishing. */
export const inOrder = [
  'tensor',
  'autograd',
  'gpt',
  'continual',
  'senses',
  'cluster',
  'server',
  'burgeon',
] as const

/** Any manifest. */
export type Manifest = Record<string, unknown> & { readonly name: string; readonly version: string }

const manifestAt = (path: string): string => join(root, path, 'package.json')
export const readManifest = (path: string): Manifest =>
  JSON.parse(readFileSync(manifestAt(path), 'utf8')) as Manifest

/** The manifest that a package should have: its own, with what is common to all. */
export function completeManifest(folder: string): Manifest {
  const common = readManifest('.')
  const own = readManifest(`packages/${folder}`)
  const { url } = common.repository as { url: string }
  const page = url.replace(/^git\+/, '').replace(/\.git$/, '')
  const dependencies = Object.entries((own.dependencies ?? {}) as Record<string, string>).map(
    ([name, version]) => [name, name.startsWith('@burgeon/') ? common.version : version],
  )
  const { name, version: _, description, keywords, ...rest } = own
  for (const key of ['license', 'author', 'homepage', 'bugs', 'repository', 'publishConfig', 'engines'])
    delete rest[key]
  const { type, sideEffects, ...last } = rest
  return {
    name,
    version: common.version,
    description,
    keywords,
    license: common.license,
    author: common.author,
    homepage: `${page}/tree/main/packages/${folder}#readme`,
    bugs: { url: `${page}/issues` },
    repository: { type: 'git', url, directory: `packages/${folder}` },
    publishConfig: { access: 'public' },
    type,
    sideEffects,
    engines: common.engines,
    ...last,
    ...(dependencies.length > 0 && { dependencies: Object.fromEntries(dependencies) }),
  }
}

/** As it lies in the file. */
export const manifestText = (manifest: object): string => `${JSON.stringify(manifest, null, 2)}\n`

if (process.argv[1] === import.meta.filename) {
  for (const folder of inOrder) {
    const [path, wanted] = [`packages/${folder}`, manifestText(completeManifest(folder))]
    if (readFileSync(manifestAt(path), 'utf8') === wanted) continue
    if (process.argv.includes('--write')) writeFileSync(manifestAt(path), wanted)
    else process.exitCode = 1
    console.log(
      `${path}/package.json ${process.argv.includes('--write') ? 'written' : 'differs; run this with --write'}`,
    )
  }
}
