/** Formats `an object with a, b` for messages; without any members, just `an object`. */
export const objectWith = (names: readonly string[]): string =>
  names.length === 0 ? 'an object' : `an object with ${names.join(', ')}`
