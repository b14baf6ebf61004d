/** What every package promises in its manifest. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { completeManifest, inOrder, manifestText } from '../../scripts/package-manifests.ts'
import { packages } from './read-packages.ts'
import { root } from './read-sources.ts'

const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }

/** Every package that a user's machine gets besides Node. To add one is a decision: say why in the commit. */
const runtimeDependencies: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  tensor: {},
  autograd: { '@burgeon/tensor': version },
  gpt: { '@burgeon/tensor': version },
  continual: { '@burgeon/tensor': version, '@burgeon/autograd': version, '@burgeon/gpt': version },
  senses: { '@burgeon/tensor': version },
  cluster: {
    '@burgeon/tensor': version,
    '@burgeon/autograd': version,
    '@burgeon/gpt': version,
    '@burgeon/continual': version,
  },
  server: {
    '@burgeon/tensor': version,
    '@burgeon/gpt': version,
    '@hono/node-server': '2.1.9',
    hono: '4.13.19',
    zod: '4.6.7',
  },
  burgeon: {
    '@burgeon/tensor': version,
    '@burgeon/autograd': version,
    '@burgeon/cluster': version,
    '@burgeon/gpt': version,
    '@burgeon/continual': version,
    '@clack/prompts': '1.9.0',
    chokidar: '5.0.0',
    commander: '14.0.3',
    htmlparser2: '12.0.0',
  },
}

const readText = (...path: readonly string[]): string => readFileSync(join(root, ...path), 'utf8')

describe.for(packages)('$manifest.name', ({ folder, manifest }) => {
  it('has exactly the runtime dependencies listed here', () => {
    expect(manifest.dependencies ?? {}).toEqual(runtimeDependencies[folder])
    expect(manifest.optionalDependencies ?? {}).toEqual({})
  })

  it('has only optional peers', () => {
    const optional = Object.entries(manifest.peerDependenciesMeta ?? {}).filter(
      ([, peer]) => peer.optional === true,
    )
    expect(Object.keys(manifest.peerDependencies ?? {})).toEqual(optional.map(([name]) => name))
  })

  it('runs nothing when it is installed', () => {
    expect(Object.keys(manifest.scripts ?? {})).toEqual([])
  })

  it('says what it is: an ES module without side effects, MIT, for Node 20.19 and up', () => {
    const { name, license, type, sideEffects, engines, files } = manifest
    expect({ name, version: manifest.version, license, type, sideEffects, engines, files }).toEqual({
      name: folder === 'burgeon' ? 'burgeon' : `@burgeon/${folder}`,
      version,
      license: 'MIT',
      type: 'module',
      sideEffects: false,
      engines: { node: '>=20.19' },
      files: ['dist', '!dist/.tsbuildinfo'],
    })
    expect(manifest.description).toMatch(/\.$/)
  })

  it('offers each entry point as source first, then types, then code', () => {
    expect(Object.keys(manifest.exports)).toContain('.')
    for (const [subpath, conditions] of Object.entries(manifest.exports)) {
      const source = conditions['@burgeon/source']
      expect(Object.entries(conditions), subpath).toEqual([
        ['@burgeon/source', source],
        ['types', source.replace('./src/', './dist/').replace(/\.ts$/, '.d.ts')],
        ['default', source.replace('./src/', './dist/').replace(/\.ts$/, '.js')],
      ])
      expect(existsSync(join(root, 'packages', folder, source)), `${folder} ${source}`).toBe(true)
    }
  })

  it('says where it comes from, where to complain and what to look for, in step with the root', () => {
    const text = readText('packages', folder, 'package.json')
    expect(text, 'node scripts/package-manifests.ts --write').toBe(manifestText(completeManifest(folder)))
    for (const field of ['author', 'homepage', 'bugs', 'repository', 'publishConfig', 'keywords'])
      expect(JSON.parse(text), folder).toHaveProperty(field)
    expect(inOrder).toContain(folder)
  })

  it('is published after what it needs', () => {
    const needed = Object.keys(manifest.dependencies ?? {}).filter((name) => name.startsWith('@burgeon/'))
    const order: readonly string[] = inOrder
    for (const name of needed)
      expect(order.indexOf(name.slice('@burgeon/'.length))).toBeLessThan(order.indexOf(folder))
  })

  it('has a page of its own: its name, a sentence, a program', () => {
    const page = readText('packages', folder, 'README.md')
    expect(page).toMatch(new RegExp(`^# ${manifest.name}\n\n[A-Z]`))
    expect(page).toContain('```ts\nimport ')
    expect(page.split('\n').length).toBeLessThan(30)
  })

  it('carries the licence of the repository', () => {
    expect(readText('packages', folder, 'LICENSE')).toBe(readText('LICENSE'))
  })
})

describe('the repository', () => {
  it('pins development dependencies to exact versions', () => {
    const { devDependencies } = JSON.parse(readText('package.json')) as {
      devDependencies: Record<string, string>
    }
    expect(Object.values(devDependencies).filter((wanted) => !/^\d+\.\d+\.\d+$/.test(wanted))).toEqual([])
  })

  it('has a lock file that says what, and not from where', () => {
    const { packages: locked } = JSON.parse(readText('package-lock.json')) as {
      packages: Record<string, { resolved?: string; link?: boolean; integrity?: string; optional?: boolean }>
    }
    const places = Object.values(locked).flatMap(({ resolved, link }) =>
      link || resolved === undefined ? [] : [resolved],
    )
    expect(places).toEqual([])
    const unchecked = Object.entries(locked).filter(
      // Binaries of other systems are named in the lock file but were never fetched, so nothing is known to check them by.
      ([path, { integrity, link, optional }]) =>
        path.startsWith('node_modules/') && !link && !optional && integrity === undefined,
    )
    expect(unchecked).toEqual([])
  })
})
