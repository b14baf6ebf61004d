import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { checkOptions, checks } from '@burgeon/tensor'
import { declarationSource } from './text/declaration-source.ts'
import {
  declarationUnits,
  isLicense,
  isTranslation,
  jsonLines,
  licenseParagraphs,
} from './text/document-units.ts'
import { type DomainBounds, type DomainText, domainText } from './domain-text.ts'
import { installedPackages, packageFiles } from './installed-packages.ts'
import { markdownProse } from './text/markdown-prose.ts'
import { type Piece, pieces } from './text/pieces.ts'
import { plainText } from './text/plain-text.ts'
import { UniqueTexts } from './text/unique-texts.ts'

/** Where the stream is built from, and how much of each domain. */
export interface DefaultStreamOptions extends DomainBounds {
  /** The checkout: the folder with `package-lock.json` and `node_modules`. */
  readonly root: string
}

/**
 * The stream of a first life, made of files that every checkout has after `npm ci`, in three domains: English
 * `prose`, TypeScript `declarations`, and `data` (JSON and licenses). Cleaned, deduplicated, and the same
 * bytes on every machine with the same lock file.
 *
 * @throws OptionError for bounds that are no positive integers.
 * @throws StreamError when there is no lock file, or node_modules is missing, incomplete or too poor; the
 *   message says to run `npm ci`.
 *
 * @example
 * const [prose] = await defaultStream({ root: process.cwd(), bytesPerDomain: 200_000, heldOutBytes: 16_000 })
 * console.log(prose.name, prose.train.length, prose.digest)
 */
export async function defaultStream(options: DefaultStreamOptions): Promise<DomainText[]> {
  checkOptions('defaultStream', options, {
    root: checks.required(checks.text),
    bytesPerDomain: checks.required(checks.integer({ from: 1 })),
    heldOutBytes: checks.required(checks.integer({ from: 1 })),
  })
  const { root, ...bounds } = options
  const packages = await installedPackages(root)
  const files = (await Promise.all(packages.map(({ path }) => packageFiles(root, path)))).flat()
  const known = { prose: new UniqueTexts(), declarations: new UniqueTexts(), data: new UniqueTexts() }
  const found: Record<keyof typeof known, Piece[]> = { prose: [], declarations: [], data: [] }
  const add = (
    domain: keyof typeof known,
    file: string,
    units: string[],
    separator: string,
    length?: number,
  ): void => {
    for (const piece of pieces(file, known[domain].new(units), separator, length)) found[domain].push(piece)
  }
  for await (const { file, kind, text } of texts(root, files)) {
    if (kind === 'license') add('data', file, licenseParagraphs(text), '\n\n', licensePiece)
    if (kind === 'markdown') add('prose', file, markdownProse(text), '\n\n')
    // Lines of JSON repeat by nature; only a whole file that was seen before is a duplicate.
    if (kind === 'json' && known.data.new([text]).length > 0)
      for (const piece of pieces(file, jsonLines(text), '\n')) found.data.push(piece)
    if (kind === 'declarations') {
      const source = declarationSource(text)
      add('prose', file, source.prose, '\n\n')
      add('declarations', file, declarationUnits(source.code), '\n')
    }
  }
  return Object.entries(found).map(([name, parts]) => domainText(name, parts, bounds))
}

/** Licenses read unlike JSON: in short pieces they season the domain instead of interrupting it. */
const licensePiece = 320

/** How many files are open at a time: enough to keep the disk busy, far from any system's limit. */
const filesAtOnce = 64

interface KnownFile {
  readonly file: string
  readonly kind: FileKind
}

/** Reads the files whose kind is known, in the given order. */
async function* texts(root: string, files: readonly string[]): AsyncGenerator<KnownFile & { text: string }> {
  const known = files.flatMap((file): KnownFile[] => {
    const kind = kindOf(file)
    return kind === null ? [] : [{ file, kind }]
  })
  for (let from = 0; from < known.length; from += filesAtOnce) {
    const batch = known.slice(from, from + filesAtOnce)
    const read = await Promise.all(batch.map(({ file }) => readFile(join(root, file))))
    yield* batch.map((entry, i) => ({ ...entry, text: plainText(read[i]) }))
  }
}

type FileKind = 'license' | 'json' | 'markdown' | 'declarations'

function kindOf(file: string): FileKind | null {
  if (isLicense(file)) return 'license'
  if (/\.json$/i.test(file)) return isTranslation(file) ? null : 'json'
  if (/\.(md|markdown)$/i.test(file)) return 'markdown'
  return /\.d\.[cm]?ts$/.test(file) ? 'declarations' : null
}
