/** The first life of README: some lines of its log, and its facts in a sentence. */

/** Throws RangeError for a log that lacks one of the facts. */
export function firstLifeFacts(log: readonly string[]): string {
  const find = (pattern: RegExp): string => {
    const found = log.map((line) => pattern.exec(line)?.[1]).find((match) => match !== undefined)
    if (found === undefined)
      throw new RangeError(`the log of a first life has no line like ${pattern.source}.`)
    return found
  }
  const from = find(/starts with ([\d,]+) parameters/)
  const growths = log.filter((line) => line.startsWith('+ growth')).length
  const to = log
    .map((line) => /^\s*[\d,]+\s{2,}([\d,]+)\s{2,}\S/.exec(line)?.[1])
    .findLast((match) => match !== undefined)
  const seconds = find(/^Lived for (.+)\.$/)
  return `It grew ${growths} times, from ${from} to ${to ?? from} parameters, in ${seconds}.`
}

/** Lines that tell a life in short, each the first or last of its kind. */
const told: readonly (readonly ['first' | 'last', RegExp])[] = [
  ['first', /^It starts with/],
  ['first', /^\S.* 0% .*bits\/byte/],
  ['first', /^\+ growth {5}vocabulary/],
  ['first', /^\+ growth {5}block/],
  ['first', /^\+ growth {5}layer/],
  ['first', /^~ drift/],
  ['last', /^\S.*% .*bits\/byte/],
  ['first', /^It noticed/],
]

/** Eight lines of the log of a first life, in its order. Throws RangeError for a log without one of them. */
export function firstLifeExcerpt(log: readonly string[]): string[] {
  const places = told.map(([which, pattern]) => {
    const isTold = (line: string): boolean => pattern.test(line)
    const at = which === 'first' ? log.findIndex(isTold) : log.findLastIndex(isTold)
    if (at < 0) throw new RangeError(`the log of a first life has no line like ${pattern.source}.`)
    return at
  })
  return places.toSorted((a, b) => a - b).map((at) => log[at])
}
