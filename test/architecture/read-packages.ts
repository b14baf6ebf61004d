/** The manifests of the workspaces, and what their entry points are. */
import { readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { root } from './read-sources.ts'

export interface Manifest {
  readonly name: string
  readonly version: string
  readonly type?: string
  readonly license?: string
  readonly description?: string
  readonly sideEffects?: boolean
  readonly engines?: Readonly<Record<string, string>>
  readonly exports: Readonly<Record<string, Readonly<Record<string, string>>>>
  readonly files?: readonly string[]
  readonly bin?: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly scripts?: Readonly<Record<string, string>>
}

export interface Package {
  /** `tensor` for `packages/tensor`. */
  readonly folder: string
  readonly manifest: Manifest
}

/** All packages, by folder. */
export const packages: readonly Package[] = readdirSync(join(root, 'packages'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => ({
    folder: name,
    manifest: JSON.parse(readFileSync(join(root, 'packages', name, 'package.json'), 'utf8')) as Manifest,
  }))

/** What users may import, and the source file behind it: `@burgeon/tensor/wasm` → `packages/tensor/src/…`. */
export const entryPoints: ReadonlyMap<string, string> = new Map(
  packages.flatMap(({ folder, manifest }) =>
    Object.entries(manifest.exports).map(([subpath, conditions]) => [
      posix.join(manifest.name, subpath),
      posix.join('packages', folder, conditions['@burgeon/source'] ?? ''),
    ]),
  ),
)
