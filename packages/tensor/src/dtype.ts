/** Element types. `f32` is stored in double precision on the reference device; `i32` holds indices and raw bits. */
export type DType = 'f32' | 'i32'

/** What reading a tensor answers: `Float64Array` for `f32` on the reference device, else the type's own array. */
export type NumericArray = Float32Array | Float64Array | Int32Array

/** Bytes of one element on a computing device. */
export const bytesPerElement: Record<DType, number> = { f32: 4, i32: 4 }
