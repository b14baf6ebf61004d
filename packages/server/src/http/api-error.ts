/** Errors in the form that clients of OpenAI read. */
import { BurgeonError, InternalError } from '@burgeon/tensor'

/** The body of an answer that says what is wrong. */
export interface ErrorBody {
  readonly error: {
    readonly message: string
    readonly type: string
    readonly param: string | null
    readonly code: string | null
  }
}

interface ErrorDetails {
  readonly type?: string
  /** The field that is wrong. */
  readonly param?: string
  readonly code?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** A request that cannot be answered, and why. */
export class ApiError extends BurgeonError {
  override readonly name = 'ApiError'
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: ErrorBody

  constructor(status: number, message: string, details: ErrorDetails = {}) {
    super(message)
    const { type = 'invalid_request_error', param = null, code = null, headers = {} } = details
    this.status = status
    this.headers = headers
    this.body = { error: { message, type, param, code } }
  }
}

/**
 * What a client is told of any error: our own typed ones say what was expected; of a fault of the server
 * nothing is told but that there is one.
 */
export function apiErrorOf(error: unknown): ApiError {
  if (error instanceof ApiError) return error
  if (error instanceof BurgeonError && !(error instanceof InternalError))
    return new ApiError(400, error.message)
  return new ApiError(500, 'the server failed; its log says more.', {
    type: 'server_error',
    code: 'internal_error',
  })
}

/**
 * Throws what an error of ours says, for whoever asked, behind what could not be done. A fault of the server
 * is thrown on as it is.
 */
export function refuseBy(error: unknown, status: number, what: string, details: ErrorDetails): never {
  if (!(error instanceof BurgeonError) || error instanceof InternalError) throw error
  throw new ApiError(status, `${what}: ${error.message}`, details)
}

/**
 * Ends a request whose work has failed: with 499 where its client has gone, with what the work itself has answered,
 * else as `refuseBy`.
 */
export function refuseWork(
  error: unknown,
  signal: AbortSignal,
  status: number,
  what: string,
  details: ErrorDetails,
): never {
  if (signal.aborted) throw new ApiError(499, 'the client has gone.', { code: 'client_gone' })
  if (error instanceof ApiError) throw error
  return refuseBy(error, status, what, details)
}
