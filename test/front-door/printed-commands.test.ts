/** Every command that a command prints runs as it is printed: by a shell, with `npx`, in a checkout. */
import { rmSync, writeFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { nodeDisk } from '@burgeon/gpt/node'
import { buildLearner, emptyRecord, saveLife } from 'burgeon/session'
import { expect, onTestFinished, test } from 'vitest'
import { temporaryFolder } from '../docs/programs.ts'
import { shortOrLong, someOf } from '../how-long.ts'
import { commandLine, type Running, running, startedProcess } from './running.ts'
import { smallCheckout } from './small-checkout.ts'
import { smallLife, smallText } from './small-life.ts'

/** Commands in what was printed, one a line. */
const commandsIn = (text: string): string[] =>
  [...text.matchAll(/\bnpx burgeon .*$/gm)].map(([command]) => command)

/** A folder inside the checkout, as npx wants it, that lasts as long as the test. */
function folderInCheckout(): string {
  const folder = temporaryFolder()
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Stands in for npx, which takes as long to start as the command itself. */
const instead = `npx() { shift; "${process.execPath}" ${commandLine.map((word) => `"${word}"`).join(' ')} "$@"; }`

/** Runs a printed command as a user would paste it. Those that read standard input are given some text. */
async function pasted(
  command: string,
  folder: string,
  input: string | Uint8Array = '',
  npx = instead,
): Promise<Running['said']> {
  const shell = startedProcess('sh', ['-c', `${npx}\n${command}`], folder)
  shell.child.stdin.end(input)
  expect(await shell.ended, `${command}\n${shell.said.status}`).toBe(0)
  return shell.said
}

/** Pauses a command after its first steps. */
async function paused(args: readonly string[], folder: string): Promise<string> {
  const burgeon = running(args, folder)
  await burgeon.says('status', /bits\/byte/)
  burgeon.child.kill('SIGINT')
  expect(await burgeon.ended, burgeon.said.status).toBe(0)
  return burgeon.said.output
}

test('those of learn, with a path that a shell would take apart', async () => {
  const folder = folderInCheckout()
  const [file, out] = ["learn with space & $HOME's.txt", 'a life; of `its` own']
  writeFileSync(join(folder, file), smallText(150))
  const [resume, ...none] = commandsIn(await paused(['learn', file, '--out', out, '--keep-sizes'], folder))
  expect(none).toEqual([])
  const { output } = await pasted(resume, folder, '', '# npx itself')
  const next = commandsIn(output)
  expect(next.map((command) => command.split(' ')[2])).toEqual(['generate', 'inspect', 'learn'])
  for (const command of someOf(next, 2)) await pasted(command, folder)
  const [again] = commandsIn((await pasted(resume, folder)).output)
  expect(again).toContain('--passes 3')
  // It learns the whole text once more.
  if (shortOrLong(false, true)) await pasted(again, folder)
})

test('those of learn from standard input, and of a folder', async () => {
  const folder = folderInCheckout()
  await mkdir(join(folder, '-notes'))
  writeFileSync(join(folder, '-notes/a.txt'), smallText(60))
  const { output } = await pasted('npx burgeon learn - --out one', folder, smallText(20))
  const commands = commandsIn(output)
  expect(commands.at(-1)).toBe('npx burgeon learn - --append --out one')
  for (const command of shortOrLong(commands.slice(-1), commands)) await pasted(command, folder, smallText(2))
  const ofFolder = commandsIn((await pasted('npx burgeon learn ./-notes', folder)).output)
  for (const command of someOf(ofFolder, 1)) await pasted(command, folder)
})

test.runIf(shortOrLong(false, true))('those of first-life', async () => {
  const folder = folderInCheckout()
  for (const [path, content] of smallCheckout()) {
    await mkdir(join(folder, 'root', path, '..'), { recursive: true })
    writeFileSync(join(folder, 'root', path), content)
  }
  const begin = ['first-life', '--quick', '--root', 'root']
  const [resume] = commandsIn(await paused(begin, folder))
  expect(resume).toBe('npx burgeon first-life --resume --quick --root root --out first-life')
  const [speak, ...none] = commandsIn((await pasted(resume, folder)).output)
  expect(none).toEqual([])
  expect((await pasted(speak, folder)).output).toMatch(/^If you/)
})

test('those of inspect and restore', async () => {
  const folder = folderInCheckout()
  writeFileSync(join(folder, 'a.txt'), smallText(300))
  const learner = buildLearner(smallLife)
  const record = emptyRecord(learner.model.parameters.size)
  await saveLife(nodeDisk(join(folder, 'life')), { settings: smallLife, learner, record })
  await pasted('npx burgeon learn a.txt --resume --keep-sizes', folder)
  const [take] = commandsIn((await pasted('npx burgeon inspect --from life', folder)).output)
  expect(take).toMatch(/^npx burgeon restore --from life --kept \d+ --out life-\d+$/)
  const [go] = commandsIn((await pasted(take, folder)).output)
  await pasted(go, folder, smallText(4))
})
