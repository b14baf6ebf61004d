/** Who may import whom: the rule of ARCHITECTURE.md, held fixed. */
import { dirname } from 'node:path'
import { describe, expect, it } from 'vitest'
import { entryPoints, packages } from './read-packages.ts'
import {
  allTargets,
  cycles,
  type Import,
  reachable,
  readSources,
  relativeTarget,
  type Source,
} from './read-sources.ts'

const sources = readSources('packages')
const around = readSources('bench', 'examples', 'test')

const mayImport: Readonly<Record<string, readonly string[]>> = {
  tensor: [],
  autograd: ['tensor'],
  gpt: ['tensor'],
  continual: ['tensor', 'autograd', 'gpt'],
  senses: ['tensor'],
  cluster: ['tensor', 'autograd', 'gpt', 'continual'],
  server: ['tensor', 'gpt'],
  burgeon: ['tensor', 'autograd', 'gpt', 'continual', 'senses', 'cluster', 'server'],
}

const packageOf = (path: string): string => path.split('/')[1]
const isOurs = (specifier: string): boolean => /^(@burgeon\/|burgeon(\/|$))/.test(specifier)
const isRelative = (specifier: string): boolean => specifier.startsWith('.')

/** `file → specifier` for every import that breaks a rule. */
function offences(files: readonly Source[], breaks: (source: Source, imported: Import) => boolean): string[] {
  return files.flatMap((source) =>
    source.imports
      .filter((imported) => breaks(source, imported))
      .map(({ specifier }) => `${source.path} → ${specifier}`),
  )
}

describe('between packages', () => {
  it('has a rule for every package', () => {
    expect(packages.map(({ folder }) => folder).toSorted()).toEqual(Object.keys(mayImport).toSorted())
  })

  it('imports run one way, through public entry points', () => {
    const allowed = (source: Source, specifier: string): boolean => {
      const target = entryPoints.get(specifier)
      return target !== undefined && mayImport[packageOf(source.path)].includes(packageOf(target))
    }
    expect(
      offences(sources, (source, { specifier }) => isOurs(specifier) && !allowed(source, specifier)),
    ).toEqual([])
  })

  it('a relative import stays inside its package and names a file that exists', () => {
    const known = new Set(sources.map(({ path }) => path))
    const wrong = (source: Source, { specifier }: Import): boolean => {
      const target = relativeTarget(source, specifier)
      return isRelative(specifier) && (!known.has(target) || packageOf(target) !== packageOf(source.path))
    }
    expect(offences(sources, wrong)).toEqual([])
  })

  it('anything else that is imported is Node itself or a stated dependency', () => {
    const stated = new Map(
      packages.map(({ folder, manifest }) => [
        folder,
        Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }),
      ]),
    )
    const wrong = (source: Source, { specifier }: Import): boolean =>
      !isRelative(specifier) &&
      !isOurs(specifier) &&
      !specifier.startsWith('node:') &&
      !stated
        .get(packageOf(source.path))
        ?.some((name) => specifier === name || specifier.startsWith(`${name}/`))
    expect(offences(sources, wrong)).toEqual([])
  })

  it('no files load each other in a circle', () => {
    expect(cycles(sources)).toEqual([])
  })
})

describe.each(['gpt', 'continual'])('inside %s', (name) => {
  const place = `packages/${name}/src/`
  const own = sources.filter(({ path }) => path.startsWith(place))

  it('no files know each other in a circle, not even by their types', () => {
    expect(own.length).toBeGreaterThan(40)
    expect(cycles(own, allTargets)).toEqual([])
  })

  it('folders stand on floors: what a folder imports never leads back to it', () => {
    // A file beside the folders stands for itself, and so does a public list.
    const roomOf = (path: string): string =>
      path.endsWith('/index.ts') || !path.slice(place.length).includes('/') ? path : dirname(path)
    const next = (room: string): string[] =>
      own
        .filter(({ path }) => roomOf(path) === room)
        .flatMap((source) => allTargets(source).map(roomOf))
        .filter((other) => other !== room)
    const leadsBack = (room: string): boolean => {
      const queue = next(room)
      const seen = new Set(queue)
      for (let at = queue.pop(); at !== undefined; at = queue.pop()) {
        for (const other of next(at)) {
          if (!seen.has(other)) queue.push(other)
          seen.add(other)
        }
      }
      return seen.has(room)
    }
    const circles = [...new Set(own.map(({ path }) => roomOf(path)))].filter(leadsBack)
    expect(circles).toEqual([])
  })
})

