/**
 * A typed WebAssembly assembler: expressions are values of a type, statements are methods of the function
 * builder.
 */
export {
  defineFunction,
  type FunctionBuilder,
  type FunctionDefinition,
  type Local,
} from './function-builder.ts'
export { ModuleBuilder } from './module-builder.ts'
export { f32, f64, i32, select } from './scalar.ts'
export type { Value } from './value.ts'
export { f32x4, f64x2, i8x16, i16x8, i32x4, v128 } from './vector.ts'
