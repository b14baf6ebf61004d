/** What README says of a first life in a sentence, read from its log. */

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
