/**
 * Where threads meet: a few words at fixed addresses of the shared memory.
 *
 * A batch of tasks is written down, `open` is set to their number and `round` is raised. Whoever is awake, the caller too,
 * takes the task at `open − 1` by subtracting one; a taker that finds nothing left sleeps until the next round. A task
 * is one call of one exported function. Which thread runs it changes nothing, because tasks never write what another
 * task of their batch reads.
 */

/** Words of the board, as indices of an `Int32Array` on its address. */
export const word = {
  /** Raised with each batch; threads without work sleep on it. */
  round: 0,
  /** Tasks that nobody has taken; below zero when takers came in vain. */
  open: 1,
  /** Tasks of the batch that are finished; the caller may sleep on it. */
  done: 2,
  /** Tasks of the batch that ended in an exception on another thread. */
  failed: 3,
  /** Not 0 when the threads are to end. */
  closed: 4,
  /** Threads that have come up. */
  present: 5,
} as const

/** Where things lie, counted from the address of the board. */
export const board = {
  /** The tasks, `taskBytes` each: module, function, address and size of the module's code, count of arguments, arguments. */
  tasksAt: 64,
  taskBytes: 256,
  /** Tasks in a batch at most. */
  capacity: 256,
  /** Where the arguments begin, in units of 8 bytes from the start of a task; each is one double. */
  argumentsAt: 3,
  /** Arguments of a call at most. */
  arguments: 29,
  /** The code of modules that threads run, one after the other. */
  codeAt: 64 + 256 * 256,
  codeBytes: 2 ** 21,
} as const
