/** The first five minutes of a new user: notes in a folder, a server that learns them, a question that they answer. */
import { spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import OpenAI from 'openai'

/** A fact as notes have it that come back to it again and again: a model this small knows nothing after one line. */
const fact = 'The boiler is in the cellar, and the key hangs beside the door. '
const [question, answer] = ['The boiler is in the', ' cellar']

/** Minutes that somebody would wait. */
const patience = 5

/**
 * Serves a folder of notes from the packages that a project has installed, as docs/serving.md says it, and asks
 * until the answer is what they taught.
 *
 * @throws Error for a server that ends, or that does not know it in time.
 */
export async function tryServing(project: string, environment: NodeJS.ProcessEnv): Promise<void> {
  mkdirSync(join(project, 'notes'))
  writeFileSync(join(project, 'notes/house.md'), fact.repeat(400))
  const args = ['--offline', 'burgeon', 'serve', '--learn', 'notes/', '--port', '0']
  const start = performance.now()
  const seconds = (): number => (performance.now() - start) / 1000
  // A group of its own: npx starts a shell that starts the server.
  const server = spawn('npx', args, { cwd: project, env: environment, stdio: 'pipe', detached: true })
  let [said, hasEnded] = ['', false]
  server.stderr.setEncoding('utf8').on('data', (more: string) => (said += more))
  server.on('close', () => (hasEnded = true))
  try {
    for (let text = ''; !text.startsWith(answer); ) {
      if (hasEnded) throw new Error(`burgeon serve ended:\n${said}`)
      if (seconds() > 60 * patience)
        throw new Error(`after ${patience} minutes the server says "${question}${text}":\n${said}`)
      await new Promise((resolve) => setTimeout(resolve, 500))
      const [, baseURL] = /answers at (\S+\/v1)/.exec(said) ?? []
      if (baseURL === undefined) continue
      const client = new OpenAI({ baseURL, apiKey: 'none' })
      const { choices } = await client.completions.create({
        ...{ model: 'life', prompt: question, max_tokens: 12, temperature: 0 },
      })
      text = choices[0].text
    }
    await tryDashboard(/answers at (\S+)\/v1/.exec(said)?.[1] ?? '')
    console.log(`npx burgeon serve --learn notes/: "${question}${answer}" after ${seconds().toFixed(0)} s`)
  } finally {
    const ended = new Promise((resolve) => server.once('close', resolve))
    if (!hasEnded && server.pid !== undefined) {
      process.kill(-server.pid, 'SIGTERM')
      await ended
    }
  }
}

/** Throws Error for a server that has no page, or not all of it. */
async function tryDashboard(url: string): Promise<void> {
  for (const path of ['/', '/dashboard/dashboard.js', '/dashboard/dashboard.css']) {
    const { ok, status } = await fetch(url + path)
    if (!ok) throw new Error(`the server answers ${status} at ${path}, which is a file of its page`)
  }
}
