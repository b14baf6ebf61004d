import type { Dirent } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { compareCodeUnits } from '../sources/files/compare-code-units.ts'
import { StreamError } from '../sources/stream-error.ts'

/** The fields of a `package-lock.json` entry that decide whether every machine has the same files of it. */
interface LockEntry {
  version?: string
  link?: boolean
  optional?: boolean
  peer?: boolean
  hasInstallScript?: boolean
  os?: readonly string[]
  cpu?: readonly string[]
  libc?: readonly string[]
}

/** A package that the lock file pins: its folder relative to the root, with `/`, and its version. */
export interface InstalledPackage {
  readonly path: string
  readonly version: string
}

/**
 * The packages that every machine with this lock file has with the same bytes, ordered by path.
 *
 * @param root - the folder that holds `package-lock.json` and `node_modules`.
 * @throws StreamError `no-lock-file` when there is no readable lock file, `not-installed` when a package of
 *   the lock file is missing or has another version.
 */
export async function installedPackages(root: string): Promise<InstalledPackage[]> {
  const packages = portablePackages(await readLockFile(root))
  const wrong = (await Promise.all(packages.map((entry) => mismatch(root, entry)))).filter((x) => x !== null)
  if (packages.length === 0 || wrong.length > 0) {
    const shown = wrong.slice(0, 3).join('; ') + (wrong.length > 3 ? `; and ${wrong.length - 3} more` : '')
    throw new StreamError(
      'not-installed',
      `default stream: node_modules of ${root} does not hold what package-lock.json pins` +
        ` (${shown || 'it pins no package'}). The stream is made of these files. Run \`npm ci\`.`,
    )
  }
  return packages
}

/**
 * Packages that were added after the kept first life, its picture and the results of the benchmark were made.
 * They stay out of the stream, so that those stay true; whoever makes all three anew may empty the list.
 */
