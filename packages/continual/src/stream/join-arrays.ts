/** Joins arrays of numbers. */

/** The numbers of several arrays in order, in a new array of their kind. */
export function joinArrays<A extends Uint8Array | Float32Array>(
  ArrayOfKind: new (length: number) => A,
  arrays: readonly A[],
): A {
  const all = new ArrayOfKind(arrays.reduce((total, { length }) => total + length, 0))
  let at = 0
  for (const array of arrays) {
    all.set(array, at)
    at += array.length
  }
  return all
}
