import { existsSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join, resolve } from 'node:path'

/** Folders that package managers fill, wherever they lie. */
const packageFolders: ReadonlySet<string> = new Set([
  'node_modules',
  'bower_components',
  'jspm_packages',
  'site-packages',
  '__pycache__',
])

/**
 * Files beside a folder `vendor` that say that it holds packages, and not what somebody wrote about vendors.
 */
const vendorManifests = ['go.mod', 'composer.json', 'Gemfile', 'Cargo.toml']

/**
 * Why a folder below a source holds nothing that its owner wrote, or null when it may.
 *
 * @param siblings Names of all that lies beside it.
 * @param out Folder that the run at hand writes to.
 */
export async function whyFolderIsLeftOut(
  path: string,
  name: string,
  siblings: ReadonlySet<string>,
  out?: string,
): Promise<string | null> {
  if (name.startsWith('.')) return 'hidden'
  if (packageFolders.has(name)) return 'installed packages'
  if (name === 'vendor' && vendorManifests.some((file) => siblings.has(file))) return 'installed packages'
  if (out !== undefined && resolve(path) === resolve(out)) return 'the folder of --out'
  if (existsSync(join(path, 'pyvenv.cfg'))) return 'installed packages'
  if (existsSync(join(path, 'CACHEDIR.TAG'))) return 'a cache'
  return (await holdsCheckpoint(path)) ? 'holds a checkpoint' : null
}

/** Whether a folder has the manifest of a checkpoint, which names its format in its first bytes. */
export async function holdsCheckpoint(folder: string): Promise<boolean> {
  try {
    await using file = await open(join(folder, 'checkpoint.json'), 'r')
    const { bytesRead, buffer } = await file.read(Buffer.alloc(512), 0, 512, 0)
    return buffer.toString('latin1', 0, bytesRead).includes('"burgeon checkpoint"')
  } catch {
    return false
  }
}

/** Files that burgeon writes into `--out`; they lie beside the user's own where that is the source itself. */
export const ownFile: RegExp =
  /^(checkpoint\.(json|lock)(\..+)?|kept-\d+\.json(\..+)?|report\.html|[a-z]+-\d+(-\d+-of-\d+)?\.safetensors)$/
