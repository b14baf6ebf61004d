/**
 * Scalar functions in WGSL, with the polynomials of the CPU kernels (`expression/math-coefficients.ts`).
 * WGSL's own `exp` and `tanh` may be off by many units in the last place, and it has no error function.
 *
 * Drivers may contract a product and a sum into one operation, which only makes the results better.
 */
import {
  cosResidual,
  erfExponentResidual,
  erfResidual,
  expResidual,
  logResidual,
  sinResidual,
  tanhResidual,
} from '../../../expression/math-coefficients.ts'

/** Writes a number as a literal of exactly these 32 bits. WGSL has no literals of infinities and NaN. */
export function literal(value: number): string {
  const [bits] = new Uint32Array(new Float32Array([value]).buffer)
  if (!Number.isFinite(Math.fround(value))) return `bitcast<f32>(${hex(bits)} | params.zero)`
  return `bitcast<f32>(${hex(bits)})`
}

const hex = (bits: number): string => `0x${bits.toString(16)}u`

/** `Σ cₖ xᵏ` by Horner's rule. */
function polynomial(x: string, coefficients: readonly number[]): string {
  return coefficients
    .toReversed()
    .map(literal)
    .reduce((sum, c) => `(${sum} * ${x} + ${c})`)
}

const ln2High = 0.693359375
const ln2Low = -2.1219444005469057e-4
// π/2 in three parts, the first two so short that their products with integers below 2¹³ are exact (Cody &
// Waite 1980).
const halfPi = [1.5703125, 4.837512969970703e-4, 7.54978995489e-8]