const addedLater: readonly string[] = [
  'node_modules/@ai-sdk/gateway',
  'node_modules/@ai-sdk/openai-compatible',
  'node_modules/@ai-sdk/provider',
  'node_modules/@ai-sdk/provider-utils',
  'node_modules/@babel/runtime',
  'node_modules/@clack/core',
  'node_modules/@clack/prompts',
  'node_modules/@hono/node-server',
  'node_modules/@huggingface/blake3-jit',
  'node_modules/@huggingface/hub',
  'node_modules/@huggingface/jinja',
  'node_modules/@huggingface/tasks',
  'node_modules/@huggingface/tokenizers',
  'node_modules/@huggingface/xetchunk-wasm',
  'node_modules/@jridgewell/source-map',
  'node_modules/@jridgewell/source-map/node_modules/@jridgewell/gen-mapping',
  'node_modules/@modelcontextprotocol/sdk',
  'node_modules/@nats-io/jetstream',
  'node_modules/@nats-io/nats-core',
  'node_modules/@nats-io/nkeys',
  'node_modules/@nats-io/nuid',
  'node_modules/@nats-io/transport-node',
  'node_modules/@opentelemetry/api',
  'node_modules/@rolldown/pluginutils',
  'node_modules/@standard-schema/spec',
  'node_modules/@types/json-schema',
  'node_modules/@types/readable-stream',
  'node_modules/@types/ws',
  'node_modules/@vercel/oidc',
  'node_modules/@webassemblyjs/ast',
  'node_modules/@webassemblyjs/floating-point-hex-parser',
  'node_modules/@webassemblyjs/helper-api-error',
  'node_modules/@webassemblyjs/helper-buffer',
  'node_modules/@webassemblyjs/helper-numbers',
  'node_modules/@webassemblyjs/helper-wasm-bytecode',
  'node_modules/@webassemblyjs/helper-wasm-section',
  'node_modules/@webassemblyjs/ieee754',
  'node_modules/@webassemblyjs/leb128',
  'node_modules/@webassemblyjs/utf8',
  'node_modules/@webassemblyjs/wasm-edit',
  'node_modules/@webassemblyjs/wasm-gen',
  'node_modules/@webassemblyjs/wasm-opt',
  'node_modules/@webassemblyjs/wasm-parser',
  'node_modules/@webassemblyjs/wast-printer',
  'node_modules/@xtuc/ieee754',
  'node_modules/@xtuc/long',
  'node_modules/abort-controller',
  'node_modules/accepts',
  'node_modules/acorn',
  'node_modules/aedes',
  'node_modules/aedes-packet',
  'node_modules/aedes-persistence',
  'node_modules/ai',
  'node_modules/ajv-formats',
  'node_modules/ajv-keywords',
  'node_modules/axe-core',
  'node_modules/base64-js',
  'node_modules/bl',
  'node_modules/body-parser',
  'node_modules/body-parser/node_modules/content-type',
  'node_modules/body-parser/node_modules/qs',
  'node_modules/broker-factory',
  'node_modules/buffer',
  'node_modules/buffer-from',
  'node_modules/bytes',
  'node_modules/chokidar',
  'node_modules/chrome-trace-event',
  'node_modules/commist',
  'node_modules/concat-stream',
  'node_modules/concat-stream/node_modules/readable-stream',
  'node_modules/content-disposition',
  'node_modules/content-type',
  'node_modules/cookie',
  'node_modules/cookie-signature',
  'node_modules/cors',
  'node_modules/depd',
  'node_modules/detect-libc',
  'node_modules/dom-serializer',
  'node_modules/domelementtype',
  'node_modules/domhandler',
  'node_modules/domutils',
  'node_modules/ee-first',
  'node_modules/encodeurl',
  'node_modules/enhanced-resolve',
  'node_modules/entities',
  'node_modules/escape-html',
  'node_modules/etag',
  'node_modules/event-target-shim',
  'node_modules/events',
  'node_modules/eventsource',
  'node_modules/eventsource-parser',
  'node_modules/express',
  'node_modules/express-rate-limit',
  'node_modules/express/node_modules/content-type',
  'node_modules/express/node_modules/qs',
  'node_modules/fast-unique-numbers',
  'node_modules/fastparallel',
  'node_modules/finalhandler',
  'node_modules/forwarded',
  'node_modules/fresh',
  'node_modules/gearhash-jit',
  'node_modules/graceful-fs',
  'node_modules/help-me',
  'node_modules/hono',
  'node_modules/htmlparser2',
  'node_modules/http-errors',
  'node_modules/ieee754',
  'node_modules/ip-address',
  'node_modules/ipaddr.js',
  'node_modules/is-promise',
  'node_modules/jest-worker',
  'node_modules/jest-worker/node_modules/supports-color',
  'node_modules/jose',
  'node_modules/json-schema',
  'node_modules/json-schema-typed',
  'node_modules/lightningcss',
  'node_modules/media-typer',
  'node_modules/merge-descriptors',
  'node_modules/merge-stream',
  'node_modules/mime-db',
  'node_modules/mime-types',
  'node_modules/minimist',
  'node_modules/minimizer-webpack-plugin',
  'node_modules/mqemitter',
  'node_modules/mqtt',
  'node_modules/mqtt-packet',
  'node_modules/mqtt/node_modules/lru-cache',
  'node_modules/nanoid',
  'node_modules/negotiator',
  'node_modules/negotiator/node_modules/content-type',
  'node_modules/on-finished',
  'node_modules/once',
  'node_modules/openai',
  'node_modules/parseurl',
  'node_modules/path-to-regexp',
  'node_modules/pkce-challenge',
  'node_modules/postcss',
  'node_modules/process',
  'node_modules/process-nextick-args',
  'node_modules/proxy-addr',
  'node_modules/qlobber',
  'node_modules/range-parser',
  'node_modules/raw-body',
  'node_modules/readable-stream',
  'node_modules/readdirp',
  'node_modules/reusify',
  'node_modules/rfdc',
  'node_modules/rolldown',
  'node_modules/router',
  'node_modules/safe-buffer',
  'node_modules/schema-utils',
  'node_modules/send',
  'node_modules/serve-static',
  'node_modules/setprototypeof',
  'node_modules/sisteransi',
  'node_modules/smart-buffer',
  'node_modules/socks',
  'node_modules/source-map-js',
  'node_modules/source-map-support',
  'node_modules/source-map-support/node_modules/source-map',
  'node_modules/split2',
  'node_modules/statuses',
  'node_modules/string_decoder',
  'node_modules/tapable',
  'node_modules/terser',
  'node_modules/terser/node_modules/commander',
  'node_modules/toidentifier',
  'node_modules/tweetnacl',
  'node_modules/type-is',
  'node_modules/type-is/node_modules/content-type',
  'node_modules/typedarray',
  'node_modules/undici',
  'node_modules/unpdf',
  'node_modules/unpipe',
  'node_modules/util-deprecate',
  'node_modules/vary',
  'node_modules/vite',
  'node_modules/watchpack',
  'node_modules/webpack',
  'node_modules/webpack-sources',
  'node_modules/worker-factory',
  'node_modules/worker-timers',
  'node_modules/worker-timers-broker',
  'node_modules/worker-timers-worker',
  'node_modules/wrappy',
  'node_modules/ws',
  'node_modules/xtend',
  'node_modules/zod-to-json-schema',
]

