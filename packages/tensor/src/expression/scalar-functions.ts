/** The functions of scalar expressions, and their meaning in double precision. */
import { errorFunction } from './error-function.ts'

/** Functions of one number. */
export const unaryNames = [
  'negate',
  'abs',
  'exp',
  'expm1',
  'log',
  'log1p',
  'sqrt',
  'sigmoid',
  'tanh',
  'erf',
  'sin',
  'cos',
  'floor',
  'stopGradient',
] as const
/**
 * Functions of two numbers. Comparisons return 1 or 0. `minimum` and `maximum` return NaN if either side is
 * NaN.
 */
export const binaryNames = [
  'add',
  'subtract',
  'multiply',
  'divide',
  'pow',
  'minimum',
  'maximum',
  'less',
  'equal',
] as const

/** The name of a function of one number. */
export type UnaryName = (typeof unaryNames)[number]
/** The name of a function of two numbers. */
export type BinaryName = (typeof binaryNames)[number]

/** Computes a unary function in double precision. */
export function applyUnary(name: UnaryName, x: number): number {
  switch (name) {
    case 'negate':
      return -x
    case 'abs':
      return Math.abs(x)
    case 'exp':
      return Math.exp(x)
    case 'expm1':
      return Math.expm1(x)
    case 'log':
      return Math.log(x)
    case 'log1p':
      return Math.log1p(x)
    case 'sqrt':
      return Math.sqrt(x)
    case 'sigmoid':
      return 1 / (1 + Math.exp(-x))
    case 'tanh':
      return Math.tanh(x)
    case 'erf':
      return errorFunction(x)
    case 'sin':
      return Math.sin(x)
    case 'cos':
      return Math.cos(x)
    case 'floor':
      return Math.floor(x)
    case 'stopGradient':
      return x
  }
}

/** Computes a binary function in double precision. */
export function applyBinary(name: BinaryName, x: number, y: number): number {
  switch (name) {
    case 'add':
      return x + y
    case 'subtract':
      return x - y
    case 'multiply':
      return x * y
    case 'divide':
      return x / y
    case 'pow':
      return power(x, y)
    case 'minimum':
      return Math.min(x, y)
    case 'maximum':
      return Math.max(x, y)
    case 'less':
      return x < y ? 1 : 0
    case 'equal':
      return x === y ? 1 : 0
  }
}

/** xʸ as in C, where 1 to any power and −1 to an infinite one are 1; `**` has NaN there. */
function power(x: number, y: number): number {
  if (x === 1 || (x === -1 && Math.abs(y) === Infinity)) return 1
  return x ** y
}
