/** Pictures, sound, series and text of a folder, one piece after the other. */
import { lstat, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { checkArgument, checkOptions, type ChecksOf, checks } from '@burgeon/tensor'
import { SenseError } from '../sense-error.ts'
import {
  cuttingChecks,
  type FoundPiece,
  hasPieces,
  readPieces,
  type ReadPiecesOptions,
} from './read-pieces.ts'

/** How a folder is read. */
export interface ReadSensesOptions extends Omit<ReadPiecesOptions, 'from'> {
  /** Bytes of a file. Default 64 MiB. */
  readonly bytes?: number
  /**
   * Is told of a file that cannot be read, which is passed over then. Without it the error is thrown, and
   * nothing more is read.
   */
  readonly onBroken?: (error: SenseError) => void
}

const optionChecks: ChecksOf<ReadSensesOptions> = {
  ...cuttingChecks,
  bytes: checks.integer({ from: 1 }),
  onBroken: checks.callback('a function of an error'),
}

/**
 * Reads the pictures (`.png`), sounds (`.wav`) and tables (`.csv`) of a folder and those in it, by the order of
 * their paths. Other files, links, and names that begin with a dot are passed over. Sound of another rate is
 * resampled; a table is one series, each column of numbers a channel.
 *
 * @throws SenseError that names the file, unless `onBroken` is told.
 */
export async function* readSenses(
  folder: string,
  options: ReadSensesOptions = {},
): AsyncGenerator<FoundPiece, void, void> {
  checkArgument('readSenses', 'folder', folder, checks.text)
  checkOptions('readSenses', options, optionChecks)
  const { bytes: most = 2 ** 26, onBroken, ...cutting } = options
  for await (const file of filesIn(folder, '')) {
    if (!hasPieces(file)) continue
    let pieces: readonly FoundPiece[]
    try {
      pieces = readPieces(await bytesOf(folder, file, most), file, cutting)
    } catch (error) {
      if (!(error instanceof SenseError) || onBroken === undefined) throw error
      onBroken(error)
      continue
    }
    yield* pieces
  }
}

/** Files below a folder, folders in their place among them. */
async function* filesIn(folder: string, below: string): AsyncGenerator<string, void, void> {
  const entries = await readdir(join(folder, below), { withFileTypes: true }).catch((cause: unknown) => {
    throw new SenseError('unreadable', `${join(folder, below)}: cannot be read as a folder.`, { cause })
  })
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    if (entry.name.startsWith('.')) continue
    const path = below === '' ? entry.name : `${below}/${entry.name}`
    if (entry.isDirectory()) yield* filesIn(folder, path)
    else if (entry.isFile()) yield path
  }
}

async function bytesOf(folder: string, file: string, most: number): Promise<Uint8Array> {
  try {
    const { size } = await lstat(join(folder, file))
    if (size <= most) return await readFile(join(folder, file))
    throw new SenseError('too-large', `${file}: got ${size} bytes; expected at most ${most}.`)
  } catch (cause) {
    if (cause instanceof SenseError) throw cause
    throw new SenseError('unreadable', `${file}: cannot be read.`, { cause })
  }
}
