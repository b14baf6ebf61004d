/**
 * A digest that can go on: Node's `Hash`, said without Node's types, which users of the packages need not
 * have.
 */
export interface RunningDigest {
  update(bytes: Uint8Array): unknown
  copy(): RunningDigest
  digest(encoding: 'hex'): string
}
