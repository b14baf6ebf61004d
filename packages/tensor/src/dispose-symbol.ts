/**
 * Engines without explicit resource management (Safari, Chrome before 134, Firefox before 141) have no `Symbol.dispose`, for which
 * a compiled `using` looks. They get the registered symbol that compilers agree on, as a polyfill would give it to them.
 */
if ((Symbol as { dispose?: symbol }).dispose === undefined) {
  Object.defineProperty(Symbol, 'dispose', { value: Symbol.for('Symbol.dispose'), configurable: true })
}

/** `Symbol.dispose`. Whoever names a method by it imports it from here, so that it is there before the name is needed. */
export const disposeSymbol: typeof Symbol.dispose = Symbol.dispose

// For programs that are compiled without the library `esnext.disposable`; where it is there, the declarations are the same ones.
declare global {
  interface SymbolConstructor {
    readonly dispose: unique symbol
  }
  interface Disposable {
    [Symbol.dispose](): void
  }
}
