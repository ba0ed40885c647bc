// Everything that was ever said in a conversation, page by page over REST: a document has only the newest of it.
import type { RestMessage } from '../../shared/rest.ts'

interface Asking {
  readonly rest: (
    user: string,
    method: string,
    path: string,
  ) => Promise<{ readonly status: number; readonly body: unknown }>
}

/** By ascending seq. */
export async function wholeHistory(
  server: Asking,
  user: string,
  conversation: string,
): Promise<readonly RestMessage[]> {
  const all: RestMessage[] = []
  for (;;) {
    // Seqs begin with 0, and `after` is exclusive: the oldest page is what comes before the next one.
    const last = all.at(-1)?.seq
    const bound = last === undefined ? '' : `&after=${last}`
    const page = await pageOf(server, user, `/api/conversations/${conversation}/messages?limit=200${bound}`)
    if (last === undefined && page.length === 200) {
      all.push(...(await firstPage(server, user, conversation)))
      continue
    }
    all.push(...page)
    if (page.length < 200) return all
  }
}

async function firstPage(server: Asking, user: string, conversation: string): Promise<readonly RestMessage[]> {
  const path = `/api/conversations/${conversation}/messages`
  const [first] = await pageOf(server, user, `${path}?limit=1&before=1`)
  const behind = await pageOf(server, user, `${path}?limit=200&after=0`)
  return first === undefined ? behind : [first, ...behind]
}

async function pageOf(server: Asking, user: string, path: string): Promise<readonly RestMessage[]> {
  const { status, body } = await server.rest(user, 'GET', path)
  if (status !== 200) throw new Error(`${path}: ${status}`)
  return body as readonly RestMessage[]
}