describe('around the packages', () => {
  it('bench, examples and tests use public entry points', () => {
    // A test whose first comment says "reaches inside", and why, may.
    const firstComment = /^(?:\/\*[\s\S]*?\*\/|(?:\/\/.*\n)+)/
    const saysWhy = ({ path, text }: Source): boolean =>
      path.startsWith('test/') && /reach\w* inside/i.test(firstComment.exec(text)?.[0] ?? '')
    const wrong = (source: Source, { specifier }: Import): boolean =>
      isOurs(specifier)
        ? !entryPoints.has(specifier)
        : isRelative(specifier) &&
          relativeTarget(source, specifier).startsWith('packages/') &&
          !saysWhy(source)
    expect(offences(around, wrong)).toEqual([])
  })

  it('examples import the front door and nothing of ours besides; one of several files, these', () => {
    const examples = around.filter(({ path }) => path.startsWith('examples/'))
    const folderOf = (path: string): string => path.split('/').slice(0, -1).slice(0, 2).join('/')
    const isOfExample = (source: Source, { specifier }: Import): boolean =>
      isRelative(specifier) &&
      folderOf(source.path) !== 'examples' &&
      relativeTarget(source, specifier).startsWith(`${folderOf(source.path)}/`)
    const isTool = (source: Source, { specifier }: Import): boolean =>
      source.path.endsWith('/vite.config.ts') && specifier === 'vite'
    const wrong = (source: Source, imported: Import): boolean =>
      isOurs(imported.specifier)
        ? !entryPoints.has(imported.specifier)
        : !imported.specifier.startsWith('node:') &&
          !isOfExample(source, imported) &&
          !isTool(source, imported)
    expect(offences(examples, wrong)).toEqual([])
  })
})

describe('inside tensor', () => {
  const tensor = sources.filter(({ path }) => path.startsWith('packages/tensor/src/'))
  const inside = (source: Source, { specifier }: Import): string =>
    isRelative(specifier) ? relativeTarget(source, specifier).replace('packages/tensor/src/', '') : ''

  it('the definition of an op knows no backend', () => {
    const definitions = tensor.filter(({ path }) => /\/src\/ops\/.*\/[^.]+\.ts$/.test(path))
    expect(definitions.length).toBeGreaterThan(0)
    expect(
      offences(definitions, (source, imported) => inside(source, imported).startsWith('backends/')),
    ).toEqual([])
  })

  it('a kernel uses the tools of its own backend, and of the backend itself no more than the type', () => {
    const kernels = tensor.filter(({ path }) => /\/src\/ops\/.*\.\w+\.ts$/.test(path))
    expect(kernels.length).toBeGreaterThan(0)
    const wrong = (source: Source, imported: Import): boolean => {
      const own = /\.(\w+)\.ts$/.exec(source.path)?.[1]
      const [, backend, file] = /^backends\/(\w+)\/(.*)/.exec(inside(source, imported)) ?? []
      if (backend === undefined) return false
      return (
        backend !== own ||
        (!imported.typeOnly && [`${own}-backend.ts`, 'kernels.ts', 'index.ts'].includes(file))
      )
    }
    expect(offences(kernels, wrong)).toEqual([])
  })

  it('a backend names ops in its kernel table and nowhere else', () => {
    const machinery = tensor.filter(
      ({ path }) => path.includes('/backends/') && !path.endsWith('/kernels.ts'),
    )
    expect(offences(machinery, (source, imported) => inside(source, imported).startsWith('ops/'))).toEqual([])
  })

  it('backends do not know each other', () => {
    const backendOf = (path: string): string | undefined => /backends\/([^/]+)\//.exec(path)?.[1]
    const wrong = (source: Source, imported: Import): boolean => {
      const other = backendOf(inside(source, imported))
      return other !== undefined && other !== backendOf(source.path)
    }
    expect(
      offences(
        tensor.filter(({ path }) => path.includes('/backends/')),
        wrong,
      ),
    ).toEqual([])
  })
})

describe('inside burgeon', () => {
  /** From the ground up; what lies beside the folders stands above them. */
  const floors = [
    ...['terminal', 'config', 'sources', 'report', 'models', 'session', 'serving', 'demo', 'commands'],
    'arguments',
  ]
  const place = 'packages/burgeon/src/'
  const burgeon = sources.filter(({ path }) => path.startsWith(place))
  const floorOf = (path: string): string => path.slice(place.length).split('/', 1)[0]
  const heightOf = (path: string): number => {
    const height = floors.indexOf(floorOf(path))
    return height < 0 ? floors.length : height
  }

  it('every folder is a floor', () => {
    const folders = burgeon.map(({ path }) => floorOf(path)).filter((name) => !name.endsWith('.ts'))
    expect([...new Set(folders)].toSorted()).toEqual(floors.toSorted())
  })

  it('no floor imports from one above it, not even a type', () => {
    const wrong = (source: Source, { specifier }: Import): boolean =>
      isRelative(specifier) && heightOf(relativeTarget(source, specifier)) > heightOf(source.path)
    expect(offences(burgeon, wrong)).toEqual([])
  })
})

describe('in browsers', () => {
  it('nothing but a `./node` entry, the server and the command line leads to Node', () => {
    const ofNode = ['burgeon', 'server']
    const starts = [...entryPoints].filter(
      ([name, path]) => !name.endsWith('/node') && (name === 'burgeon' || !ofNode.includes(packageOf(path))),
    )
    const loaded = reachable(
      sources,
      starts.map(([, path]) => path),
    )
    const files = sources.filter(({ path }) => loaded.has(path))
    expect(files.length).toBeGreaterThan(50)
    expect(
      offences(files, (_, { specifier, typeOnly }) => !typeOnly && specifier.startsWith('node:')),
    ).toEqual([])
    // `globalThis.process` may be asked for; a bare name throws where it does not exist.
    const bare = /(?<![.\w$])(?:process|Buffer|__dirname|__filename|require)(?=[.([])/
    expect(files.filter(({ code }) => bare.test(code)).map(({ path }) => path)).toEqual([])
  })
})
