/**
 * Coefficients of the polynomials in `backends/wasm/math.ts` and `backends/webgpu/wgsl-math.ts`, lowest power
 * first. Each is the minimax fit, with single-precision coefficients, of the residual and the interval named;
 * `test/wasm/math-coefficients.test.ts` fits them again.
 */

/** `(eʳ − 1 − r) / r²` on [0, ln 2]. */
export const expResidual: readonly number[] = [
  0.500002325, 0.16663143, 0.0418569706, 0.00786507782, 0.00191447244,
]

/** `(ln(1 + f) − f + f²/2) / f³` on [√½ − 1, √2 − 1]. */
export const logResidual: readonly number[] = [
  0.333333313, -0.250008196, 0.200012371, -0.166233972, 0.142017066, -0.131599292, 0.127613559, -0.0763429329,
]

/** `(tanh x − x) / x³` as a polynomial in x² for |x| ≤ 0.625. */
export const tanhResidual: readonly number[] = [
  -0.333332807, 0.133314058, -0.0537365153, 0.0206281673, -0.0056922962,
]

/** `erf x / x − 1` as a polynomial in x² for |x| ≤ 0.93. */
export const erfResidual: readonly number[] = [
  0.128379166, -0.376126289, 0.112836257, -0.0268557314, 0.00519240508, -0.000804976968, 0.0000799664995,
]

/** `−ln(1 − erf a) / a − 1` on [0.92, 4]. */
export const erfExponentResidual: readonly number[] = [
  0.128514364, 0.635718286, 0.105261914, -0.0228900388, 0.00321499095, -0.000213991167,
]

/** `(sin r − r) / r³` as a polynomial in r² for |r| ≤ π/4. */
export const sinResidual: readonly number[] = [-0.166666552, 0.00833218917, -0.000195182845]

/** `(cos r − 1 + r²/2) / r⁴` as a polynomial in r² for |r| ≤ π/4. */
export const cosResidual: readonly number[] = [0.0416666456, -0.00138873095, 0.0000244323273]
