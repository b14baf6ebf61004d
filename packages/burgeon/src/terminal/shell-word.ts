import { printable } from './terminal.ts'

/** Words that mean themselves in every shell. */
const plain = /^[\w@%+=:,./-]+$/

/**
 * An argument as a POSIX shell reads it, so that a command that is shown can be copied and run. Characters
 * that must not reach a terminal are written by `printf`.
 */
export function shellWord(text: string): string {
  if (plain.test(text)) return text
  // A newline drives no terminal, and what `$(…)` returns would lose one at its end.
  const parts = Array.from(text.matchAll(/\n|[^\n]/gu), ([character]) => ({
    character,
    isShown: character === '\n' || printable(character) === character,
  }))
  let word = ''
  for (let at = 0; at < parts.length; ) {
    const { isShown } = parts[at]
    let end = at
    while (end < parts.length && parts[end].isShown === isShown) end++
    const run = parts
      .slice(at, end)
      .map(({ character }) => character)
      .join('')
    word += isShown ? `'${run.replaceAll("'", `'\\''`)}'` : `"$(printf '${octal(run)}')"`
    at = end
  }
  return word === '' ? "''" : word
}

function octal(text: string): string {
  return Array.from(new TextEncoder().encode(text), (byte) => `\\${byte.toString(8).padStart(3, '0')}`).join(
    '',
  )
}

/**
 * A whole command of ours as a shell reads it. `npx` finds it in a checkout and where the packages are
 * installed.
 */
export function shellCommand(...args: readonly string[]): string {
  return ['npx', 'burgeon', ...args].map(shellWord).join(' ')
}

/** A path as an argument that no command takes for an option. */
export function pathArgument(path: string): string {
  return path.startsWith('-') && path !== '-' ? `./${path}` : path
}
