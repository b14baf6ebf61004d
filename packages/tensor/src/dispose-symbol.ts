/**
 * Engines without explicit resource management (Safari, Chrome before 134, Firefox before 141) have no
 * `Symbol.dispose`, for which a compiled `using` looks. They get the registered symbol that compilers agree
 * on, as a polyfill would give it to them.
 */
if ((Symbol as { dispose?: symbol }).dispose === undefined) {
  Object.defineProperty(Symbol, 'dispose', { value: Symbol.for('Symbol.dispose'), configurable: true })
}

/**
 * `Symbol.dispose`. Import it from here to name a method by it, so that it exists before the name is needed.
 */
export const disposeSymbol: typeof Symbol.dispose = Symbol.dispose

// For programs compiled without the library `esnext.disposable`; where that is there, these declarations are
// the same.
declare global {
  interface SymbolConstructor {
    readonly dispose: unique symbol
  }
  interface Disposable {
    [Symbol.dispose](): void
  }
}
