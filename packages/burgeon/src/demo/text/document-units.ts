/** Longer lines are minified or generated; nobody writes or reads them. */
const longestLine = 160

/**
 * A declaration longer than this is taken apart into its members, so that what is inside can be compared and
 * cut.
 */
const longestUnit = 3000

const licenseName = /(^|\/)(licen[cs]e|copying|notice|third-?party-?\w*)([-_][\w-]+)?(\.(md|txt|markdown))?$/i

/** Whether a file is a license or notice, by its name. */
export function isLicense(file: string): boolean {
  return licenseName.test(file)
}

/** Shorter paragraphs of a license are titles and names of authors. */
const shortestParagraph = 80

/** License text → its paragraphs. */
export function licenseParagraphs(text: string): string[] {
  return text
    .replace(/^[ \t]*>[ \t]?/gm, '')
    .split(/\n\s*\n/)
    .map((paragraph) => paragraph.replace(/^\n+|\s+$/g, ''))
    .filter((paragraph) => paragraph.length >= shortestParagraph && !/^(#|copyright|\(c\))/i.test(paragraph))
    .filter((paragraph) => paragraph.split('\n').every((line) => line.length <= 4 * longestLine))
}

/** Whether a JSON file holds translations; they are neither English nor written by hand. */
export function isTranslation(file: string): boolean {
  return /\/locales?\/|\.generated\.json$/.test(file)
}

/**
 * JSON text → its lines; none when the file is minified, a bare list of words, or holds more than a few
 * characters beyond ASCII.
 */
export function jsonLines(text: string): string[] {
  const lines = text.split('\n').filter((line) => line !== '')
  const foreign = text.match(/[^\t\n -~]/g)?.length ?? 0
  const fields = lines.filter((line) => line.includes('":')).length
  if (
    text.length > longestLine * lines.length ||
    fields < 0.25 * lines.length ||
    foreign > 0.005 * text.length
  )
    return []
  return lines.filter((line) => line.length <= 2 * longestLine)
}

/** Declarations without comments → one text per declaration; the members of a long one stand alone. */
export function declarationUnits(code: string): string[] {
  return statements(code, 0)
    .flatMap((unit) => (unit.length > longestUnit ? members(unit) : [unit]))
    .filter(
      (unit) =>
        !/^\s*(import\b|export (type )?\{|export \* from|export default \w+;?$|\}|declare global)/.test(unit),
    )
    .filter((unit) => unit.split('\n').every((line) => line.length <= longestLine))
}

/** Cuts before each line that starts at the given depth and does not close something. */
function statements(code: string, depth: number): string[] {
  const found: string[] = []
  for (const line of code.split('\n')) {
    const indent = line.length - line.trimStart().length
    if (found.length > 0 && (indent > depth || /^\s*[}\])|&>?:]/.test(line)))
      found[found.length - 1] += `\n${line}`
    else found.push(line)
  }
  return found
}

function members(unit: string): string[] {
  const [head, ...rest] = unit.split('\n')
  if (rest.length === 0) return [unit]
  const depth = rest[0].length - rest[0].trimStart().length
  return depth === 0 ? [unit] : [head, ...statements(rest.join('\n'), depth)]
}