/**
 * Lock file entries → packages whose files do not depend on the machine. Left out: our own workspaces,
 * packages for one system, and whatever npm may leave out or change on its own (optional and peer
 * dependencies, install scripts), and what was added later.
 */
export function portablePackages(entries: Readonly<Record<string, LockEntry>>): InstalledPackage[] {
  return Object.entries(entries)
    .filter(([path, entry]) => /(^|\/)node_modules\//.test(path) && entry.version !== undefined)
    .filter(([, entry]) => !(entry.link || entry.optional || entry.peer || entry.hasInstallScript))
    .filter(([, entry]) => !(entry.os || entry.cpu || entry.libc))
    .filter(([path]) => !addedLater.includes(path))
    .map(([path, entry]) => ({ path, version: entry.version ?? '' }))
    .sort((a, b) => compareCodeUnits(a.path, b.path))
}

/**
 * Paths of a package's own files relative to the root, with `/`, ordered. Links, hidden folders and nested
 * packages are not its own.
 */
export async function packageFiles(root: string, path: string): Promise<string[]> {
  const entries = await readdir(join(root, path), { withFileTypes: true })
  const nested = await Promise.all(
    entries.filter(isOwnFolder).map((entry) => packageFiles(root, `${path}/${entry.name}`)),
  )
  const files = entries.filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
  return [...files.map((entry) => `${path}/${entry.name}`), ...nested.flat()].sort(compareCodeUnits)
}

function isOwnFolder(entry: Dirent): boolean {
  return entry.isDirectory() && entry.name !== 'node_modules' && !entry.name.startsWith('.')
}

async function readLockFile(root: string): Promise<Record<string, LockEntry>> {
  try {
    const lock = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8')) as {
      packages?: Record<string, LockEntry>
    }
    return lock.packages ?? {}
  } catch (cause) {
    throw new StreamError(
      'no-lock-file',
      `default stream: no readable package-lock.json in ${root}. The stream is made of the packages it pins.` +
        ' Run this in a checkout of burgeon after `npm ci`, or name your own text: `burgeon learn FILE`.',
      { cause },
    )
  }
}

async function mismatch(root: string, { path, version }: InstalledPackage): Promise<string | null> {
  try {
    const found = JSON.parse(await readFile(join(root, path, 'package.json'), 'utf8')) as { version?: string }
    return found.version === version ? null : `${path} is ${found.version}, expected ${version}`
  } catch {
    return `${path} is missing`
  }
}
