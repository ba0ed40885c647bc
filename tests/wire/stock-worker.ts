// A process with one stock client in it, driven by messages of its parent. Runs from dist/tests.
import { encodeEntry } from '../../shared/chat/entry.ts'
import { messageEntry, StockClient, type StockClientOptions } from '../helpers/stock-client.ts'

export type Task =
  | { readonly kind: 'start'; readonly options: Omit<StockClientOptions, 'doc' | 'WebSocket'> }
  /** In one transaction. */
  | { readonly kind: 'say'; readonly texts: readonly string[] }
  | { readonly kind: 'until-sent'; readonly count: number }
  | { readonly kind: 'disconnect' | 'connect' }
  | { readonly kind: 'end' }

export interface Report {
  readonly synced: boolean
  readonly connections: number
  /** By seq: the seq, whose it is, and what it says. */
  readonly sent: readonly (readonly [seq: number, user: string, text: string])[]
  readonly pending: readonly string[]
  readonly hasForked: boolean
}

let client: StockClient | undefined

async function work(task: Task): Promise<void> {
  if (task.kind === 'start') {
    client = new StockClient(task.options)
    await client.synced()
    return
  }
  if (client === undefined) throw new Error('not started')
  switch (task.kind) {
    case 'say':
      client.append(...task.texts.map((text) => encodeEntry(messageEntry(text))))
      return
    case 'until-sent': {
      const { count } = task
      const { folded } = client
      return client.until(`${count} messages are sent`, () => folded.view().sent.length >= count)
    }
    case 'disconnect':
      client.provider.disconnect()
      return
    case 'connect':
      client.provider.connect()
      return client.synced()
    case 'end':
      client.destroy()
      process.disconnect()
      return
  }
}

function report(): Report {
  if (client === undefined) throw new Error('not started')
  const { sent, pending } = client.view()
  return {
    synced: client.provider.synced,
    connections: client.connections,
    sent: sent.map(({ seq, user, content }) => [seq, user, content]),
    pending: pending.map(({ content }) => content),
    hasForked: client.folded.fold().fork !== undefined,
  }
}

process.on('message', (task: Task) => {
  work(task).then(
    () => process.connected && process.send?.({ report: report() }),
    (error: unknown) => process.send?.({ failure: String(error) }),
  )
})
