import { bits, foldIn, type Key } from './threefry.ts'
export interface RandomState { readonly key: Key; readonly counter: number }
export class RandomStream {
  readonly #key: Key
  #counter = 0
  constructor(key: Key) { this.#key = key }
  named(name: string): RandomStream { let h = 2166136261; for (const c of new TextEncoder().encode(name)) h = Math.imul(h ^ c, 16777619); return new RandomStream(foldIn(this.#key, h >>> 0)) }
  uint32(): number { return bits(this.#key, this.#counter++) }
  uniform(): number { return (this.uint32() >>> 8) * 2 ** -24 }
  below(n: number): number { return Math.floor((this.uint32() / 2 ** 32) * n) }
  normal(): number { return Math.sqrt(-2 * Math.log(1 - this.uniform())) * Math.cos(2 * Math.PI * this.uniform()) }
  fillNormal(out: Float32Array, std: number): void { for (let i = 0; i < out.length; i++) out[i] = this.normal() * std }
  toState(): RandomState { return { key: this.#key, counter: this.#counter } }
  static fromState(s: RandomState): RandomStream { const r = new RandomStream(s.key); r.#counter = s.counter; return r }
}
