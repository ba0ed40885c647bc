// Runs in a process of its own: commits until the disk refuses, then makes room and goes on trying.
import { spawnSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'

import { openLevelStore } from '../../../server/storage/level/level-store.ts'
import { StoreError } from '../../../server/storage/conversation-store.ts'
import { conversationId, entryAt, write } from '../../contract/store-rows.ts'

export interface FillReport {
  /** Commits of conversation 1 that were acknowledged. */
  readonly acknowledged: number
  /** Codes of the errors: of the commit that met the full disk, and of those after there was room again. */
  readonly codes: readonly string[]
  /** Whether a large file could be written before the process went on trying. */
  readonly roomAgain: boolean
}

/** Prints a FillReport. The process must have been started with a limit on the size of its files. */
export async function fillDisk(location: string): Promise<void> {
  const store = await openLevelStore({ location })
  const codes: string[] = []
  let acknowledged = 0
  const commitNext = async (): Promise<void> => {
    const seq = acknowledged
    const entries = [entryAt(seq, { payload: new Uint8Array(3000).fill(seq) })]
    try {
      await store.commit([write(conversationId(1), seq + 1, { head: { nextSeq: seq + 1 }, entries })])
      acknowledged++
    } catch (error) {
      codes.push(error instanceof StoreError ? error.code : String(error))
    }
  }
  while (codes.length === 0 && acknowledged < 10_000) await commitNext()
  const makeRoom = 'prlimit --pid "$1" --fsize=unlimited'
  spawnSync('sh', ['-c', makeRoom, 'sh', String(process.pid)], { stdio: 'inherit' })
  const roomAgain = await writeFile(`${location}.large`, Buffer.alloc(2 ** 20)).then(
    () => true,
    () => false,
  )
  for (let attempt = 0; attempt < 20; attempt++) await commitNext()
  await store.close()
  const report: FillReport = { acknowledged, codes, roomAgain }
  process.stdout.write(JSON.stringify(report))
}