/** Declarations by name. Each may use those before it. */
const functions = {
  // A divisor that the compiler cannot find to be 0.
  opaque_: `fn opaque_(x: f32) -> f32 { return bitcast<f32>(bitcast<u32>(x) | params.zero); }`,
  isNaN: `fn isNaN(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u; }`,
  // Comparisons with NaN are false, so NaN passes.
  within: `fn within(x: f32, low: f32, high: f32) -> f32 { return select(select(x, low, x < low), high, x > high); }`,
  minimum: `fn minimum(x: f32, y: f32) -> f32 { return select(select(y, x, x < y), x + y, isNaN(x) || isNaN(y)); }`,
  maximum: `fn maximum(x: f32, y: f32) -> f32 { return select(select(y, x, x > y), x + y, isNaN(x) || isNaN(y)); }`,
  // eᵗ = 2ⁿ eʳ with n = ⌊t / ln 2⌋ for −88 ≤ t ≤ 89, as on the CPU.
  exponential: `fn exponential(t: f32) -> f32 {
  let n = floor(t * ${literal(Math.LOG2E)});
  let r = (t - n * ${literal(ln2High)}) - n * ${literal(ln2Low)};
  let significand = (r * r) * ${polynomial('r', expResidual)} + r + 1.0;
  return significand * bitcast<f32>(u32(i32(n) + 127) << 23u);
}`,
  exp_: `fn exp_(x: f32) -> f32 {
  if (isNaN(x)) { return x; }
  return exponential(within(x, -88.0, 89.0));
}`,
  // 2t + 2t²/(1 − t) with t = tanh(x/2) near 0, as on the CPU.
  expm1_: `fn expm1_(x: f32) -> f32 {
  if (isNaN(x)) { return x; }
  if (abs(x) >= 1.25) { return exponential(within(x, -88.0, 89.0)) - 1.0; }
  let half = x * 0.5;
  let square = half * half;
  let residual = square * ${polynomial('square', tanhResidual)};
  let t = half + half * residual;
  return x + (x * residual + 2.0 * t * t / (1.0 - t));
}`,
  sigmoid_: `fn sigmoid_(x: f32) -> f32 {
  if (isNaN(x)) { return x; }
  return 1.0 / (1.0 + exponential(within(-x, -88.0, 89.0)));
}`,
  // e ln 2 + ln(1 + f) for √½ ≤ 1 + f < √2
  logarithm: `fn logarithm(f: f32, e: f32) -> f32 {
  let square = f * f;
  let small = square * f * ${polynomial('f', logResidual)} + e * ${literal(ln2Low)};
  return (f + (small - square * 0.5)) + e * ${literal(ln2High)};
}`,
  log_: `fn log_(x: f32) -> f32 {
  if (isNaN(x) || x < 0.0) { return bitcast<f32>(0x7fc00000u | params.zero); }
  if ((bitcast<u32>(x) << 1u) == 0u) { return bitcast<f32>(0xff800000u | params.zero); }
  if (bitcast<u32>(x) == 0x7f800000u) { return x; }
  // The bits of a subnormal number are exact as an integer, even where the device flushes such numbers.
  let isSubnormal = bitcast<u32>(x) < 0x00800000u;
  let normal = select(bitcast<u32>(x), bitcast<u32>(f32(bitcast<u32>(x))), isSubnormal);
  let bits = bitcast<i32>(normal) - 0x3f3504f3;
  let e = f32((bits >> 23u) - select(0, 149, isSubnormal));
  return logarithm(bitcast<f32>((bits & 0x7fffff) + 0x3f3504f3) - 1.0, e);
}`,
  // Where 1 + x lies in [√½, √2), x itself is the f of the logarithm, as on the CPU.
  log1p_: `fn log1p_(x: f32) -> f32 {
  let bits = bitcast<i32>(x + 1.0) - 0x3f3504f3;
  if (isNaN(x) || (bits >> 23u) != 0) { return log_(x + 1.0); }
  return logarithm(x, 0.0);
}`,
  // Powers as in C. The error grows with |y log x|, because log x is rounded before it is multiplied.
  pow_: `fn pow_(x: f32, y: f32) -> f32 {
  if (y == 0.0 || x == 1.0) { return 1.0; }
  if (isNaN(x) || isNaN(y)) { return x + y; }
  let size = bitcast<u32>(x) & 0x7fffffffu;
  var magnitude = 1.0;
  if (size != 0x3f800000u) { magnitude = exp_(y * log_(bitcast<f32>(size))); }
  let isWhole = floor(y) == y;
  if (isWhole && floor(y * 0.5) * 2.0 != y) {
    return bitcast<f32>(bitcast<u32>(magnitude) | (bitcast<u32>(x) & 0x80000000u));
  }
  if (x < 0.0 && !isWhole && size < 0x7f800000u) { return bitcast<f32>(0x7fc00000u | params.zero); }
  return magnitude;
}`,
  tanh_: `fn tanh_(x: f32) -> f32 {
  if (isNaN(x)) { return x; }
  let a = min(abs(x), 10.0);
  let square = a * a;
  let near = square * a * ${polynomial('square', tanhResidual)} + a;
  let far = 1.0 - 2.0 / (exponential(a + a) + 1.0);
  let magnitude = select(far, near, a < 0.625);
  return select(magnitude, -magnitude, x < 0.0);
}`,
  erf_: `fn erf_(x: f32) -> f32 {
  if (isNaN(x)) { return x; }
  let a = min(abs(x), 4.0);
  let square = a * a;
  let near = a * ${polynomial('square', erfResidual)} + a;
  let far = 1.0 - exponential(-(a * ${polynomial('a', erfExponentResidual)} + a));
  let magnitude = select(far, near, a < 0.925);
  return select(magnitude, -magnitude, x < 0.0);
}`,
  // sin(x + quadrants · π/2); exact reduction up to some ten thousand, beyond that the angle is lost little
  // by little.
  sine: `fn sine(x: f32, quadrants: i32) -> f32 {
  if (isNaN(x) || (bitcast<u32>(x) & 0x7fffffffu) == 0x7f800000u) { return bitcast<f32>(0x7fc00000u | params.zero); }
  let n = round(x * ${literal(2 / Math.PI)});
  let reduced = ((x - n * ${literal(halfPi[0])}) - n * ${literal(halfPi[1])}) - n * ${literal(halfPi[2])};
  let r = clamp(reduced, -0.7854, 0.7854);
  let square = r * r;
  let sinR = square * r * ${polynomial('square', sinResidual)} + r;
  let cosR = (1.0 - square * 0.5) + square * square * ${polynomial('square', cosResidual)};
  let quadrant = i32(n - 4.0 * floor(n * 0.25)) + quadrants;
  let magnitude = select(sinR, cosR, (quadrant & 1) == 1);
  return select(magnitude, -magnitude, (quadrant & 2) == 2);
}`,
} as const

/** All functions; a compiler drops those that a kernel does not call. */
export const mathFunctions: string = Object.values(functions).join('\n')
