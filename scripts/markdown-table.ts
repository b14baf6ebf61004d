/** Tables of documents, as Markdown has them. */

const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`.replace(/\|  (?=\|)/g, '| ')

/** A table, its heads in the first row. */
export const table = ([head, ...rows]: readonly (readonly string[])[]): string =>
  [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)].join('\n')
