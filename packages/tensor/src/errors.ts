/**
 * The typed errors of the tensor package. Each message names the op, the value it got, the value it expected,
 * and what to do.
 */

/** Every error this library throws on purpose; catch this to separate bad use from bugs. */
export class BurgeonError extends Error {
  override readonly name: string = 'BurgeonError'
}

/** Shapes or element types do not fit the op. */
export class ShapeError extends BurgeonError {
  override readonly name = 'ShapeError'
}

/** An option or attribute is outside its range. */
export class OptionError extends BurgeonError {
  override readonly name = 'OptionError'
}

/** Tensors of two devices met in one op; burgeon never copies between devices silently. */
export class DeviceMismatchError extends BurgeonError {
  override readonly name = 'DeviceMismatchError'
}

/** A tensor was used after the scope that owned it had ended. */
export class DisposedTensorError extends BurgeonError {
  override readonly name = 'DisposedTensorError'
}

/** A callback that must be synchronous returned a promise. */
export class AsyncCallbackError extends BurgeonError {
  override readonly name = 'AsyncCallbackError'
}

/** An index points outside its table. */
export class IndexError extends BurgeonError {
  override readonly name = 'IndexError'
}

/** A number that had to be finite was NaN or infinite. */
export class NonFiniteError extends BurgeonError {
  override readonly name = 'NonFiniteError'
}

/** The device has no room for another tensor. */
export class OutOfMemoryError extends BurgeonError {
  override readonly name = 'OutOfMemoryError'
}

/** A saved state cannot be stored, does not belong to the object it was given to, or is damaged. */
export class StateError extends BurgeonError {
  override readonly name = 'StateError'
}

/**
 * The GPU has gone (driver reset, unplugged, out of memory): its tensors are lost, and another device must be
 * opened.
 */
export class DeviceLostError extends BurgeonError {
  override readonly name = 'DeviceLostError'
}

/** This machine or JavaScript engine lacks what the backend needs. */
export class UnsupportedError extends BurgeonError {
  override readonly name = 'UnsupportedError'
}

/** Something happened that no use of the library can cause: a bug in burgeon. Please report it. */
export class InternalError extends BurgeonError {
  override readonly name = 'InternalError'
}
