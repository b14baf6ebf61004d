/**
 * Sums of one invocation in blocks of blocks, so that long ones do not drift (Higham 2002, section 4.2).
 * Compensated sums would not do: compilers of WGSL may reassociate, and remove the compensation.
 */

/** Number of terms in a block, and of blocks in the next larger one. */
export const blockTerms = 64

/** The range of a sum: i = `first`, `first + step`, … below `end`, all WGSL. */
export interface TermRange {
  readonly first: string
  readonly end: string
  readonly step: number
  /** Statements that come before the terms of each `i`. */
  readonly before?: string
  /**
   * Levels of blocks within blocks; the outermost are added one after another. Default 3: enough where a
   * workgroup shares the terms.
   */
  readonly levels?: number
}

/**
 * Writes WGSL that declares a variable for each of `sums` and adds up its term.
 *
 * @param sums Terms by the name of their sum; they may use `i`.
 */
export function blockedSums(sums: Readonly<Record<string, string>>, range: TermRange, zero = '0.0'): string {
  const { first, end, step, before = '', levels = 3 } = range
  const names = Object.keys(sums)
  const nameAt = (name: string, level: number): string => (level === levels ? name : `${name}_${level}`)
  const declarationsOf = (level: number): string =>
    names.map((name) => `var ${nameAt(name, level)} = ${zero};`).join(' ')
  const loop = (level: number, from: string, stop: string): string => {
    if (level === 0) {
      const terms = names.map((name) => `${nameAt(name, 1)} += ${sums[name]};`)
      return `for (var i = ${from}; i < ${stop}; i += ${step}u) { ${[before, ...terms].join('\n')} }`
    }
    const stride = step * blockTerms ** level
    const at = `i_${level}`
    const inner = loop(level - 1, at, `min(${at} + ${stride}u, ${end})`)
    const added = names.map((name) => `${nameAt(name, level + 1)} += ${nameAt(name, level)};`).join(' ')
    return `for (var ${at} = ${from}; ${at} < ${stop}; ${at} += ${stride}u) {
${declarationsOf(level)}
${inner}
${added}
}`
  }
  return `${declarationsOf(levels)}
${loop(levels - 1, first, end)}`
}
