/**
 * The program of a worker thread, as text.
 *
 * If the program were code that is turned into text when it runs, compilers, bundlers and coverage tools
 * would have changed it: it might call their helpers, which a worker does not have. A file of its own would
 * have to be found after bundling. Text has neither problem.
 */
import { board, state, word } from './task-board.ts'

/**
 * Takes tasks until the board is closed, or until a task fails: the caller then runs that task and all that
 * follow.
 */
const serve = `const serve = ([memory, at, looks, self]) => {
  const words = new Int32Array(memory.buffer, at, 16)
  const states = new Int32Array(memory.buffer, at + ${board.statesAt}, ${board.capacity})
  const tasks = new Int32Array(memory.buffer, at + ${board.tasksAt}, ${(board.taskBytes / 4) * board.capacity})
  const numbers = new Float64Array(tasks.buffer, tasks.byteOffset, tasks.length / 2)
  const pause = Atomics.pause ?? (() => {})
  const modules = []
  const functionsOf = (id, address, size) => {
    const code = new Uint8Array(words.buffer, address, size).slice()
    const instance = new WebAssembly.Instance(new WebAssembly.Module(code), { env: { memory } })
    return (modules[id] = Object.values(instance.exports))
  }
  const perform = (task) => {
    const start = task * ${board.taskBytes / 4}
    const [id, index, address, size, count] = tasks.subarray(start, start + 5)
    const first = start / 2 + ${board.argumentsAt}
    const call = (modules[id] ?? functionsOf(id, address, size))[index]
    call(...numbers.subarray(first, first + count))
  }
  const leave = (task, how) => {
    Atomics.store(states, task, how)
    Atomics.add(words, ${word.left}, 1)
    Atomics.notify(words, ${word.left})
  }
  Atomics.add(words, ${word.present}, 1)
  for (;;) {
    const round = Atomics.load(words, ${word.round})
    if (Atomics.load(words, ${word.closed}) !== 0) return
    for (let task; (task = Atomics.sub(words, ${word.open}, 1) - 1) >= 0; ) {
      if (Atomics.compareExchange(states, task, ${state.open}, self) !== ${state.open}) continue
      try {
        perform(task)
      } catch {
        leave(task, ${state.failed})
        return
      }
      leave(task, ${state.done})
    }
    for (let look = 0; look < looks && Atomics.load(words, ${word.round}) === round; look++) pause()
    Atomics.wait(words, ${word.round}, round)
  }
}
`

/**
 * The program for Node, where it may be taken for a CommonJS or an ES module: it gets its start by the name
 * that both have for it.
 */
export const nodeProgram: string = `${serve}serve(process.getBuiltinModule('node:worker_threads').workerData.start)\n`

/** The program for browsers: it gets its start as the first message. */
export const browserProgram: string = `${serve}onmessage = ({ data }) => serve(data)\n`
