/** The machine as somebody has it who has never seen this repository. */
import { execFileSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join, sep } from 'node:path'
import { packDependencies, packPackages, type Tarball } from './pack-packages.ts'

/** The oldest Node that the packages promise to run on: see `engines` in their manifests. */
const oldest = [20, 19]

const isOurs = (folder: string): boolean => folder.split(sep).includes('node_modules')

/** The first Node on the path that no package brought. */
export function nodeOfTheMachine(): string {
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
export function environmentOf(node: string): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(npm_|INIT_CWD$|NODE_OPTIONS$)/.test(name))
  const path = (process.env.PATH ?? '').split(delimiter).filter((folder) => !isOurs(folder))
  return { ...Object.fromEntries(kept), PATH: [dirname(node), ...path].join(delimiter) }
}

/**
 * Packs the packages, which must have been built, and installs them and what they bring into an empty folder
 * without a network.
 */
export function installTarballs(project: string, env: NodeJS.ProcessEnv): Tarball[] {
  const tarballs = [...packPackages(project), ...packDependencies(project)]
  writeFileSync(join(project, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
  const flags = ['--offline', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
  const files = tarballs.map(({ filename }) => `./${filename}`)
  execFileSync('npm', ['install', ...flags, ...files], {
    cwd: project,
    env,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  return tarballs
}
