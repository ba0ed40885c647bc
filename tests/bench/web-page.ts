// The built web chat under measurement: how it is built, and what is noted in it before its own scripts run.
import { join } from 'node:path'

import { runProgram } from '../helpers/program.ts'
import { root } from '../helpers/root.ts'

/** The page as its sources are now. */
export async function buildPage(): Promise<void> {
  const build = runProgram([join(root, 'node_modules/vite/bin/vite.js'), 'build', 'client/web', '--logLevel', 'warn'])
  const { code } = await build.ended
  if (code !== 0) throw new Error(`the web chat could not be built: ${build.stderr()}`)
}

/** In the page, before its own scripts: notes when the databases were last read. */
export function noteReads(): void {
  const mark = (): void => void performance.mark('read')
  for (const name of ['get', 'getAll', 'getAllKeys', 'openCursor', 'count'] as const) {
    const read = IDBObjectStore.prototype[name] as (...args: unknown[]) => IDBRequest
    Object.defineProperty(IDBObjectStore.prototype, name, {
      value: function (this: IDBObjectStore, ...args: unknown[]) {
        const request = read.apply(this, args)
        request.addEventListener('success', mark)
        return request
      },
    })
  }
}

/** In the page, before its own scripts: notes each opening of a database, with its name in `detail`. */
export function noteOpenings(): void {
  const open = indexedDB.open.bind(indexedDB)
  Object.defineProperty(indexedDB, 'open', {
    value: (...args: Parameters<typeof open>) => {
      performance.mark('open', { detail: args[0] })
      return open(...args)
    },
  })
}
