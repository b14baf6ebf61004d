/** What `burgeon init` writes. */
import type { BurgeonConfig } from '../../config/define-config.ts'

/** What a person wants. */
export interface Wishes {
  /** Folder of notes to learn. */
  readonly notes: string
  /** Model to begin with; null for a new small one. */
  readonly from: string | null
  /** Whether a new life sleeps. */
  readonly sleeps: boolean
  readonly port: number
  /** Whether other machines may ask, with keys. */
  readonly isShared: boolean
}

/** Steps from one sleep to the next. */
const sleepEvery = 1000

/** File of keys beside the file of settings. */
export const keysFile = 'keys.json'

/** The settings that fulfil them. */
export function settingsOf({ notes, from, sleeps, port, isShared }: Wishes): BurgeonConfig {
  const born = { ...(from !== null && { from }), ...(sleeps && { sleepEvery }) }
  return {
    learn: { source: notes, ...born },
    serve: {
      ...{ learn: notes, port, ...born },
      ...(isShared && { host: '0.0.0.0', keys: keysFile }),
    },
  }
}

/**
 * A file of settings, by the end of its name.
 *
 * @param isInstalled Whether the package can be found from there: an editor knows the names by it.
 */
export function configText(file: string, config: BurgeonConfig, isInstalled: boolean): string {
  if (file.endsWith('.json')) return `${JSON.stringify(config, null, 2)}\n`
  const text = literal(config, '')
  return isInstalled
    ? `import { defineConfig } from 'burgeon'\n\nexport default defineConfig(${text})\n`
    : `export default ${text}\n`
}

/** As a person writes it: names without quotes, texts in single ones. */
function literal(value: unknown, indent: string): string {
  if (typeof value !== 'object' || value === null) {
    if (typeof value !== 'string') return JSON.stringify(value)
    return `'${JSON.stringify(value).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`
  }
  const more = `${indent}  `
  const lines = Object.entries(value).map(([name, inner]) => `${more}${name}: ${literal(inner, more)},`)
  return `{\n${lines.join('\n')}\n${indent}}`
}
