/** A hub in memory: the answers of Hugging Face's to the requests that its library makes, for files of one model. */

export interface LocalHub {
  readonly fetch: typeof fetch
  /** Paths of the files that were asked for, without those that learn a size. */
  readonly asked: string[]
}

const commit = 'c'.repeat(40)

const json = (value: unknown): Response =>
  new Response(JSON.stringify(value), { headers: { 'content-type': 'application/json' } })

/** @param name `owner/model`; any other is not there. */
export function localHub(name: string, files: ReadonlyMap<string, Uint8Array>): LocalHub {
  const asked: string[] = []
  const infoOf = (path: string, bytes: Uint8Array): object => ({
    ...{ type: 'file', path, size: bytes.length, oid: `${bytes.length}-${path.replaceAll('/', '-')}` },
    lastCommit: { id: commit, title: 'a commit', date: '2026-01-01T00:00:00.000Z' },
  })
  const answer = (pathname: string, range: string | null, body: unknown): Response => {
    const api = `/api/models/${name}`
    if (pathname.startsWith(`${api}/revision/`)) {
      return json({
        ...{ _id: '1', id: name, private: false, downloads: 0, gated: false, likes: 0 },
        ...{ lastModified: '2026-01-01T00:00:00.000Z', sha: commit, tags: [] },
      })
    }
    if (pathname.startsWith(`${api}/tree/${commit}`)) return json([...files].map((file) => infoOf(...file)))
    if (pathname.startsWith(`${api}/paths-info/${commit}`)) {
      const { paths } = JSON.parse(String(body)) as { paths: string[] }
      return json([...files].filter(([path]) => paths.includes(path)).map((file) => infoOf(...file)))
    }
    const path = pathname.split(`/${name}/resolve/${commit}/`)[1]
    const bytes = files.get(path)
    if (bytes === undefined) return new Response('{"error":"not there"}', { status: 404 })
    const headers = { etag: `"${path}"` }
    if (range === 'bytes=0-0') {
      const first = new Uint8Array(bytes.subarray(0, 1))
      return new Response(first, {
        status: 206,
        headers: { ...headers, 'content-range': `bytes 0-0/${bytes.length}` },
      })
    }
    asked.push(path)
    return new Response(new Uint8Array(bytes), { headers })
  }
  return {
    asked,
    fetch(input, init) {
      const { pathname } = new URL(input instanceof Request ? input.url : input)
      return Promise.resolve(
        answer(decodeURIComponent(pathname), new Headers(init?.headers).get('range'), init?.body),
      )
    },
  }
}
