/** Orders strings by UTF-16 code unit, so that no locale changes the order of a stream. */
export function compareCodeUnits(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
