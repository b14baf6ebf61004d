/** `an object with a, b` as messages say it; where no member is asked for, any object will do. */
export const objectWith = (names: readonly string[]): string =>
  names.length === 0 ? 'an object' : `an object with ${names.join(', ')}`
