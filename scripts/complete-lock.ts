/**
 * `node scripts/complete-lock.ts`: adds what `npm install` leaves out of package-lock.json.
 *
 * Compilers and linters have one optional package per platform. A registry that mirrors only some of them
 * makes npm write a lock file without the others, which `npm ci` then refuses. An entry with the version and
 * the platform is all it asks for; nothing is fetched on other platforms.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

interface Entry {
  version: string
  optionalDependencies?: Record<string, string>
  [key: string]: unknown
}

interface Lock {
  packages: Record<string, Entry>
}

const systems = [
  'aix',
  'android',
  'darwin',
  'freebsd',
  'linux',
  'netbsd',
  'openbsd',
  'openharmony',
  'sunos',
  'win32',
]
const processors = [
  'arm64',
  'arm',
  'ia32',
  'loong64',
  'mips64el',
  'ppc64',
  'riscv64',
  's390x',
  'wasm32',
  'x64',
]

/** The platform of a package, read from its name: `binding-linux-x64-musl`. */
function platformOf(name: string): { os?: string[]; cpu?: string[]; libc?: string[] } {
  const words = name.split(/[/-]/)
  const os = systems.filter((system) => words.includes(system))
  const cpu = processors.filter((processor) => words.includes(processor))
  const libc = [/-musl/, /-gnu/].flatMap((abi, i) =>
    abi.test(name) && os.includes('linux') ? [['musl', 'glibc'][i]] : [],
  )
  if (os.length !== 1 && !cpu.includes('wasm32'))
    throw new Error(`${name}: cannot tell the platform from this name.`)
  return { ...(os.length > 0 && { os }), cpu, ...(libc.length > 0 && { libc }) }
}

/** Optional packages that the lock file asks for and has no entry of, by name. */
export function missingOptionals({ packages }: Lock): Map<string, string> {
  const missing = new Map<string, string>()
  for (const { optionalDependencies = {} } of Object.values(packages)) {
    for (const [name, version] of Object.entries(optionalDependencies)) {
      if (!Object.keys(packages).some((path) => path.endsWith(`node_modules/${name}`)))
        missing.set(name, version)
    }
  }
  return missing
}

/** The same lock with an entry for every optional package. */
export function completed(lock: Lock): Lock {
  const added = [...missingOptionals(lock)].map(([name, version]) => {
    const { cpu, libc, os } = platformOf(name)
    const entry = { version, cpu, dev: true, ...(libc && { libc }), optional: true, ...(os && { os }) }
    return [`node_modules/${name}`, entry] as const
  })
  const entries = [...Object.entries(lock.packages), ...added]
  const ordered = entries.toSorted(([a], [b]) => (a < b ? -1 : 1))
  return { ...lock, packages: Object.fromEntries<Entry>(ordered) }
}

if (process.argv[1] === import.meta.filename) {
  const path = join(import.meta.dirname, '../package-lock.json')
  const lock = JSON.parse(readFileSync(path, 'utf8')) as Lock
  writeFileSync(path, `${JSON.stringify(completed(lock), null, 2)}\n`)
  console.log(`${missingOptionals(lock).size} entries added`)
}
