/** What a user can do with everything of theirs at once: take it along, and have it gone. Both are the server's to do. */

import type { ChatClient } from '../api.ts'
import { ExportCutOff } from '../errors.ts'
import { fieldsOf } from '../rest-answers.ts'
import { answered, type RestClient } from '../rest-client.ts'
import type { Account, AccountDeletion, AccountPart } from './account-api.ts'
import { readExportLine } from './read-export.ts'

export interface AccountDeps extends Pick<ChatClient, 'close' | 'wipe'> {
  readonly request: RestClient['request']
}

/** An export from which nothing has come for so long is cut off. */
const silenceMs = 15_000
/** One answer to a deletion: the server writes a thousand entries for it, on whatever disk. */
const erasingMs = 120_000
const acceptedStatus = 202

export function createAccount({ request, close, wipe }: AccountDeps): Account {
  async function* exported(): AsyncGenerator<AccountPart, void> {
    const silence = new AbortController()
    const inTime = async <T>(job: Promise<T>): Promise<T> => {
      const timer = setTimeout(() => silence.abort(new Error('Nothing came for a while.')), silenceMs)
      try {
        return await job
      } finally {
        clearTimeout(timer)
      }
    }
    try {
      const { body } = await answered(inTime(request('GET', '/api/me/export', undefined, silence.signal)))
      for await (const line of linesOf(body, inTime)) {
        const part = readExportLine(line)
        if (part === 'end') return
        if (part !== undefined) yield part
      }
      throw new ExportCutOff()
    } finally {
      // Whoever has heard enough lets the server go.
      silence.abort()
    }
  }

  async function eraseAll({ messages, onProgress }: AccountDeletion): Promise<void> {
    for (;;) {
      const answer = await answered(request('DELETE', '/api/me', { messages }, AbortSignal.timeout(erasingMs)))
      if (answer.status !== acceptedStatus) return
      const { left } = fieldsOf(await answer.json())
      onProgress?.(typeof left === 'number' ? left : 1)
    }
  }

  return {
    exportAccount: exported,
    deleteAccount: async (how) => {
      await eraseAll(how)
      // What was under way from here may have come in behind it: a conversation that was made offline, say.
      await close()
      await eraseAll(how)
      await wipe()
    },
  }
}

/** Throws ExportCutOff when it fails before its end. */
async function* linesOf(
  body: ReadableStream<Uint8Array> | null,
  inTime: <T>(job: Promise<T>) => Promise<T>,
): AsyncGenerator<string, void> {
  if (body === null) return
  const reader = body.getReader()
  const decoder = new TextDecoder()
  let begun = ''
  for (;;) {
    const read = await inTime(reader.read()).catch((error: unknown) => {
      throw new ExportCutOff({ cause: error })
    })
    if (read.value === undefined) return
    const lines = (begun + decoder.decode(read.value, { stream: true })).split('\n')
    begun = lines.pop() ?? ''
    yield* lines
  }
}
