/**
 * The board on which threads share tasks: a few words at fixed addresses of the shared memory.
 *
 * The caller writes a batch of tasks, marks each as open, sets `open` to their number and raises `round`.
 * Every thread that is awake, the caller too, gets a task's number by subtracting one from `open`, and then
 * claims it by writing its own name over the mark; a thread that finds no task left sleeps until the next
 * round. A task is one call of one exported function. It does not matter which thread runs it, because tasks
 * never write what another task of their batch reads.
 *
 * The claim is one atomic step, so the board always tells which thread has a task. If that thread has ended,
 * the task will not be finished, and the caller handles it.
 */

/** Words of the board, as indices of an `Int32Array` on its address. */
export const word = {
  /** Raised with each batch; threads without work sleep on it. */
  round: 0,
  /** Number of tasks that no thread has asked for; below zero when threads asked in vain. */
  open: 1,
  /** Raised when a thread leaves a task, finished or not; the caller may sleep on it. */
  left: 2,
  /** Not 0 when the threads are to end. */
  closed: 3,
  /** Number of threads that have started. */
  present: 4,
} as const

/** The state of a task. A number above 0 is the worker that has claimed it. */
export const state = {
  done: 0,
  open: -1,
  /** The task ended in an exception on a worker, which has left. */
  failed: -2,
  /** The caller has claimed it. */
  caller: -3,
} as const

/** The layout of the board, counted from its address. */
export const board = {
  /** The state of each task, 4 bytes each. */
  statesAt: 64,
  /**
   * The tasks, `taskBytes` each: module, function, address and size of the module's code, count of arguments,
   * arguments.
   */
  tasksAt: 64 + 4 * 256,
  taskBytes: 256,
  /** Maximum number of tasks in a batch. */
  capacity: 256,
  /** The offset of the arguments, in units of 8 bytes from the start of a task; each is one double. */
  argumentsAt: 3,
  /** Maximum number of arguments of a call. */
  arguments: 29,
  /** The code of modules that threads run, one after the other. */
  codeAt: 64 + 4 * 256 + 256 * 256,
  codeBytes: 2 ** 21,
} as const
